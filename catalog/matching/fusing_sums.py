"""Tensors whose keys add up to that of a fused one: two to four neighbours in a block."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from functools import lru_cache
from itertools import combinations, product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from catalog.fingerprints.base import Rung, TensorPrint
from catalog.matching import thresholds
from catalog.matching.pairing_exact import RUNGS
from catalog.matching.pairing_sides import Match, own, rung_of
from catalog.vocabulary import Direction

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Mapping, Sequence

    import numpy.typing as npt

    from catalog.matching.pairing_sides import Side

_BLOCKS = (re.compile(r"^(.*\d)"), re.compile(r"^(.*\d)(?=\D*\d+\D*$)"))
"""Names up to their last integer; and up to the one before, for parts that are numbered themselves."""
_OF_BF16 = (Rung.BF16, Rung.BF)


class Total(NamedTuple):
    """The parts of `whole`, by number, in no order; `left` and `right` of each match are the whole and the part."""

    whole: int
    matches: dict[int, Match]


def sums(whole: Side, part: Side, wholes: list[int], pieces: list[int]) -> Iterator[Total]:
    """Wholes that are the sum of some pieces. Each of both at most once."""
    sought = _Sought(whole, wholes)
    if not sought.sizes:
        return
    used: set[int] = set()
    for block in _blocks(part, [number for number in pieces if part.tensors[number].lanes is not None]):
        for chosen in _subsets(part, block, sought.sizes):
            if used.isdisjoint(chosen) and sum(not part.constant(number) for number in chosen) > 1:
                total = sought.met(part, chosen)
                if total is not None:
                    used.update(chosen)
                    yield total


def met(whole: Side, part: Side, chosen: Sequence[int], number: int) -> Total | None:
    """Whether the chosen pieces add up to the whole of this number."""
    return _Sought(whole, [number]).met(part, chosen)


def together(whole: Side, part: Side, wholes: list[int], pieces: list[int]) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Wholes beside some neighbours that have as many values and a side in common, whatever these values are."""
    sought: dict[int, list[int]] = defaultdict(list)
    for number in wholes:
        sought[whole.sizes[number]].append(number)
    counts = {size: len(numbers) for size, numbers in sought.items()}
    used: set[int] = set()
    for block in _blocks(part, pieces):
        for chosen in _subsets(part, block, counts):
            size = sum(part.sizes[number] for number in chosen)
            common = set.intersection(*(set(part.shape(number)) for number in chosen))
            fits = [n for n in sought[size] if not common.isdisjoint(whole.shape(n))]
            if fits and used.isdisjoint(chosen):
                used.update(chosen)
                sought[size].remove(fits[0])
                yield fits[0], chosen


class _Sought:
    """Wholes by their keys: `own` over the values as they are, `rungs` over their roundings."""

    def __init__(self, side: Side, numbers: Sequence[int]) -> None:
        self.sizes: dict[int, int] = Counter()
        self.own: dict[Hashable, list[int]] = defaultdict(list)
        self.rungs: dict[tuple[Rung, bytes], list[int]] = defaultdict(list)
        for number in numbers:
            lanes = side.lanes[number]
            if lanes:
                self.sizes[side.sizes[number]] += 1
                for key in side.own[number]:
                    self.own[key].append(number)
                for rung in RUNGS:
                    self.rungs[rung, rung_of(lanes, rung)].append(number)
        self.side = side

    def met(self, part: Side, chosen: Sequence[int]) -> Total | None:
        """The whole that the chosen pieces add up to; it is sought no longer."""
        tensors = [part.tensors[number] for number in chosen]
        added = sum(
            (tensor.lanes for tensor in tensors if tensor.lanes is not None), np.zeros((len(Rung), 2), np.uint64)
        )
        if any(tensor.lanes is None for tensor in tensors):
            return None
        m32 = sum(tensor.m32 for tensor in tensors) % 2**64
        exact_f16, exact_bf16 = all(one.exact_f16 for one in tensors), all(one.exact_bf16 for one in tensors)
        total = TensorPrint("", "", (), b"", lanes=added, m32=m32, exact_f16=exact_f16, exact_bf16=exact_bf16)
        found = self._joined(total, added.tobytes())
        if found is None:
            return None
        number, made, rung = found
        self._forget(number)
        matches = {n: Match(number, n, proven=False, made=made, rung=rung, alone=True) for n in chosen}
        return Total(number, matches)

    def _joined(self, total: TensorPrint, lanes: bytes) -> tuple[int, Direction, str] | None:
        """The whole; which is a rounding of which (RIGHT is the parts), and by which rung."""
        exact = {Rung.F16: total.exact_f16, Rung.BF16: total.exact_bf16}
        for key in own(total, lanes):
            if self.own.get(key):
                return self.own[key][0], Direction.NONE, "equal"
        for rung, word in RUNGS.items():
            base = Rung.BF16 if rung in _OF_BF16 else Rung.F16
            domain = "bf16" if base is Rung.BF16 else "f16"
            if self.own.get((domain, rung_of(lanes, rung))):
                return self.own[domain, rung_of(lanes, rung)][0], Direction.LEFT_FROM_RIGHT, word
            if exact[base] and self.rungs.get((rung, rung_of(lanes, base))):
                return self.rungs[rung, rung_of(lanes, base)][0], Direction.RIGHT_FROM_LEFT, word
        return None

    def _forget(self, number: int) -> None:
        self.sizes[self.side.sizes[number]] -= 1
        for numbers in (*self.own.values(), *self.rungs.values()):
            if number in numbers:
                numbers.remove(number)


def _blocks(side: Side, numbers: list[int]) -> Iterator[list[int]]:
    """Neighbours: of equal names up to the last integer, with as many columns or rows."""
    found: dict[tuple[str, int, int], list[int]] = defaultdict(list)
    for number in numbers:
        name = side.tensors[number].name
        blocks = {named.group(1) for block in _BLOCKS if (named := block.match(name))} or {""}
        for block, (axis, length) in product(blocks, enumerate(side.shape(number))):
            found[block, axis, length].append(number)
    yield from (near for near in found.values() if 1 < len(near) <= thresholds.MOST_NEIGHBOURS)


@lru_cache(16)
def _choices(count: int) -> tuple[npt.NDArray[np.intp], ...]:
    """Numbers of the members of all subsets of two, of three, of four."""
    most = min(count, thresholds.MOST_PARTS)
    return tuple(np.array(list(combinations(range(count), size))) for size in range(2, most + 1))


def _subsets(side: Side, block: list[int], sizes: Mapping[int, int]) -> Iterator[tuple[int, ...]]:
    """Those that have together as many values as one of the wholes."""
    wanted = [size for size, count in sizes.items() if count]
    values = np.array([side.sizes[number] for number in block])
    for choice in _choices(len(block)):
        for at in np.nonzero(np.isin(values[choice].sum(axis=1), wanted))[0]:
            yield tuple(block[member] for member in choice[at])
