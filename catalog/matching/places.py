"""Do equal tensors sit in corresponding places? Two layers exchanged make another model of the same tensors.

Names answer: equal ones directly; others by the rule that maps the names of one file to those of the other, which its
own majority shows: LDM's `input_blocks.1` is diffusers' `down_blocks.0` for whatever lies in it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter, defaultdict
from itertools import combinations, permutations, product, starmap
from typing import TYPE_CHECKING, NamedTuple

from catalog.matching import thresholds
from catalog.matching.pairing_sides import plain_names

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Sequence

    _Numbers = tuple[int, ...]
    Image = tuple[Hashable, _Numbers, *tuple[int, ...]] | None
    Trait = Callable[[str], Image]

_INTEGER = re.compile(r"\d+")
_PROJECTION = re.compile(r"(?:^|[._/]w?)(q(?:uery)?|k(?:ey)?|v(?:alue)?)(?=$|[._/])")
"""`to_q`, `q_proj`, `attn_q`, `wq`, `query`: what an attention's projection is called."""
_FEW = 2
"""Names for each integer, at least, that may tell what they are the images of."""
_TWO = 2
"""A weight and its bias: no majority, but a contradiction where most agree."""
_LAST = 3
"""Parts of a name that say which tensor of a block it is."""
_LITTLE = 0.25
"""Numbers that mean nothing are out of order in a larger share than this."""
_PLACES = 3
"""Of more integers that vary only the first are put in order."""


class _Counted(NamedTuple):
    """Names that deviate from their group's majority, of how many there were groups for."""

    deviants: int
    judged: int

    @property
    def comparable(self) -> bool:
        return self.judged > 0 and self.deviants <= thresholds.NAMES_DEVIATE * self.judged


def check(
    pairs: Sequence[tuple[str, str]],
    left: Collection[str],
    right: Collection[str],
    equal: Callable[[str, str], bool],
) -> bool | None:
    """True: all in place. False: something is exchanged. None: the names are not comparable.

    `pairs`: names of tensors of equal values, of which there is no second on either side; `left`, `right`: all names of
    each side; `equal(left name, right name)`: do the tensors of these names hold equal values?
    """
    if not pairs:
        return None
    mine, others = _plain(left), _plain(right)
    plain = [(mine[one], others[other]) for one, other in pairs if one in mine and other in others]
    alike = sum(one == other for one, other in plain)
    stored = {name: full for full, name in others.items()}
    common = sum(name in stored for name in mine.values())
    if alike >= thresholds.NAMES_COMPARABLE * len(pairs) or common >= thresholds.NAMES_IN_COMMON * min(
        len(mine), len(others)
    ):
        unequal = [(one, other) for one, other in pairs if mine[one] != others[other]]
        if not all(equal(one, stored[mine[one]]) for one, _ in unequal if mine[one] in stored):
            return False
        return True if all(mine[one] in stored for one, _ in unequal) else _by_rule(plain)
    return False if any(starmap(_contrary, plain)) else _by_rule(plain)


def _contrary(left: str, right: str) -> bool:
    """Is one the query of an attention and the other its key, or its value? However few there are, that is no rule."""
    one, other = ({found[0] for found in _PROJECTION.findall(name)} for name in (left, right))
    return bool(one and other) and one.isdisjoint(other)


def _plain(names: Collection[str]) -> dict[str, str]:
    ordered = list(names)
    return dict(zip(ordered, plain_names(ordered, ""), strict=True))


def _by_rule(pairs: Sequence[tuple[str, str]]) -> bool | None:
    """By the majority images of kinds of tensors, of what their names end in and of blocks; by the order of blocks.

    Blocks whose names do not show them, as those of exporters that only number all tensors, are told by order alone.
    """
    kinds, *others = (_exchanged(pairs, trait) for trait in (_kind, _block, _layer, *_LOCAL))
    if kinds is None:
        return None
    return False if kinds or any(others) else _in_order(pairs)


def _exchanged(pairs: Sequence[tuple[str, str]], trait: Trait) -> bool | None:
    """Do names deviate from the rule, in the better of both directions? None if there is no such rule.

    A weight and its bias that come from two layers are a contradiction in either.
    """
    counted = [_deviants(way, trait) for way in (pairs, [(other, one) for one, other in pairs])]
    told = [each.deviants for each in counted if each.comparable]
    return (max(told) if trait is _layer else min(told)) > 0 if told else None


def _block(name: str) -> Image:
    """What comes before the first integer, and that."""
    found = _INTEGER.search(name)
    return ((name[: found.start()], int(found.group())), _numbers(name[found.end() :])) if found else None


def _kind(name: str) -> Image:
    """The name without its numbers."""
    return _INTEGER.sub("#", name), _numbers(name)


def _layer(name: str) -> Image:
    """What a weight and its bias have in common."""
    return name.rpartition(".")[0], ()


def _end(name: str) -> Image:
    """The same of the last parts of a name."""
    return _kind(".".join(name.split(".")[-_LAST:]))


def _numbered(name: str) -> Image:
    """A kind, told from others by its last integer too: `conv1`, `conv2`."""
    return _with_last(_kind(name))


def _numbered_end(name: str) -> Image:
    """The same of the last parts of a name: `attn1.to_q`, `attn2.to_q`."""
    return _with_last(_end(name))


def _with_last(image: Image) -> Image:
    return image and (image[0], image[1], *image[1][-1:])


_LOCAL = (_end, _numbered, _numbered_end)
"""Traits by which a group may have no rule while the others have."""


def _deviants(pairs: Sequence[tuple[str, str]], trait: Trait) -> _Counted:
    """From groups of names of the first side, those whose image is not that of most of the group."""
    groups: dict[Hashable, list[tuple[_Numbers, Hashable]]] = defaultdict(list)
    for one, other in pairs:
        here, there = trait(one), trait(other)
        if here is not None:
            groups[here[0]].append((here[1], there and (there[0], *there[2:])))
    least = _TWO if trait is _layer else thresholds.GROUP
    found = [(_strays(members), len(members)) for members in groups.values() if len(members) >= least]
    if trait in _LOCAL:
        found = [(strays, size) for strays, size in found if strays <= thresholds.NAMES_DEVIATE * size]
    return _Counted(sum(strays for strays, _ in found), sum(size for _, size in found))


def _strays(members: Sequence[tuple[_Numbers, Hashable]]) -> int:
    """Members of a group whose image is not that of most, or not that of most with the same integer at some place.

    LDM's `in_layers.0` is diffusers' `norm1` and its `in_layers.2` is `conv1`, in every block.
    """
    fewest = len(members)
    integers = range(min(len(numbers) for numbers, _ in members))
    for places in [(), *combinations(integers, 1), *combinations(integers, 2)]:
        parts: dict[Hashable, Counter[Hashable]] = defaultdict(Counter)
        for numbers, image in members:
            parts[tuple(numbers[at] for at in places)][image] += 1
        strays = len(members) - sum(max(images.values()) for images in parts.values())
        most = len(members) // _FEW if strays else len(members) - 1  # of more parts, any image is told by some integer
        if len(parts) <= most:
            fewest = min(fewest, strays)
    return fewest


def _in_order(pairs: Sequence[tuple[str, str]]) -> bool | None:
    """Do all integers of names of one kind rise or fall with those of their likes, the one to the left first?

    LDM's `input_blocks.4` is diffusers' `down_blocks.1.resnets.0`, its `up.3.block.1` is `up_blocks.0.resnets.1`.
    Exchanged blocks are out of order in the same way in every kind, an exchanged tensor in its own alone; integers
    that mean nothing are so in each kind in another way.
    """
    kinds: dict[tuple[Hashable, Hashable], list[tuple[_Numbers, _Numbers]]] = defaultdict(list)
    for one, other in pairs:
        here, there = _kind(one), _kind(other)
        if here and there:
            kinds[here[0], there[0]].append((here[1], there[1]))
    lines = [[there for _, there in sorted(met)] for met in kinds.values()]
    broken = [(line, strays) for line in lines if (strays := _out_of_order(line))]
    if not broken:
        return True
    ways = Counter(tuple(sorted(range(len(line)), key=line.__getitem__)) for line, _ in broken)
    few = len(broken) <= max(2, thresholds.NAMES_DEVIATE * len(lines))
    alike = 2 * max(ways.values()) > len(broken)
    share = sum(strays for _, strays in broken) / sum(len(line) for line, _ in broken)
    return False if share < _LITTLE or (share <= 2 * _LITTLE and (few or alike)) else None


def _numbers(name: str) -> _Numbers:
    return tuple(map(int, _INTEGER.findall(name)))


def _out_of_order(line: Sequence[_Numbers]) -> int:
    """How many of these must be taken out so that the rest rise, whichever place counts most and whichever falls."""
    varying = [at for at in range(len(line[0])) if len({numbers[at] for numbers in line}) > 1][:_PLACES]
    if not varying:
        return 0
    longest = 0
    for order in permutations(varying):
        for signs in product((1, -1), repeat=len(order)):
            way = [tuple(sign * numbers[at] for sign, at in zip(signs, order, strict=True)) for numbers in line]
            longest = max(longest, _longest_rise(way))
            if longest == len(line):
                return 0
    return len(line) - longest


def _longest_rise(line: Sequence[_Numbers]) -> int:
    """Length of the longest subsequence that never falls."""
    ends: list[_Numbers] = []
    for numbers in line:
        at = bisect_right(ends, numbers)
        ends[at : at + 1] = [numbers]
    return len(ends)
