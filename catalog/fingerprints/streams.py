"""The values of one tensor as they stream by: counted, and at the end settled. Only types with values of their own."""

from __future__ import annotations

from collections import deque
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from catalog.fingerprints import codes, kernels, tables
from catalog.fingerprints.floats import WIDTHS, table
from catalog.fingerprints.kernels import MOST, NOT_BF16, NOT_F16, OUTLIERS, PIECE, SMALL, Full, Made
from catalog.fingerprints.twins import Twins

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy.typing as npt

    from catalog.fingerprints.base import Lanes
    from catalog.fingerprints.codes import Codes
    from catalog.fingerprints.kernels import Counts, Settled
    from catalog.formats.base import TensorInfo

    Bytes: TypeAlias = npt.NDArray[np.uint8]

_BYTES = ("F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ")
_KINDS = {"F64": np.uint64, "F32": np.uint32, "F16": np.uint16, "BF16": np.uint16} | dict.fromkeys(_BYTES, np.uint8)
_FIRST = PIECE - 16
"""With it, and the prefix of a twin, BLAKE3 has met a boundary of its own when the next piece comes."""
_NO_CODES = np.zeros(0, np.uint16)
_KEPT = 4
_WORD = (1 << 64) - 1


class Values(NamedTuple):
    """What is known of all values of a tensor; see `TensorPrint`. The twins have 32 bytes, or none."""

    lanes: Lanes
    codes: tuple[int, ...]
    extremes: tuple[int, ...]
    m32: int
    exact_f16: bool
    exact_bf16: bool
    rms: float
    mean: float
    td_f16: bytes = b""
    td_bf16: bytes = b""


class Room(NamedTuple):
    """Histograms that are zero, and room for codes."""

    bins: Counts
    outliers: Counts
    made: Made


_free: deque[Room] = deque(maxlen=_KEPT)
"""Rooms of tensors that were settled; one whose reading was stopped is not given back."""


def has_lanes(tensor: TensorInfo) -> bool:
    """Whether its values can be counted: plain floats, as many as a bin can count."""
    width = WIDTHS.get(tensor.dtype, 0) if tensor.dtype in _KINDS else 0
    values = tensor.values
    if not width or not 0 < values <= MOST:
        return False
    return tensor.stored is not None or tensor.nbytes == values * width


def stream(tensor: TensorInfo) -> Stream:
    """What takes the bytes of a tensor that `has_lanes`."""
    if tensor.dtype in {"F64", "F32"}:
        return _Wide(tensor)
    return _Narrow(tensor)


class Stream:
    """Takes the bytes of one tensor in order, in pieces of any length."""

    source = "F32"
    by_f16 = False
    """Whether f16 holds all values."""

    def __init__(self, tensor: TensorInfo) -> None:
        self._dtype, self._count = tensor.dtype, tensor.values
        self._kernels = kernels.kernels_for(self._count)
        self._kind = np.dtype(_KINDS[tensor.dtype])
        self._small = self._count <= SMALL
        self._cut = bytearray()
        self._room = lend()

    def update(self, data: memoryview) -> None:
        """The next bytes; not kept, but for those of a value that is cut, and of a tensor that is small."""
        width = self._kind.itemsize
        whole = self._count * width if self._small else width
        if self._cut or len(data) < whole:
            missing = min(whole - len(self._cut), len(data))
            self._cut += data[:missing]
            data = data[missing:]
            if len(self._cut) < whole:
                return
            self._take(_aligned(memoryview(self._cut), self._kind))
            self._cut = bytearray()
        usable = len(data) - len(data) % width
        if usable:
            self._take(_aligned(data[:usable], self._kind))
            self._cut += data[usable:]

    def values(self) -> Values:
        """What all values came to; call it once, after the last byte."""
        settled = self._kernels.settle(tables.source(self.source), self._full(), by_f16=self.by_f16)
        take_back(self._room)
        return self._values(settled)

    def _take(self, values: npt.NDArray[Any]) -> None:
        """Count some values."""
        raise NotImplementedError

    def _full(self) -> Full:
        """What was counted."""
        raise NotImplementedError

    def _values(self, settled: Settled) -> Values:
        return Values(
            lanes=settled.lanes,
            codes=settled.codes,
            extremes=settled.extremes,
            m32=settled.m32,
            exact_f16=not settled.flags & NOT_F16,
            exact_bf16=not settled.flags & NOT_BF16,
            rms=float(np.sqrt(settled.squares / self._count)),
            mean=settled.total / self._count,
        )


class _Narrow(Stream):
    """Types of at most 16 bits, counted by their codes."""

    def __init__(self, tensor: TensorInfo) -> None:
        super().__init__(tensor)
        self.source = "BF16" if tensor.dtype == "BF16" else "F16"
        self.by_f16 = self.source == "F16"
        self._seen = _every_code()

    def _take(self, values: npt.NDArray[Any]) -> None:
        if self._kind.itemsize == 1:
            self._kernels.count_bytes(values, self._room.bins)
            return
        self._kernels.count(values, self._room.bins)
        if self._small:
            self._seen = values.copy()

    def _full(self) -> Full:
        bins, seen = self._room.bins, self._seen
        if self._kind.itemsize == 1:
            seen, counts = codes_of_bytes(self._dtype), bins[:256].copy()
            bins[:256] = 0
            np.add.at(bins, seen, counts)
        return Full(bins, seen, self._room.outliers, _NO_CODES)


class _Wide(Stream):
    """F32 and F64, counted by what they round to."""

    def __init__(self, tensor: TensorInfo) -> None:
        super().__init__(tensor)
        self._m32 = self._m64 = self._flags = 0
        self._lossy = False
        self._twins = Twins(self._count) if tensor.dtype == "F32" else None
        self._next = _FIRST
        self._seen, self._seen_outliers = _every_bin(), _every_code()

    def _take(self, values: npt.NDArray[Any]) -> None:
        at = 0
        while at < values.size:
            piece = values[at : at + self._next]
            at, self._next = at + piece.size, PIECE
            self._cast(piece if self._kind.itemsize == 4 else self._rounded(piece))

    def _cast(self, bits: npt.NDArray[np.uint32]) -> None:
        room = self._room
        added, flags = self._kernels.cast(bits, room.bins, room.outliers, room.made)
        self._m32 = (self._m32 + added) & _WORD
        self._flags |= flags
        f16, bf16 = room.made.f16[: bits.size], room.made.bf16[: bits.size]
        if self._twins is not None:
            self._twins.take(f16, bf16)
        if self._small:
            self._seen, self._seen_outliers = room.made.numbers[: bits.size], bf16

    def _rounded(self, bits: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint32]:
        """F64 as f32; whether that is another value, and the sum of the exact ones, are remembered."""
        exact = bits.view(np.float64)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            found = exact.astype(np.float32)
            self._lossy |= not ((found == exact) | np.isnan(exact)).all()
        plain = np.where(np.isnan(exact), np.nan, exact + 0.0).view(np.uint64)
        self._m64 = (self._m64 + int(tables.mixed(plain).sum(dtype=np.uint64))) & _WORD
        return found.view(np.uint32)

    @property
    def by_f16(self) -> bool:  # type: ignore[override] # known at the end only
        return not self._flags & NOT_F16

    def _full(self) -> Full:
        outside = self._seen_outliers if self._flags & OUTLIERS else _NO_CODES
        return Full(self._room.bins, self._seen, self._room.outliers, outside)

    def _values(self, settled: Settled) -> Values:
        flags, m32 = self._flags, self._m32
        if self._lossy:  # neither of the 16-bit types holds it, and its exact key is that of the same F64 values alone
            flags, m32 = NOT_F16 | NOT_BF16, self._m64
        found = super()._values(settled._replace(m32=m32, flags=flags))
        if self._twins is None:
            return found
        f16, bf16 = self._twins.digests()
        return found._replace(td_f16=f16, td_bf16=bf16)


@lru_cache(maxsize=1)
def _every_bin() -> npt.NDArray[np.uint32]:
    return np.arange(tables.BINS, dtype=np.uint32)


@lru_cache(maxsize=1)
def _every_code() -> Codes:
    return np.arange(tables.CODES, dtype=np.uint16)


@lru_cache(maxsize=len(_BYTES))
def codes_of_bytes(dtype: str) -> Codes:
    """The f16 codes of the 256 values of an 8-bit type."""
    if dtype == "F8_E4M3":
        return codes.e4m3_values()
    if dtype == "F8_E5M2":
        return codes.e5m2_values()
    return codes.plain_f16(table(dtype).values.astype(np.float16).view(np.uint16))


def lend() -> Room:
    """Empty histograms, of which the caller alone makes use."""
    try:
        return _free.pop()
    except IndexError:
        return Room(kernels.room_for_bins(), kernels.room_for_outliers(), Made.room())


def take_back(room: Room) -> None:
    """They are empty again."""
    _free.append(room)


def _aligned(data: memoryview, kind: np.dtype[Any]) -> npt.NDArray[Any]:
    """The values where they lie, or a copy of them where a processor would stumble."""
    found = np.frombuffer(data, np.uint8)
    if found.__array_interface__["data"][0] % kind.itemsize or not found.flags.writeable:
        found = found.copy()
    return found.view(kind)
