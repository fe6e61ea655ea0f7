"""The loops over whole tensors' values, compiled where that works: `levels` and `floats` do the same with NumPy."""

from __future__ import annotations

import threading
from functools import cache
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from catalog.fingerprints.base import Samples
    from catalog.fingerprints.levels import Levels, Scaled

WORTH = 1 << 14
"""Fewer values are decoded by NumPy, so that what reads samples only need not wait for a compiler."""

_LOADING = threading.Lock()


class Decoding(Protocol):
    """The loops. What they find goes into arrays of the caller."""

    def scaled(self, levels: Levels, stored: Scaled, found: Samples) -> None:
        """Codes of groups, shape (groups, values), with scales of shape (groups, 1)."""
        ...

    def coded(self, codes: npt.NDArray[np.unsignedinteger], table: Samples, found: Samples) -> None:
        """What a table says of each code."""
        ...

    def singles(self, bits: npt.NDArray[np.uint32], found: Samples) -> bool:
        """Values and bounds of float32 numbers; False if there is one without an end, or none."""
        ...


def decoding(count: int) -> Decoding | None:
    """The compiled loops, for so many values; None where there is no compiler or it is not worth it."""
    if count < WORTH:
        return None
    with _LOADING:
        return _decoding()


@cache
def _decoding() -> Decoding | None:
    try:
        from catalog.fingerprints import decoding_numba  # noqa: PLC0415 # it takes a second
    except ImportError:
        return None
    return decoding_numba.Compiled()
