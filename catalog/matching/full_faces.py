"""A block of values of one side, with bounds that are made when something asks for them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from catalog.fingerprints import floats
from catalog.fingerprints.base import Samples
from catalog.matching.full_streams import complete
from catalog.matching.pairing_precision import bf16_codes, f16_codes

if TYPE_CHECKING:
    import numpy.typing as npt

    from catalog.fingerprints.base import Floats

QUANTISED = 6
"""The coarseness of all types without values of their own: how coarse they are, their steps must say."""
FINE = 1
"""That of float32, of which all others are roundings."""
_COARSENESS = {"F64": 0, "F32": 1, "F16": 2, "BF16": 3, "F8_E4M3": 4, "F8_E5M2": 5}


class Face:
    """Flat arrays of float64. `grid`: the coarser type that the values went through before they were stored, or ""."""

    def __init__(self, block: Samples, dtype: str, grid: str = "") -> None:
        self._block, self.dtype, self.grid = block, dtype, grid
        self.values: Floats = block.values
        self.coarseness = _COARSENESS.get(grid or dtype, QUANTISED)

    def some(self, chosen: slice | npt.NDArray[np.bool_]) -> Face:
        """Of some of its values."""
        values = self._block.values[chosen]
        if self._block.low is self._block.values:
            return Face(Samples(values, values, values), self.dtype, self.grid)
        return Face(Samples(values, self._block.low[chosen], self._block.high[chosen]), self.dtype, self.grid)

    @property
    def low(self) -> Floats:
        """What each may have been at least."""
        return self.samples.low

    @property
    def high(self) -> Floats:
        """What each may have been at most."""
        return self.samples.high

    @cached_property
    def samples(self) -> Samples:
        """Values and bounds; the bounds of the coarser type where they are wider."""
        block = complete(self.dtype, self._block)
        if not self.grid:
            return block
        codes = f16_codes(block.values) if self.grid == "F16" else bf16_codes(block.values)
        wider = floats.coded(self.grid, codes)
        return Samples(block.values, np.minimum(block.low, wider.low), np.maximum(block.high, wider.high))


def with_infinities(side: Face) -> Face:
    """Infinities, which samples leave out, as values: they have an interval that is open to one side."""
    unknown = np.isnan(side.values)
    values = np.where(unknown & np.isfinite(side.low), np.inf, side.values)
    values = np.where(unknown & np.isfinite(side.high), -np.inf, values)
    return Face(Samples(values, side.low, side.high), side.dtype, side.grid)
