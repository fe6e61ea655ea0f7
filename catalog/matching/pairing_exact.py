"""Which tensors are the same beyond doubt: by digests, and by keys over all their values."""

from __future__ import annotations

from collections import defaultdict
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from catalog.fingerprints.base import CODES, Rung
from catalog.matching.pairing_sides import Match, Side, rung_of
from catalog.vocabulary import Direction

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator

    from catalog.fingerprints.base import Lanes

    Keys: TypeAlias = Callable[[Side, int], Iterable[Hashable]]


class Join(NamedTuple):
    """Tensors of the left whose `left` key is among the `right` keys of one of the right are joined."""

    left: Keys
    right: Keys
    proven: bool
    made: Direction
    rung: str


RUNGS = {
    Rung.F16: "f16",
    Rung.BF16: "bf16",
    Rung.FB: "bf16>f16",
    Rung.BF: "f16>bf16",
    Rung.E4M3: "f8_e4m3",
    Rung.E4M3_F16: "f16>f8_e4m3",
    Rung.E4M3_BF16: "bf16>f8_e4m3",
    Rung.E5M2: "f8_e5m2",
    Rung.E5M2_F16: "f16>f8_e5m2",
    Rung.E5M2_BF16: "bf16>f8_e5m2",
}
FLUSHED = "f16, subnormals flushed"
_NONE = bytes(16 * len(Rung))
_OF_BF16 = (Rung.BF16, Rung.BF)


def exact(left: Side, right: Side, lefts: list[int], rights: list[int]) -> list[Match]:
    """The surest join of each open tensor: digests first, equal keys next, roundings last. Each at most once.

    Of several with equal values, those of equal names and shapes are joined to each other; those left over when one
    side has more of them are not in the answer: `tied` finds them.
    """
    seeker = _Seeker(left, right, lefts, rights)
    for join in _PLAIN:
        seeker.seek(join)
    seeker.drop_strangers()
    for join in _ROUNDED:
        seeker.seek(join)
    return seeker.found


def tied(left: Side, right: Side, found: Iterable[Match], lone: list[int], *, mirrored: bool) -> list[Match]:
    """Of the tensors `lone` (of the left; `mirrored`: of the right), those that a matched one of their side equals."""
    if not lone:
        return []
    side = right if mirrored else left
    matched: dict[Hashable, Match] = {}
    for match in found:
        number = match.right if mirrored else match.left
        for key in chain(_digest(side, number), _own(side, number)):
            matched.setdefault(key, match)
    again = []
    for number in lone:
        keys = chain(_digest(side, number), _own(side, number))
        twin = next((matched[key] for key in keys if key in matched), None)
        if twin is not None:
            one, other = (twin.left, number) if mirrored else (number, twin.right)
            again.append(twin._replace(left=one, right=other, alone=False))
    return again


class _Seeker:
    """Finds joins among the tensors still open."""

    def __init__(self, left: Side, right: Side, lefts: list[int], rights: list[int]) -> None:
        self.left, self.right = left, right
        self.open_left, self.open_right = lefts, rights
        self.found: list[Match] = []
        self._kept: dict[Hashable, set[Hashable]] = {}

    def seek(self, join: Join) -> None:
        """Add what `join` joins, and close it."""
        common = self._keys(self.left, self.open_left, join.left) & self._keys(self.right, self.open_right, join.right)
        if not common:
            return
        lefts = _by_key(self.left, self.open_left, join.left, common)
        rights = _by_key(self.right, self.open_right, join.right, common)
        taken_left: set[int] = set()
        taken_right: set[int] = set()
        for key, numbers in lefts.items():
            mine = [n for n in numbers if n not in taken_left]
            others = [n for n in rights[key] if n not in taken_right]
            alone = len(mine) == len(others) == 1 and not self.left.constant(mine[0])
            for one, other in assigned(self.left, self.right, mine, others):
                if self.left.sizes[one] == self.right.sizes[other]:
                    taken_left.add(one)
                    taken_right.add(other)
                    self.found.append(Match(one, other, join.proven, self._made(join, one, other), join.rung, alone))
        self.open_left = [n for n in self.open_left if n not in taken_left]
        self.open_right = [n for n in self.open_right if n not in taken_right]

    def drop_strangers(self) -> None:
        """Close what has no sum in common with the other side, whatever the rung: most of what no digest joined."""
        left, right = _sums(self.left, self.open_left), _sums(self.right, self.open_right)
        common = np.intersect1d(left, right)
        self.open_left = [self.open_left[at] for at in np.nonzero(np.isin(left, common).any(axis=1))[0]]
        self.open_right = [self.open_right[at] for at in np.nonzero(np.isin(right, common).any(axis=1))[0]]

    def _keys(self, side: Side, numbers: list[int], keys: Keys) -> set[Hashable]:
        """All keys of the open tensors of a side; kept, since most joins find nothing and ask for the same ones."""
        name = (side is self.left, keys, len(numbers))
        if name not in self._kept:
            self._kept[name] = {key for number in numbers for key in keys(side, number)}
        return self._kept[name]

    def _made(self, join: Join, one: int, other: int) -> Direction:
        """NONE where the source's values already were of the type they were rounded to."""
        a, b = self.left.tensors[one], self.right.tensors[other]
        if join.rung == "f16" and a.exact_f16 and b.exact_f16:
            return Direction.NONE
        if join.rung == "bf16" and a.exact_bf16 and b.exact_bf16:
            return Direction.NONE
        return join.made


def _sums(side: Side, numbers: list[int]) -> Lanes:
    """The first sum of each rung: shape (tensors, rungs). Zeros where there are none."""
    raw = b"".join(side.lanes[number] or _NONE for number in numbers)
    return np.frombuffer(raw, np.uint64).reshape(len(numbers), len(Rung), 2)[:, :, 0]


def _by_key(side: Side, numbers: list[int], keys: Keys, common: set[Hashable]) -> dict[Hashable, list[int]]:
    found: dict[Hashable, list[int]] = defaultdict(list)
    for number in numbers:
        for key in keys(side, number):
            if key in common:
                found[key].append(number)
    return found


def assigned(left: Side, right: Side, mine: list[int], others: list[int]) -> Iterator[tuple[int, int]]:
    """Pairs of tensors that are equal in value: by name, then by shape, then in their order."""
    if len(mine) == len(others) == 1:
        yield mine[0], others[0]
        return
    for trait in (_name, _shape, _nothing):
        places: dict[Hashable, list[int]] = defaultdict(list)
        for number in reversed(others):
            places[trait(right, number)].append(number)
        pairs = [(one, places[trait(left, one)].pop()) for one in mine if places.get(trait(left, one))]
        yield from pairs
        mine = [n for n in mine if n not in {one for one, _ in pairs}]
        others = [n for n in others if n not in {other for _, other in pairs}]


def _name(side: Side, number: int) -> Hashable:
    return side.names[number]


def _shape(side: Side, number: int) -> Hashable:
    return side.tensors[number].shape


def _nothing(_side: Side, _number: int) -> Hashable:
    return None


def _digest(side: Side, number: int) -> tuple[Hashable, ...]:
    digest = side.tensors[number].td
    return (digest,) if digest else ()


def _as_f16(side: Side, number: int) -> tuple[Hashable, ...]:
    tensor = side.tensors[number]
    return (tensor.td_f16,) if tensor.td_f16 and tensor.dtype != "F16" else ()


def _as_bf16(side: Side, number: int) -> tuple[Hashable, ...]:
    tensor = side.tensors[number]
    return (tensor.td_bf16,) if tensor.td_bf16 and tensor.dtype != "BF16" else ()


def _own(side: Side, number: int) -> tuple[Hashable, ...]:
    return side.own[number]


def _rounded(rung: Rung) -> Keys:
    domain = "bf16" if rung in _OF_BF16 else "f16"

    def keys(side: Side, number: int) -> tuple[Hashable, ...]:
        lanes = side.lanes[number]
        return ((domain, rung_of(lanes, rung)),) if lanes else ()

    return keys


def _flushed(side: Side, number: int) -> tuple[Hashable, ...]:
    """Of tensors with enough values to mean something: what is flushed to zero looks like any other."""
    lanes = side.lanes[number]
    return (rung_of(lanes, Rung.FZ),) if lanes and side.tensors[number].codes_f16 >= CODES else ()


def _flushed_source(side: Side, number: int) -> tuple[Hashable, ...]:
    """Only a rounding flushes: of two that hold f16 values already, one was changed."""
    return () if side.tensors[number].exact_f16 else _flushed(side, number)


def _flushed_exact(side: Side, number: int) -> tuple[Hashable, ...]:
    return _flushed(side, number) if side.tensors[number].exact_f16 else ()


def _both_ways(source: Keys, rounding: Keys, rung: str, *, proven: bool = False) -> Iterator[Join]:
    yield Join(source, rounding, proven, Direction.RIGHT_FROM_LEFT, rung)
    yield Join(rounding, source, proven, Direction.LEFT_FROM_RIGHT, rung)


_PLAIN = (
    Join(_digest, _digest, proven=True, made=Direction.NONE, rung="equal"),
    *_both_ways(_as_f16, _digest, "f16", proven=True),
    *_both_ways(_as_bf16, _digest, "bf16", proven=True),
)
_ROUNDED = (
    Join(_own, _own, proven=False, made=Direction.NONE, rung="equal"),
    *(join for rung, word in RUNGS.items() for join in _both_ways(_rounded(rung), _own, word)),
    *_both_ways(_flushed_source, _flushed_exact, FLUSHED),
)
