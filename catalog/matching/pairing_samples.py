"""Pairs tensors whose keys differ by the correlation of their samples: same or transposed, in any order of names."""

from __future__ import annotations

from collections import defaultdict
from math import log, sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from catalog.matching import thresholds

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

    from catalog.fingerprints.base import Floats
    from catalog.matching.pairing_sides import Side


class Likeness(NamedTuple):
    """Two tensors, by their numbers, that look like versions of one."""

    left: int
    right: int
    transposed: bool
    score: float


class _Block(NamedTuple):
    """Tensors of one shape. `unit`: shape (tensors, samples), each row of length 1; `centred`: the same about their
    means, if there is a large one. `rms` of the samples, which lie at the same places; `known` samples of each.
    """

    numbers: list[int]
    unit: npt.NDArray[np.float32]
    centred: npt.NDArray[np.float32]
    lopsided: npt.NDArray[np.bool_]
    rms: Floats
    known: npt.NDArray[np.int64]


class Paired(NamedTuple):
    """`whole` is False where there were too many tensors to compare each with each."""

    likenesses: list[Likeness]
    whole: bool


def by_samples(left: Side, right: Side, lefts: list[int], rights: list[int]) -> Paired:
    """Pairs among the open core tensors `lefts` and `rights`, each at most once, the likest first.

    Tensors of equal names are tried first; who is like his namesake is compared with no other.
    """
    found: list[Likeness] = []
    blocks = _blocks(left, right, lefts, rights)
    for mine, others, transposed in blocks:
        found += _namesakes(left, right, mine, others, transposed=transposed)
    found = greedy(found)  # a square one may be like its namesake both ways
    taken_left, taken_right = {each.left for each in found}, {each.right for each in found}
    rest: list[Likeness] = []
    spent = 0
    whole = True
    for mine, others, transposed in blocks:
        some, more = _without(mine, taken_left), _without(others, taken_right)
        spent += len(some.numbers) * len(more.numbers)
        if spent > thresholds.CORRELATION_BUDGET:
            whole = False
            break
        rest += _alike(some, more, transposed=transposed)
    return Paired(found + greedy(rest), whole)


def greedy(likenesses: Iterable[Likeness]) -> list[Likeness]:
    """The likest pair first, then the likest of the others."""
    lefts: set[int] = set()
    rights: set[int] = set()
    chosen = []
    for each in sorted(likenesses, key=lambda each: (-each.score, each.transposed, each.left, each.right)):
        if each.left not in lefts and each.right not in rights:
            lefts.add(each.left)
            rights.add(each.right)
            chosen.append(each)
    return chosen


def _blocks(left: Side, right: Side, lefts: list[int], rights: list[int]) -> list[tuple[_Block, _Block, bool]]:
    """Pairs of blocks that can hold versions of one another; of square tensors twice, the right one turned too."""
    mine, others = _by_shape(left, lefts), _by_shape(right, rights)
    built: dict[tuple[tuple[int, int], bool], _Block] = {}
    blocks = []
    for shape, numbers in mine.items():
        block = None
        for transposed in (False, True):
            other = shape[::-1] if transposed else shape
            if other in others:
                block = block or _block(left, numbers, turned=False)
                if (other, transposed) not in built:
                    built[other, transposed] = _block(right, others[other], turned=transposed)
                blocks.append((block, built[other, transposed], transposed))
    return blocks


def _by_shape(side: Side, numbers: list[int]) -> dict[tuple[int, int], list[int]]:
    found: dict[tuple[int, int], list[int]] = defaultdict(list)
    for number in numbers:
        if side.sampled(number):
            found[side.shape(number)].append(number)
    return found


def _block(side: Side, numbers: list[int], *, turned: bool) -> _Block:
    values = np.stack([side.tensors[number].samples.values for number in numbers])
    if turned:
        rows, columns = side.grid(numbers[0])
        values = values.reshape(-1, rows, columns).transpose(0, 2, 1).reshape(len(numbers), -1)
    values = np.where(np.isfinite(values), values, np.nan)
    known = np.isfinite(values)
    count = known.sum(axis=1)
    values = np.where(known, values, 0.0)
    mean = values.sum(axis=1) / np.maximum(count, 1)
    rms = np.sqrt((values**2).sum(axis=1) / np.maximum(count, 1))
    lopsided = np.abs(mean) > thresholds.CENTRED * rms
    centred = np.where(known, values - mean[:, None], 0.0) if lopsided.any() else np.zeros((len(numbers), 0))
    return _Block(numbers, _unit(values), _unit(centred), lopsided, rms, count)


def _unit(values: Floats) -> npt.NDArray[np.float32]:
    """Each row at length 1; rows of zeros stay. First by the largest, so that no square leaves float64."""
    largest = np.abs(values).max(axis=1, initial=0.0)
    values = values / np.where(largest > 0, largest, 1.0)[:, None]
    length = np.sqrt((values**2).sum(axis=1))
    unit: npt.NDArray[np.float32] = (values / np.where(length > 0, length, 1.0)[:, None]).astype(np.float32)
    return unit


def _without(block: _Block, taken: set[int]) -> _Block:
    if taken.isdisjoint(block.numbers):
        return block
    kept = np.array([number not in taken for number in block.numbers], dtype=bool)
    numbers = [number for number in block.numbers if number not in taken]
    return _Block(numbers, *(array[kept] for array in block[1:]))


def _namesakes(left: Side, right: Side, mine: _Block, others: _Block, *, transposed: bool) -> list[Likeness]:
    """Those of equal names that are alike."""
    places = {right.names[number]: place for place, number in enumerate(others.numbers)}
    pairs = [
        (place, places[left.names[number]]) for place, number in enumerate(mine.numbers) if left.names[number] in places
    ]
    if not pairs:
        return []
    a, b = np.array(pairs).T
    scores = np.einsum("ij,ij->i", mine.unit[a], others.unit[b])
    both = mine.lopsided[a] & others.lopsided[b]
    if both.any():
        scores = np.where(both, np.einsum("ij,ij->i", mine.centred[a], others.centred[b]), scores)
    fair = _comparable(mine, others, a, b) & (scores >= _least(len(pairs), mine.unit.shape[1]))
    return [
        Likeness(mine.numbers[a[at]], others.numbers[b[at]], transposed, float(scores[at]))
        for at in np.nonzero(fair)[0]
    ]


def _least(pairs: int, samples: int) -> float:
    """The correlation that chance does not reach among so many pairs."""
    return max(thresholds.LEAST_CORRELATION, sqrt(2 * log(max(pairs, 1)) / max(samples, 1)) + thresholds.CHANCE_MARGIN)


def _comparable(
    mine: _Block, others: _Block, a: npt.NDArray[np.intp], b: npt.NDArray[np.intp]
) -> npt.NDArray[np.bool_]:
    """Enough samples, and of like size."""
    one, other = mine.rms[a], others.rms[b]
    ratio = thresholds.RMS_RATIO
    enough = np.minimum(mine.known[a], others.known[b]) >= min(thresholds.LEAST_SAMPLES, mine.unit.shape[1])
    fair: npt.NDArray[np.bool_] = enough & (one <= ratio * other) & (other <= ratio * one)
    return fair


def _alike(mine: _Block, others: _Block, *, transposed: bool) -> list[Likeness]:
    """All pairs of two blocks that are alike, some rows at a time."""
    if not mine.numbers or not others.numbers:
        return []
    least = _least(len(mine.numbers) * len(others.numbers), mine.unit.shape[1])
    found: list[Likeness] = []
    for first in range(0, len(mine.numbers), thresholds.CORRELATION_ROWS):
        rows = slice(first, first + thresholds.CORRELATION_ROWS)
        scores = mine.unit[rows] @ others.unit.T
        if mine.lopsided[rows].any() and others.lopsided.any():
            both = mine.lopsided[rows][:, None] & others.lopsided[None, :]
            scores = np.where(both, mine.centred[rows] @ others.centred.T, scores)
        a, b = _candidates(scores, least)
        kept = _comparable(mine, others, a + first, b)
        found += [
            Likeness(mine.numbers[one + first], others.numbers[other], transposed, float(scores[one, other]))
            for one, other in zip(a[kept], b[kept], strict=True)
        ]
    return found


def _candidates(scores: npt.NDArray[np.float32], least: float) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Where `scores` are large enough; of too many only the largest of each row."""
    a, b = np.nonzero(scores >= least)
    if len(a) > thresholds.MOST_LIKENESSES * len(scores):
        a = np.arange(len(scores))
        b = scores.argmax(axis=1)
        kept = scores[a, b] >= least
        a, b = a[kept], b[kept]
    return a, b
