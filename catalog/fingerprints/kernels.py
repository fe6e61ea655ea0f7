"""The loops over values, behind one door: compiled by numba where that works, else the same in NumPy.

Both count values into histograms that stay zero between tensors, and settle them into what a `TensorPrint` holds.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from catalog.fingerprints import tables
from catalog.fingerprints.base import Rung

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy.typing as npt

    from catalog.fingerprints.base import Lanes
    from catalog.fingerprints.codes import Bits, Codes
    from catalog.fingerprints.tables import Source

    Counts: TypeAlias = npt.NDArray[np.uint32]
    Ends: TypeAlias = npt.NDArray[np.int64]
    Seen: TypeAlias = npt.NDArray[np.uint16] | npt.NDArray[np.uint32]

MOST = (1 << 32) - 1
"""A bin counts no further."""
SMALL = 1 << 14
"""Up to so many values it is cheaper to walk them once more than to look through all bins."""
PIECE = 1 << 16
"""Values that are cast at once: they and their codes stay in the second-level cache."""

NOT_F16, NOT_BF16, OUTLIERS = 1, 2, 4
"""Flags of `Cast`: some value is none of f16, none of bf16, or counted by its bf16 code."""


class Cast(NamedTuple):
    """What one piece of f32 values adds to: `m32`, and flags."""

    m32: int
    flags: int


class Settled(NamedTuple):
    """All that the histograms of one tensor tell.

    `codes`: different codes by rung. `extremes`: bf16 codes of the two largest and the two smallest different finite
    values as bf16; none where there is but one. `total`, `squares`: sums over the finite values. `m32` and the flags
    are those of a 16-bit source; of F32 they come from the casts.
    """

    lanes: Lanes
    codes: tuple[int, ...]
    extremes: tuple[int, ...]
    total: float
    squares: float
    m32: int = 0
    flags: int = 0


class Kernels(Protocol):
    """The loops. Histograms are arrays of the caller, and are all zero again after `settle`."""

    name: str

    def cast(self, bits: Bits, bins: Counts, outliers: Counts, made: Made) -> Cast:
        """Count at most `PIECE` f32 values, and leave their codes in `made`."""
        ...

    def count(self, codes: Codes, bins: Counts) -> None:
        """Count 16-bit codes."""
        ...

    def count_bytes(self, codes: npt.NDArray[np.uint8], bins: Counts) -> None:
        """Count 8-bit codes, into 256 bins."""
        ...

    def settle(self, source: Source, full: Full, *, by_f16: bool) -> Settled:
        """What the histograms tell; they are empty afterwards. `by_f16`: f16 holds all values: sums come from it."""
        ...

    def many(self) -> Together | None:
        """Those over many small tensors at once; None where there are none."""
        ...


class Counted(NamedTuple):
    """Of many tensors, one row each. `sums`: by f16, then by bf16, the sum of the values and of their squares.

    `inexact`: the flags `NOT_F16` and `NOT_BF16`; all else as in `Settled`, `extremes` by order and not by code.
    """

    lanes: Lanes
    codes: npt.NDArray[np.int64]
    extremes: npt.NDArray[np.int64]
    sums: npt.NDArray[np.float64]
    m32: npt.NDArray[np.uint64]
    inexact: npt.NDArray[np.int64]


class Together(Protocol):
    """The loops over many small tensors, of which the values lie one after the other, each up to its end.

    The histograms are empty before and after.
    """

    def narrow(self, codes: Codes, ends: Ends, source: str, bins: Counts, outliers: Counts) -> Counted:
        """Of 16-bit codes of one source."""
        ...

    def wide(self, bits: Bits, ends: Ends, bins: Counts, outliers: Counts) -> tuple[Counted, Codes, Codes]:
        """Of f32 values; besides, all f16 and bf16 codes."""
        ...


class Full(NamedTuple):
    """Histograms to settle. `seen`: the numbers of all bins in use, as often as one likes; of outliers likewise."""

    bins: Counts
    seen: Seen
    outliers: Counts
    seen_outliers: Codes


class Made(NamedTuple):
    """Room for the codes of one piece: f16, bf16 and the numbers of the bins."""

    f16: Codes
    bf16: Codes
    numbers: npt.NDArray[np.uint32]

    @classmethod
    def room(cls) -> Made:
        """For `PIECE` values."""
        return cls(np.empty(PIECE, np.uint16), np.empty(PIECE, np.uint16), np.empty(PIECE, np.uint32))


def room_for_bins() -> Counts:
    """An empty histogram for any source."""
    return np.zeros(tables.BINS, np.uint32)


def room_for_outliers() -> Counts:
    """An empty histogram of bf16 codes."""
    return np.zeros(tables.CODES, np.uint32)


def no_lanes() -> Lanes:
    """Sums of nothing."""
    return np.zeros((len(Rung), 2), np.uint64)


_LOADING = threading.Lock()
_PATIENCE = 1 << 20
"""Values that are counted without the compiled loops, before these are worth the second that they take to load."""
_EACH = 1 << 14
"""A tensor counts as so many more: what NumPy needs for it, however small it is."""


class _Spent:
    """What this process has counted without the compiled loops."""

    values = 0


def kernels() -> Kernels:
    """The fastest that there are; the first call takes a second."""
    with _LOADING:
        return _kernels()


def kernels_for(values: int, tensors: int = 1) -> Kernels:
    """Those for so many values of so many tensors: the first few do not wait until the compiled ones are loaded."""
    if _Spent.values <= _PATIENCE:
        with _LOADING:
            _Spent.values += values + tensors * _EACH
        if _Spent.values <= _PATIENCE:
            return _plain()
    return kernels()


@lru_cache(maxsize=1)
def _plain() -> Kernels:
    from catalog.fingerprints import kernels_numpy  # noqa: PLC0415 # only one of the two is needed at a time

    return kernels_numpy.Plain()


@lru_cache(maxsize=1)
def _kernels() -> Kernels:
    try:
        from catalog.fingerprints import compiling, kernels_numba  # noqa: PLC0415 # it takes a second
    except ImportError:
        return _plain()
    return kernels_numba.Compiled() if compiling.casts() else _plain()
