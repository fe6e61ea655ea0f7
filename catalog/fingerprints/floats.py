"""Values of plain types, and what each may have been before it was rounded to its type.

A value that was rounded to nearest lies between the midpoints to its neighbours: closer towards zero where the value is
a power of two. What overflowed may have been anything beyond. Layouts: IEEE 754; bfloat16 is the upper half of float32;
the 8-bit ones as in the Open Compute Project's OFP8, `FNUZ` as in arXiv 2206.02915 (no infinities, no negative zero,
exponent bias one more); `F8_E8M0` as in its microscaling formats: a power of two, 255 is no number.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from catalog.fingerprints.base import Samples
from catalog.fingerprints.decoding import decoding

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from catalog.fingerprints.base import Floats

    Codes = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]

FLUSHED = 2.0**-14
"""Smaller values may have been flushed to zero by what wrote an F16 file."""
_CLAMPED = 2  # the F16 code of 1e-7, to which onnxconverter-common moves all that is smaller and not zero
_LARGE = 0x70E2  # the F16 code of 10,000, to which it moves all that is larger

_F32_MANTISSA = 23
_F32_SMALLEST = 2.0**-126
_F32_LARGEST = float(np.finfo(np.float32).max)


class Layout(NamedTuple):
    """A floating point type of at most 16 bits: sign, exponent, mantissa.

    `specials`: how many codes at the top of the exponent are no numbers; `infinite`: the first of them is infinity.
    `negative_zero`: the code of -0 is a value.
    """

    bits: int
    mantissa: int
    bias: int
    specials: int
    infinite: bool = False
    negative_zero: bool = True


LAYOUTS: Mapping[str, Layout] = {
    "F16": Layout(16, 10, 15, 1 << 10, infinite=True),
    "BF16": Layout(16, 7, 127, 1 << 7, infinite=True),
    "F8_E4M3": Layout(8, 3, 7, 1),
    "F8_E5M2": Layout(8, 2, 15, 1 << 2, infinite=True),
    "F8_E4M3FNUZ": Layout(8, 3, 8, 0, negative_zero=False),
    "F8_E5M2FNUZ": Layout(8, 2, 16, 0, negative_zero=False),
}
WIDTHS: Mapping[str, int] = {"F64": 8, "F32": 4, "F8_E8M0": 1} | {
    name: layout.bits // 8 for name, layout in LAYOUTS.items()
}
"""Bytes of a value of each type that `samples` reads."""


@np.errstate(all="ignore")
def samples(dtype: str, raw: npt.NDArray[np.uint8]) -> Samples:
    """Values and intervals of little-endian bytes: three arrays of one dimension.

    An infinity has no value (NaN), but an interval, open to one side; a NaN has neither. F64 values are exact.
    """
    if dtype == "F64":
        return _doubles(raw.view("<f8"))
    if dtype == "F32":
        return _singles(raw.view("<f4"))
    return coded(dtype, raw.view("<u2") if WIDTHS[dtype] == 2 else raw)


def coded(dtype: str, codes: Codes) -> Samples:
    """The same from the codes of a type of at most 16 bits."""
    known, fast = table(dtype), decoding(codes.size)
    if fast is None or codes.ndim != 1:
        return Samples(known.values[codes], known.low[codes], known.high[codes])
    found = Samples(*(np.empty(codes.size) for _ in range(3)))
    fast.coded(codes, known, found)
    return found


@lru_cache(16)
def table(dtype: str) -> Samples:
    """Value and interval of every code of a type of at most 16 bits."""
    found = _powers() if dtype == "F8_E8M0" else _table(LAYOUTS[dtype], flushed=dtype == "F16")
    for column in found:
        column.flags.writeable = False
    return found


def _table(layout: Layout, *, flushed: bool) -> Samples:
    half = 1 << (layout.bits - 1)
    numbers = half - layout.specials
    sizes = _sizes(layout, numbers + 1)  # one more than there are: the midpoint to it is where rounding overflows
    between = (sizes[:-1] + sizes[1:]) / 2
    values, low, high = (np.full(half, bound) for bound in (np.nan, -np.inf, np.inf))
    values[:numbers] = sizes[:-1]
    low[1:numbers] = between[:-1]
    high[: numbers - 1] = between[:-1]  # the largest is open: what saturates ends there
    if flushed:
        high[0], low[_CLAMPED], high[_LARGE] = FLUSHED, 0.0, np.inf
    low[0] = -high[0]
    if layout.infinite:
        low[numbers] = between[-1]
    mirrored = Samples(-values, -high, -low)
    both = Samples(*(np.concatenate(pair) for pair in zip((values, low, high), mirrored, strict=True)))
    if not layout.negative_zero:
        both.values[half], both.low[half], both.high[half] = np.nan, -np.inf, np.inf
    return both


def _sizes(layout: Layout, count: int) -> Floats:
    """The values of the first `count` codes without a sign."""
    codes = np.arange(count)
    exponent, fraction = codes >> layout.mantissa, codes & ((1 << layout.mantissa) - 1)
    whole = np.where(exponent > 0, (1 << layout.mantissa) + fraction, fraction)
    sizes: Floats = np.ldexp(whole.astype(np.float64), np.maximum(exponent, 1) - layout.bias - layout.mantissa)
    return sizes


def _powers() -> Samples:
    values = np.ldexp(1.0, np.arange(256) - 127)
    low, high = values * 0.75, values * 1.5
    high[254] = np.inf
    low[0] = 0.0
    values[255], low[255], high[255] = np.nan, -np.inf, np.inf
    return Samples(values, low, high)


def _doubles(values: npt.NDArray[np.float64]) -> Samples:
    exact = values.astype(np.float64)
    unknown = ~np.isfinite(exact)
    if not unknown.any():
        return Samples(exact, exact, exact)
    low, high = np.where(np.isnan(exact), -np.inf, exact), np.where(np.isnan(exact), np.inf, exact)
    return Samples(np.where(unknown, np.nan, exact), low, high)


def _singles(stored: npt.NDArray[np.float32]) -> Samples:
    """By arithmetic: the exponent bits alone are the power of two below the value."""
    bits = stored.view(np.uint32)
    fast = decoding(stored.size)
    if fast is not None:
        found = Samples(*(np.empty(stored.size) for _ in range(3)))
        return found if fast.singles(bits, found) else _extremes(*found)
    size = bits & np.uint32(0x7FFF_FFFF)
    power = (bits & np.uint32(0x7F80_0000)).view(np.float32)
    ordinary = bool(size.size) and int(size.max()) < 0x7F7F_FFFF
    values = stored.astype(np.float64)
    gap = np.maximum(power, np.float32(_F32_SMALLEST)).astype(np.float64)
    gap *= 2.0 ** -(_F32_MANTISSA + 1)
    inner = gap * np.where((size & np.uint32(0x7F_FFFF) == 0) & (size > np.uint32(0x0080_0000)), 0.5, 1.0)
    negative = bits >> np.uint32(31) == 1
    low = values - np.where(negative, gap, inner)
    high = values + np.where(negative, inner, gap)
    return Samples(values, low, high) if ordinary or not size.size else _extremes(values, low, high)


def _extremes(values: Floats, low: Floats, high: Floats) -> Samples:
    """Where there are infinities, NaNs, or the largest numbers: open ends."""
    unknown = ~np.isfinite(values)
    top = np.where(np.isnan(values), 0.0, np.abs(values)) >= _F32_LARGEST
    edge = _F32_LARGEST * (1 + 2.0**-25)  # halfway to the next power of two
    low = np.where(top & (values > 0), np.where(unknown, edge, low), low)
    high = np.where(top & (values < 0), np.where(unknown, -edge, high), high)
    low = np.where((top & (values < 0)) | np.isnan(values), -np.inf, low)
    high = np.where((top & (values > 0)) | np.isnan(values), np.inf, high)
    return Samples(np.where(unknown, np.nan, values), low, high)
