"""In which order two tensors of equal values hold them: keys over all values do not tell, the samples do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from catalog.fingerprints.base import NO_SAMPLES, Samples
from catalog.matching.pairing_turned import half_step, turned
from catalog.vocabulary import Mapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from catalog.matching.pairing_sides import Match, Side

_MOST = 0.9
"""Share of the samples that must meet: rounding twice and flushing to zero move a few further than a step."""

_ROTARY = re.compile(r"\.attn_[qk]\.")
"""GGUF reorders the rows of these for rotary embeddings."""


class Order(NamedTuple):
    """How the right one's values lie beside the left one's."""

    mapped: Mapped
    transposed: bool = False


def orders(left: Side, right: Side, matches: Sequence[Match]) -> list[Order]:
    """Of each match, in their order. Where a digest says so, or there are no samples, nothing was moved."""
    straight = _straight(left, right, matches)
    found = []
    for match, fits in zip(matches, straight, strict=True):
        if fits:
            same = left.tensors[match.left].shape == right.tensors[match.right].shape
            found.append(Order(Mapped.STRAIGHT if same else Mapped.RESHAPED))
        elif _turned(left, right, match):
            found.append(Order(Mapped.TRANSPOSED, transposed=True))
        else:
            found.append(Order(_reordered(left, right, match)))
    return found


def _straight(left: Side, right: Side, matches: Sequence[Match]) -> list[bool]:
    """Do the values lie in the same order?"""
    fits = [match.proven for match in matches]
    asked = [
        at
        for at, match in enumerate(matches)
        if not match.proven
        and left.sampled(match.left)
        and right.sampled(match.right)
        and left.grid(match.left) == right.grid(match.right)
    ]
    for at, match in enumerate(matches):
        fits[at] = fits[at] or not (left.sampled(match.left) and right.sampled(match.right))
    if asked:
        ours = [left.samples[matches[at].left] for at in asked]
        theirs = [right.samples[matches[at].right] for at in asked]
        starts = np.concatenate(([0], np.cumsum([len(each.values) for each in ours])[:-1]))
        good = meet(joined(ours), joined(theirs))
        shares = np.add.reduceat(good, starts, dtype=np.int64) / [len(each.values) for each in ours]
        for at, share in zip(asked, shares, strict=True):
            fits[at] = bool(share >= _MOST)
    return fits


def joined(samples: Sequence[Samples]) -> Samples:
    """One after the other."""
    if not samples:
        return NO_SAMPLES
    return Samples(*(np.concatenate([each[column] for each in samples]) for column in range(3)))


@np.errstate(invalid="ignore", over="ignore")
def meet(one: Samples, other: Samples) -> npt.NDArray[np.bool_]:
    """Where the intervals meet within a step of bf16, or nothing is known."""
    step = 2 * half_step(np.maximum(np.abs(one.values), np.abs(other.values)))
    apart = (one.low > other.high + step) | (other.low > one.high + step)
    good: npt.NDArray[np.bool_] = ~(apart & np.isfinite(one.values) & np.isfinite(other.values))
    return good


def _turned(left: Side, right: Side, match: Match) -> bool:
    """Are the values of the one those of the other, transposed?"""
    shape, other = left.shape(match.left), right.shape(match.right)
    if shape != other[::-1] or not right.sampled(match.right) or not left.sampled(match.left):
        return False
    grid = right.grid(match.right)
    if left.grid(match.left) != grid[::-1]:
        return _small_turned(left, right, match)
    good = meet(left.samples[match.left], turned(right.samples[match.right], grid))
    return bool(good.mean() >= _MOST)


def _small_turned(left: Side, right: Side, match: Match) -> bool:
    """The same for a tensor all of whose values are kept."""
    rows, columns = right.shape(match.right)
    samples = right.samples[match.right]
    if len(samples.values) != rows * columns:
        return False
    return bool(meet(left.samples[match.left], turned(samples, (rows, columns))).mean() >= _MOST)


def _reordered(left: Side, right: Side, match: Match) -> Mapped:
    """By rows for rotary embeddings, or in a way that nothing tells."""
    names = (left.tensors[match.left].name, right.tensors[match.right].name)
    if any(_ROTARY.search(name) for name in names) and left.sizes[match.left] == right.sizes[match.right]:
        return Mapped.PERMUTED
    return Mapped.ANY_ORDER
