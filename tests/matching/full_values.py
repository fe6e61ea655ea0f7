"""Tensors in memory as a full comparison reads them, with no file and no samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from catalog.fingerprints.base import TensorPrint
from catalog.fingerprints.values import ValueReader
from catalog.formats.base import TensorInfo
from catalog.matching.full_streams import Side

if TYPE_CHECKING:
    import numpy.typing as npt

_TYPES = {"float32": "F32", "float16": "F16"}


def side(array: npt.NDArray[np.generic], name: str = "w") -> Side:
    """One array of float32 or float16 as one side of a pair."""
    raw = np.ascontiguousarray(array).tobytes()
    info = TensorInfo(name, _TYPES[array.dtype.name], array.shape, 0, len(raw))
    values = ValueReader([info], {}, lambda _file, offset, length: raw[offset : offset + length])
    return Side(values, 0, TensorPrint(info.name, info.dtype, info.shape, b""))
