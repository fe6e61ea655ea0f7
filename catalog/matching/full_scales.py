"""Blocks of a quantised file whose levels were not rounded to nearest on the scale that is stored.

A quantiser that weighs values by their importance (an importance matrix) tries many scales for a block of 32, keeps the
levels of the best, and then stores another scale, the one that fits these levels best. So a value may lie outside of
what its stored level allows. But some scale gave these levels: the block is explained if one exists that takes every
value to within half a level of the one it has (ggml's make_qx_quants and make_qkx3_quants, of ggml-quants.c).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from catalog.fingerprints.base import Floats

BLOCK = 32
"""Values that share a scale."""
_SLACK = 2e-6
"""Relative: the quantiser computed in float32."""
_LARGEST = 64.0
"""A scale beyond all: at most 31 levels over half of the range."""
_STEPS = 48
"""Halvings in search of the best scale where an offset is free too: more than float32 resolves."""


ENDS = {"Q4_0": (-8, 7), "Q5_0": (-16, 15), "Q4_1": (0, 15), "Q5_1": (0, 31)}
"""The lowest and the highest level of the types that are quantised so: what lay beyond was cut off."""
_OFFSET = frozenset({"Q4_1", "Q5_1"})
"""Of these a block has an offset besides its scale."""


def unexplained(dtype: str, levels: Floats, values: Floats) -> int:
    """How many blocks no scale explains. `levels`, and the `values` they stand for: float64 of shape (blocks, 32)."""
    lowest, highest = ENDS[dtype]
    low, high = levels - 0.5, levels + 0.5
    low[levels == lowest] = -np.inf
    high[levels == highest] = np.inf
    test = _with_offset if dtype in _OFFSET else _without_offset
    return int(np.count_nonzero(~test(low, high, values)))


def _without_offset(low: Floats, high: Floats, values: Floats) -> npt.NDArray[np.bool_]:
    """Is there a t with low <= t x <= high for all of a block? For each x an interval of t, and all must meet."""
    with np.errstate(divide="ignore", invalid="ignore"):
        one, other = low / values, high / values
    least, most = np.minimum(one, other), np.maximum(one, other)
    zero = values == 0
    if zero.any():
        fits = (low <= 0) & (high >= 0)
        least = np.where(zero, np.where(fits, -np.inf, np.inf), least)
        most = np.where(zero, np.where(fits, np.inf, -np.inf), most)
    begin, end = least.max(axis=1), most.min(axis=1)
    slack = np.where(np.isfinite(end), _SLACK * np.abs(end), 0.0)
    return np.asarray(begin <= end + slack)


def _with_offset(low: Floats, high: Floats, values: Floats) -> npt.NDArray[np.bool_]:
    """Are there t >= 0 and c with low <= t x + c <= high for all? How far they are from it is convex in t."""
    size = np.abs(values - values.mean(axis=1, keepdims=True)).max(axis=1)
    unit = values / np.where(size > 0, size, 1.0)[:, None]
    slack = _SLACK * _LARGEST * (1 + np.abs(unit).max(axis=1))
    begin, end = np.zeros(len(values)), np.full(len(values), _LARGEST)
    found = np.zeros(len(values), np.bool_)
    open_still = np.arange(len(values))
    for _ in range(_STEPS):
        low, high, unit, begin, end, slack = (each[~found[open_still]] for each in (low, high, unit, begin, end, slack))
        open_still = open_still[~found[open_still]]
        if not len(open_still):
            break
        third = (end - begin) / 3
        one, other = _miss(low, high, unit, begin + third), _miss(low, high, unit, end - third)
        found[open_still] = np.minimum(one, other) <= slack
        end, begin = np.where(one < other, end - third, end), np.where(one < other, begin, begin + third)
    return found


def _miss(low: Floats, high: Floats, unit: Floats, scale: Floats) -> Floats:
    """By how much the offsets that the values of a block ask for miss each other, at this scale."""
    scaled = unit * scale[:, None]
    return np.asarray((low - scaled).max(axis=1) - (high - scaled).min(axis=1))
