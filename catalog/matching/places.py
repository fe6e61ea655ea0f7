"""Do equal tensors sit in corresponding places? Two layers exchanged make another model of the same tensors.

Names answer: equal ones directly; others by the rule that maps the names of one file to those of the other, which its
own majority shows: LDM's `input_blocks.1` is diffusers' `down_blocks.0` for whatever lies in it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

from catalog.matching import thresholds
from catalog.matching.pairing_sides import plain_names

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Sequence

    Trait = Callable[[str], Hashable]

_INTEGER = re.compile(r"\d+")


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
        renamed = [(mine[one], others[other]) for one, other in unequal if mine[one] not in stored]
        return _by_rule(renamed) if renamed else True
    return _by_rule(plain)


def _plain(names: Collection[str]) -> dict[str, str]:
    ordered = list(names)
    return dict(zip(ordered, plain_names(ordered, ""), strict=True))


def _by_rule(pairs: Sequence[tuple[str, str]]) -> bool | None:
    """By the majority images of blocks and of kinds of tensors, and by the order of blocks."""
    turned = [(other, one) for one, other in pairs]
    for trait in (_block, _kind):
        counted = [each for each in (_deviants(pairs, trait), _deviants(turned, trait)) if each.comparable]
        if not counted:
            return None
        if min(each.deviants for each in counted):
            return False
    return _in_order(pairs)


def _block(name: str) -> Hashable:
    """What comes before the first integer, and that."""
    found = _INTEGER.search(name)
    return (name[: found.start()], int(found.group())) if found else None


def _kind(name: str) -> Hashable:
    """The name without its numbers."""
    return _INTEGER.sub("#", name)


def _deviants(pairs: Sequence[tuple[str, str]], trait: Trait) -> _Counted:
    """From groups of names of the first side, those whose image is not that of most of the group."""
    groups: dict[Hashable, list[tuple[str, Hashable]]] = defaultdict(list)
    for one, other in pairs:
        key = trait(one)
        if key is not None:
            groups[key].append((one, trait(other)))
    large = [members for members in groups.values() if len(members) >= thresholds.GROUP]
    return _Counted(sum(map(_strays, large)), sum(map(len, large)))


def _strays(members: Sequence[tuple[str, Hashable]]) -> int:
    """Members of a group whose image is not that of most; none where one of the integers tells which has which.

    LDM's `in_layers.0` is diffusers' `norm1` and its `in_layers.2` is `conv1`, in every block.
    """
    images = Counter(image for _, image in members)
    strays = len(members) - max(images.values())
    if strays <= thresholds.NAMES_DEVIATE * len(members):
        return strays
    numbers = [(_INTEGER.findall(name), image) for name, image in members]
    fewest = min(len(found) for found, _ in numbers)
    return 0 if any(_told_by(position, numbers) for position in range(fewest)) else strays


def _told_by(position: int, numbers: Sequence[tuple[list[str], Hashable]]) -> bool:
    """Whether each integer there has one image, and each image one integer; not by so many that any would."""
    images: dict[str, set[Hashable]] = defaultdict(set)
    for found, image in numbers:
        images[found[position]].add(image)
    told = {image for each in images.values() for image in each}
    return len(told) == len(images) and all(len(each) == 1 for each in images.values()) and len(told) < len(numbers)


def _in_order(pairs: Sequence[tuple[str, str]]) -> bool | None:
    """Do the first integers rise with one another, or fall, wherever the text before them is the same?"""
    maps: dict[tuple[str, str], dict[int, Counter[int]]] = defaultdict(lambda: defaultdict(Counter))
    for one, other in pairs:
        a, b = _INTEGER.search(one), _INTEGER.search(other)
        if a and b:
            maps[one[: a.start()], other[: b.start()]][int(a.group())][int(b.group())] += 1
    told: bool | None = True
    for images in maps.values():
        line = [images[number].most_common(1)[0][0] for number in sorted(images)]
        strays = len(line) - max(_longest_rise(line), _longest_rise([-number for number in line]))
        if strays and strays <= max(2, len(line) // 3):
            return False
        told = None if strays else told
    return told


def _longest_rise(line: Sequence[int]) -> int:
    """Length of the longest subsequence that never falls."""
    ends: list[int] = []
    for number in line:
        at = bisect_right(ends, number)
        ends[at : at + 1] = [number]
    return len(ends)
