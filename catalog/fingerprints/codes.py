"""Roundings of values to the codes by which they are counted: f16, bf16 and the two fp8 types.

All round to the nearest, ties to even, and keep subnormals. f16 and bf16 overflow to infinity, F8_E5M2 too; F8_E4M3
has none and ends at 448, as in PyTorch. A code of fp8 is that of the f16 number with the same value: each has one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy.typing as npt

    Codes: TypeAlias = npt.NDArray[np.uint16]
    Bits: TypeAlias = npt.NDArray[np.uint32]
    Floats: TypeAlias = npt.NDArray[np.float64]

NAN_F16, NAN_BF16 = 0x7E00, 0x7FC0
"""The one code that stands for all NaNs."""
_SIGN = 0x8000


class _Small(NamedTuple):
    """A small float: bits of its significand, exponent of its least normal number, greatest number."""

    precision: int
    least: int
    greatest: float
    saturates: bool


# Open Compute Project, 8-bit Floating Point Specification
_E4M3 = _Small(4, -6, 448.0, saturates=True)
_E5M2 = _Small(3, -14, 57344.0, saturates=False)


def f16_codes(bits: Bits) -> Codes:
    """f16 of f32 values given by their bits; a NaN keeps its sign and nothing else."""
    values = bits.view(np.float32)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        codes = values.astype(np.float16).view(np.uint16)
    nans = np.isnan(values)
    if nans.any():
        codes[nans] = (bits[nans] >> 16).astype(np.uint16) & _SIGN | NAN_F16
    return codes


def bf16_codes(bits: Bits) -> Codes:
    """bf16 of f32 values given by their bits; a NaN keeps its sign and nothing else."""
    codes = ((bits + (0x7FFF + (bits >> 16 & 1))) >> 16).astype(np.uint16)
    nans = (bits & 0x7FFFFFFF) > 0x7F800000
    if nans.any():
        codes[nans] = (bits[nans] >> 16).astype(np.uint16) & _SIGN | NAN_BF16
    return codes


def f16_bits(codes: Codes) -> Bits:
    """The f32 bits of f16 values."""
    with np.errstate(invalid="ignore"):
        return codes.view(np.float16).astype(np.float32).view(np.uint32)


def bf16_bits(codes: Codes) -> Bits:
    """The f32 bits of bf16 values."""
    return codes.astype(np.uint32) << np.uint32(16)


def values_of(bits: Bits) -> Floats:
    """The values of f32 bits, as float64."""
    with np.errstate(invalid="ignore"):  # NumPy warns of a NaN that signals
        return bits.view(np.float32).astype(np.float64)


def plain_f16(codes: Codes) -> Codes:
    """f16 codes with one zero and one NaN."""
    return np.where((codes & 0x7FFF) > 0x7C00, NAN_F16, np.where(codes == _SIGN, 0, codes)).astype(np.uint16)


def plain_bf16(codes: Codes) -> Codes:
    """bf16 codes with one zero and one NaN."""
    return np.where((codes & 0x7FFF) > 0x7F80, NAN_BF16, np.where(codes == _SIGN, 0, codes)).astype(np.uint16)


def flushed(codes: Codes) -> Codes:
    """f16 codes with subnormal ones as zero."""
    return np.where(codes & 0x7C00, codes, 0).astype(np.uint16)


def e4m3_codes(values: Floats) -> Codes:
    """F8_E4M3 of float64 values, as f16 codes with one zero and one NaN. What exceeds 448 becomes 448."""
    return _small(values, _E4M3)


def e5m2_codes(values: Floats) -> Codes:
    """F8_E5M2 of float64 values, as f16 codes with one zero and one NaN."""
    return _small(values, _E5M2)


def _small(values: Floats, kind: _Small) -> Codes:
    with np.errstate(invalid="ignore", over="ignore"):
        exponent = np.maximum(np.frexp(values)[1] - 1, kind.least) - (kind.precision - 1)
        rounded = np.where(np.isfinite(values), np.ldexp(np.rint(np.ldexp(values, -exponent)), exponent), values)
        limit = kind.greatest if kind.saturates else np.inf
        large = np.abs(rounded) > kind.greatest
        rounded = np.where(large, np.copysign(limit, rounded), rounded)
        return plain_f16(rounded.astype(np.float16).view(np.uint16))


def e4m3_values() -> Codes:
    """The f16 codes of the 256 bytes of F8_E4M3: sign, 4 bits of exponent (bias 7), 3 of significand; no infinity."""
    byte = np.arange(256)
    exponent, fraction = byte >> 3 & 15, byte & 7
    values = np.where(exponent, np.ldexp(8.0 + fraction, exponent - 10), np.ldexp(fraction * 1.0, -9))
    values = np.where(byte & 0x7F == 0x7F, np.nan, np.where(byte & 0x80, -values, values))
    return plain_f16(values.astype(np.float16).view(np.uint16))


def e5m2_values() -> Codes:
    """The f16 codes of the 256 bytes of F8_E5M2, which are the upper halves of those of f16."""
    return plain_f16(np.arange(256, dtype=np.uint16) << np.uint16(8))
