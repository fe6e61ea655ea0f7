"""Blocks of a quantised file whose levels were not rounded to nearest on the scale that is stored.

A quantiser that weighs values by their importance (an importance matrix) tries many scales for a block of 32, keeps the
levels of the best, and then stores another scale, the one that fits these levels best. So a value may lie outside of
what its stored level allows. But some scale gave these levels: the block is explained if one exists that takes every
value to within half a level of the one it has (ggml's make_qx_quants and make_qkx3_quants, of ggml-quants.c).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from catalog.fingerprints.base import Floats

BLOCK = 32
"""Values that share a scale."""
_SLACK = 2e-6
"""Relative: the quantiser computed in float32."""
_STEPS = 48
"""Halvings in search of the best scale where an offset is free too: more than float32 resolves."""


class Levels(NamedTuple):
    """How a type stores its blocks: scale (f16), for the types with an offset that (f16), high bits, low nibbles."""

    nbytes: int
    zero: int
    top: int
    offset: bool

    @property
    def high_bits(self) -> bool:
        """A fifth bit of each level."""
        return self.top > 15


LEVELS = {
    "Q4_0": Levels(18, 8, 15, offset=False),
    "Q5_0": Levels(22, 16, 31, offset=False),
    "Q4_1": Levels(20, 0, 15, offset=True),
    "Q5_1": Levels(24, 0, 31, offset=True),
}
"""By GGUF type: block_q4_0 and its like in ggml-common.h."""


def levels(dtype: str, raw: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """The levels of whole blocks, shape (blocks, 32), zero in the middle where the type has it there."""
    layout = LEVELS[dtype]
    blocks = raw.reshape(-1, layout.nbytes)
    nibbles = blocks[:, -16:]
    found = np.concatenate((nibbles & 15, nibbles >> 4), axis=1)
    if layout.high_bits:
        begin = layout.nbytes - 20
        high = np.unpackbits(blocks[:, begin : begin + 4], axis=1, bitorder="little")
        found |= high << 4
    return found.astype(np.float32) - np.float32(layout.zero)


def unexplained(dtype: str, found: npt.NDArray[np.float32], values: Floats) -> int:
    """How many blocks no scale explains; `values` has the shape of the levels `found`."""
    layout = LEVELS[dtype]
    low, high = found.astype(np.float64) - 0.5, found.astype(np.float64) + 0.5
    low[found == -layout.zero] = -np.inf  # what lay beyond either end was cut off
    high[found == layout.top - layout.zero] = np.inf
    test = _with_offset if layout.offset else _without_offset
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
    return np.asarray(begin <= end + _SLACK * np.abs(end))


def _with_offset(low: Floats, high: Floats, values: Floats) -> npt.NDArray[np.bool_]:
    """Are there t >= 0 and c with low <= t x + c <= high for all? How far they are from it is convex in t."""
    size = np.abs(values - values.mean(axis=1, keepdims=True)).max(axis=1)
    unit = values / np.where(size > 0, size, 1.0)[:, None]
    begin, end = np.zeros(len(values)), np.full(len(values), 64.0)  # levels over half of the range: at most 31
    for _ in range(_STEPS):
        third = (end - begin) / 3
        lower = _miss(low, high, unit, begin + third) < _miss(low, high, unit, end - third)
        end, begin = np.where(lower, end - third, end), np.where(lower, begin, begin + third)
    missed = _miss(low, high, unit, (begin + end) / 2)
    return np.asarray(missed <= _SLACK * 64 * (1 + np.abs(unit).max(axis=1)))


def _miss(low: Floats, high: Floats, unit: Floats, scale: Floats) -> Floats:
    """By how much the offsets that the values of a block ask for miss each other, at this scale."""
    scaled = unit * scale[:, None]
    return np.asarray((low - scaled).max(axis=1) - (high - scaled).min(axis=1))
