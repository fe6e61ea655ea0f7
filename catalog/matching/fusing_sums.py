"""Tensors whose keys add up to that of a fused one: two to four neighbours in a block."""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache
from itertools import combinations, product
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from catalog.fingerprints.base import Rung
from catalog.matching import thresholds
from catalog.matching.pairing_exact import RUNGS
from catalog.matching.pairing_sides import Match
from catalog.vocabulary import Direction

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from catalog.fingerprints.base import Lanes, TensorPrint
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
    sizes: dict[int, list[int]] = defaultdict(list)
    for number in wholes:
        if whole.tensors[number].lanes is not None:
            sizes[whole.sizes[number]].append(number)
    used: set[int] = set()
    for block in _blocks(part, pieces) if sizes else ():
        for chosen in _subsets(part, block, sizes):
            if used.isdisjoint(chosen):
                total = met(whole, part, chosen, sizes[sum(part.sizes[n] for n in chosen)])
                if total is not None:
                    used.update(chosen)
                    sizes[whole.sizes[total.whole]].remove(total.whole)
                    yield total


def _blocks(side: Side, numbers: list[int]) -> Iterator[list[int]]:
    """Neighbours: of equal names up to the last integer, with as many columns or rows."""
    found: dict[tuple[str, int, int], list[int]] = defaultdict(list)
    for number in numbers:
        if side.tensors[number].lanes is not None:
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


def _subsets(side: Side, block: list[int], sizes: dict[int, list[int]]) -> Iterator[tuple[int, ...]]:
    """Those that have together as many values as one of the wholes."""
    wanted = [size for size, numbers in sizes.items() if numbers]
    values = np.array([side.sizes[number] for number in block])
    for choice in _choices(len(block)):
        for at in np.nonzero(np.isin(values[choice].sum(axis=1), wanted))[0]:
            yield tuple(block[member] for member in choice[at])


def met(whole: Side, part: Side, chosen: Sequence[int], wholes: Sequence[int]) -> Total | None:
    """The whole that the chosen pieces add up to."""
    if any(part.tensors[number].lanes is None for number in chosen):
        return None
    tensors = [part.tensors[number] for number in chosen]
    total = _added(tensors)
    for number in wholes:
        found = _joined(whole.tensors[number], tensors, total)
        if found is not None:
            made, rung = found
            match = {n: Match(number, n, proven=False, made=made, rung=rung, alone=True) for n in chosen}
            return Total(number, match)
    return None


def _added(tensors: list[TensorPrint]) -> Lanes:
    total = np.zeros((len(Rung), 2), np.uint64)
    for tensor in tensors:
        if tensor.lanes is not None:
            total += tensor.lanes
    return total


def _joined(whole: TensorPrint, tensors: list[TensorPrint], total: Lanes) -> tuple[Direction, str] | None:
    """Which is a rounding of which (RIGHT is the parts), and by which rung."""
    if whole.lanes is None:
        return None
    m32 = sum(tensor.m32 for tensor in tensors) % 2**64
    if (whole.lanes[Rung.F16] == total[Rung.F16]).all() and whole.m32 == m32:
        return Direction.NONE, "equal"
    for rung, word in RUNGS.items():
        wide = rung in _OF_BF16
        base = Rung.BF16 if wide else Rung.F16
        whole_exact = whole.exact_bf16 if wide else whole.exact_f16
        parts_exact = all(tensor.exact_bf16 if wide else tensor.exact_f16 for tensor in tensors)
        if whole_exact and (total[rung] == whole.lanes[base]).all():
            both = rung is base and parts_exact
            return (Direction.NONE, "equal") if both else (Direction.LEFT_FROM_RIGHT, word)
        if parts_exact and (whole.lanes[rung] == total[base]).all():
            return Direction.RIGHT_FROM_LEFT, word
    return None
