"""The precision that values really have, whatever type they are stored as: an F32 file may hold bf16 values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from catalog.fingerprints import floats
from catalog.fingerprints.base import CODES, Samples
from catalog.matching import thresholds

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from catalog.fingerprints.base import Floats, TensorPrint

_WIDER = ("F32", "F64", "F16")


def effective(tensors: Sequence[TensorPrint]) -> list[Samples]:
    """The samples of each tensor; with the intervals of bf16 or f16 where the values lie on that grid."""
    found = [tensor.samples for tensor in tensors]
    numbers = [
        number
        for number, tensor in enumerate(tensors)
        if tensor.dtype in _WIDER and max(tensor.codes_f16, tensor.codes_bf16) >= CODES and len(tensor.samples.values)
    ]
    if not numbers:
        return found
    values = np.concatenate([tensors[number].samples.values for number in numbers])
    lengths = np.array([len(tensors[number].samples.values) for number in numbers])
    starts = np.concatenate(([0], np.cumsum(lengths)[:-1]))
    told = np.isfinite(values) & (values != 0)
    count = np.maximum(np.add.reduceat(told, starts, dtype=np.int64), 1)
    for dtype, rounded in (("F16", to_f16), ("BF16", to_bf16)):
        met = np.add.reduceat(told & (rounded(values) == values), starts, dtype=np.int64)
        for at in np.nonzero(met >= thresholds.ON_GRID * count)[0]:
            if tensors[numbers[at]].dtype != dtype and met[at]:
                found[numbers[at]] = _widened(found[numbers[at]], dtype)
    return found


def _widened(samples: Samples, dtype: str) -> Samples:
    codes = f16_codes(samples.values) if dtype == "F16" else bf16_codes(samples.values)
    wider = floats.coded(dtype, codes)
    known = np.isfinite(samples.values)
    return Samples(
        samples.values,
        np.where(known, np.minimum(samples.low, wider.low), samples.low),
        np.where(known, np.maximum(samples.high, wider.high), samples.high),
    )


@np.errstate(all="ignore")
def f16_codes(values: Floats) -> npt.NDArray[np.uint16]:
    """Rounded to nearest even, by way of float32 as every converter does."""
    codes: npt.NDArray[np.uint16] = values.astype(np.float32).astype(np.float16).view(np.uint16)
    return codes


@np.errstate(all="ignore")
def bf16_codes(values: Floats) -> npt.NDArray[np.uint16]:
    """Rounded to nearest even, by way of float32. A NaN stays one."""
    bits = values.astype(np.float32).view(np.uint32).astype(np.uint64)
    codes = ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)
    return np.where(np.isnan(values), np.uint16(0x7FC0), codes)


def to_f16(values: Floats) -> Floats:
    """The values that an F16 file would hold."""
    rounded: Floats = f16_codes(values).view(np.float16).astype(np.float64)
    return rounded


def to_bf16(values: Floats) -> Floats:
    """The values that a BF16 file would hold."""
    return _from_upper(bf16_codes(values))


@np.errstate(all="ignore")
def cut_bf16(values: Floats) -> Floats:
    """The upper halves of the float32 values: what converters write that do not round."""
    bits = values.astype(np.float32).view(np.uint32)
    return _from_upper((bits >> np.uint32(16)).astype(np.uint16))


def _from_upper(codes: npt.NDArray[np.uint16]) -> Floats:
    values: Floats = (codes.astype(np.uint32) << np.uint32(16)).view(np.float32).astype(np.float64)
    return values
