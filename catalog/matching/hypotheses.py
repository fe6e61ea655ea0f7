"""Is the one a rounding of the other, or are both roundings of a third? Decided by intervals, never by distance.

A stored number proves an interval that its original lay in. One empty intersection refutes a common original.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from catalog.fingerprints.base import Samples
from catalog.matching import thresholds
from catalog.matching.pairing_precision import cut_bf16, to_bf16, to_f16
from catalog.matching.pairing_turned import half_step

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from catalog.fingerprints.base import Floats

    Truths = npt.NDArray[np.bool_]
    Counts = npt.NDArray[np.int64]


class Fit(IntEnum):
    """How the samples of both sides fit, best first."""

    EITHER_ROUNDED = 0  # each may be a rounding of the other
    LEFT_ROUNDED = 1  # the right is a rounding of the left
    RIGHT_ROUNDED = 2  # the left is a rounding of the right
    SIBLINGS = 3
    SIBLINGS_TWICE = 4  # siblings, one of which went through bf16
    NEAR = 5
    APART = 6
    UNKNOWN = 7  # nothing to judge by


class Aligned(NamedTuple):
    """The samples of several pairs, laid side by side. `starts`: where each pair's begin, ascending; `left_types` and
    `right_types`: the storage type of each pair's tensors.
    """

    left: Samples
    right: Samples
    starts: npt.NDArray[np.intp]
    left_types: Sequence[str]
    right_types: Sequence[str]

    @property
    def owner(self) -> npt.NDArray[np.intp]:
        """The number of the pair that each sample belongs to."""
        counts = np.diff(np.append(self.starts, len(self.left.values)))
        return np.repeat(np.arange(len(self.starts)), counts)

    @property
    def known(self) -> Truths:
        """Where both values are known, and each is bounded on one side at least."""
        told: Truths = np.isfinite(self.left.values) & np.isfinite(self.right.values)
        for side in (self.left, self.right):
            told &= np.isfinite(side.low) | np.isfinite(side.high)
        return told

    def mirrored(self) -> Aligned:
        """With the sides exchanged."""
        return Aligned(self.right, self.left, self.starts, self.right_types, self.left_types)


class Judgement(NamedTuple):
    """`outside`: samples of each pair that contradict the hypothesis `fit` (of APART: a common original); `compared`:
    samples that could. `rungs`: what the values passed before they were stored (`value`: nothing), by the type that
    they are stored as; that with the most samples first. `widened`: expected violations of siblings, one of which was
    rounded twice.
    """

    fit: Fit
    outside: Counts
    compared: Counts
    rungs: Mapping[str, str] = {}
    widened: float = 0.0

    @property
    def rung(self) -> str:
        """The word for most of the values."""
        if self.fit in (Fit.SIBLINGS, Fit.SIBLINGS_TWICE):
            return "siblings"
        return next(iter(self.rungs.values()), "")


_EVEN = frozenset({"F32", "F16", "BF16"})
"""Types that every converter rounds to the even one of two equally near numbers."""
_RUNGS: Mapping[str, Callable[[Floats], Floats]] = {
    "value": lambda values: values,
    "f16": to_f16,
    "bf16": to_bf16,
    "truncated": cut_bf16,
}


def judge(aligned: Aligned) -> Judgement:
    """The best hypothesis over all pairs together."""
    known = aligned.known
    compared = _summed(known, aligned)
    none = np.zeros_like(compared)
    if not known.any():
        return Judgement(Fit.UNKNOWN, none, compared)
    from_left, right_misses = rounded(aligned, known)
    from_right, left_misses = rounded(aligned.mirrored(), known)
    if not right_misses.any():
        fit = Fit.LEFT_ROUNDED if left_misses.any() else Fit.EITHER_ROUNDED
        return Judgement(fit, none, compared, from_left)
    if not left_misses.any():
        return Judgement(Fit.RIGHT_ROUNDED, none, compared, from_right)
    return _siblings(aligned, known, compared)


def rounded(aligned: Aligned, known: Truths) -> tuple[dict[str, str], Truths]:
    """The rung that the right's values passed, told for each storage type by itself, and the samples that refute it."""
    types = sorted(set(aligned.right_types))
    group = np.array([types.index(each) for each in aligned.right_types])[aligned.owner]
    tried = [(word, known & _misses(word, rounding, aligned)) for word, rounding in _RUNGS.items()]
    violations = np.zeros(len(known), dtype=bool)
    words: list[tuple[int, str, str]] = []
    for number, dtype in enumerate(types):
        mine = group == number
        allowed = [each for each in tried if each[0] != "truncated" or dtype == "BF16"]
        word, missed = min(allowed, key=lambda each: int(each[1][mine].sum()))
        violations |= missed & mine
        words.append((int((known & mine).sum()), dtype, word))
    return {dtype: word for _, dtype, word in sorted(words, reverse=True)}, violations


@np.errstate(invalid="ignore")
def _misses(word: str, rounding: Callable[[Floats], Floats], aligned: Aligned) -> Truths:
    """Where the rounded left value is outside of the right's interval; cutting off leaves one value only."""
    values = rounding(aligned.left.values)
    outside: Truths = (values < aligned.right.low) | (values > aligned.right.high)
    if word == "truncated":
        outside = values != aligned.right.values
    else:
        outside |= _ties(values, aligned)
    return outside


def _ties(values: Floats, aligned: Aligned) -> Truths:
    """Values halfway between two numbers of the right's type, of which it holds the one that is not even.

    The f16 and the bf16 rounding of one value differ in nothing else: what f16 moves to the middle had its own side.
    """
    right = aligned.right
    middle: Truths = (values == right.low) | (values == right.high)
    asked = np.nonzero(middle & (values != right.values))[0]
    if len(asked):
        plain = np.array([each in _EVEN for each in aligned.right_types])[aligned.owner[asked]]
        some, held = values[asked], right.values[asked]
        middle[:] = False
        middle[asked] = plain & (to_f16(some) != held) & (to_bf16(some) != held)
        return middle
    return np.zeros_like(middle)


def _siblings(aligned: Aligned, known: Truths, compared: Counts) -> Judgement:
    left, right = aligned.left, aligned.right
    apart = known & empty(left, right)
    outside = _summed(apart, aligned)
    violations = int(apart.sum())
    if not violations:
        return Judgement(Fit.SIBLINGS, outside, compared)
    step, expected = _double(aligned, known)
    wider = Samples(left.values, left.low - step, left.high + step)
    if (known & empty(wider, Samples(right.values, right.low - step, right.high + step))).any():
        return Judgement(Fit.APART, outside, compared)
    count = int(known.sum())
    few = expected <= thresholds.SIBLINGS_SHARE * count
    if few and violations <= expected + 3 * np.sqrt(expected) + 1:
        return Judgement(Fit.SIBLINGS_TWICE, outside, compared, widened=expected)
    fit = Fit.NEAR if violations <= thresholds.NEAR_SHARE * count else Fit.APART
    return Judgement(fit, outside, compared)


@np.errstate(invalid="ignore")
def empty(left: Samples, right: Samples) -> Truths:
    """Where two intervals share no more than a point, and are not the same point."""
    apart: Truths = (left.low >= right.high) | (right.low >= left.high)
    apart &= ~((left.low == right.low) & (left.high == right.high))
    return apart


@np.errstate(invalid="ignore", over="ignore")
def _double(aligned: Aligned, known: Truths) -> tuple[Floats, float]:
    """Half a step of bf16 at each sample where one side is that coarse, and how many samples it is expected to move
    out of their interval.
    """
    step = half_step(np.maximum(np.abs(aligned.left.values), np.abs(aligned.right.values)))
    wider = np.maximum(aligned.left.high - aligned.left.low, aligned.right.high - aligned.right.low)
    step = np.where(known & (wider >= step), step, 0.0)
    moved = np.where(known & (step > 0) & np.isfinite(wider), step / 2 / np.where(wider > 0, wider, 1.0), 0.0)
    return step, float(moved.sum())


def _summed(truths: Truths, aligned: Aligned) -> Counts:
    if not len(aligned.starts):
        return np.zeros(0, dtype=np.int64)
    counts: Counts = np.add.reduceat(truths, aligned.starts, dtype=np.int64)
    return counts
