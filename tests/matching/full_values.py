"""Tensors in memory as a full comparison reads them, with no file and no samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from catalog.fingerprints import floats
from catalog.fingerprints.base import Samples, TensorPrint
from catalog.formats.base import TensorInfo
from catalog.matching.full_streams import Side

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    Array = npt.NDArray[np.generic]

_TYPES = {"float32": "F32", "float16": "F16"}


class MemoryValues:
    """The values of named arrays, float32 or float16."""

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        self._raw = [np.ascontiguousarray(array).tobytes() for array in arrays.values()]
        self.tensors: Sequence[TensorInfo] = [
            TensorInfo(name, _TYPES[array.dtype.name], array.shape, 0, array.nbytes, number)
            for number, (name, array) in enumerate(arrays.items())
        ]

    def read(self, file: int, offset: int, length: int) -> bytes:
        return self._raw[file][offset : offset + length]

    def has_interval(self, tensor: int) -> bool:
        return self.tensors[tensor].dtype in floats.WIDTHS

    def rows(self, tensor: int, first: int, count: int) -> Samples:
        info = self.tensors[tensor]
        columns = info.values // print_of(info).rows
        width = floats.WIDTHS[info.dtype]
        raw = self.read(info.file, first * columns * width, count * columns * width)
        found = floats.samples(info.dtype, np.frombuffer(raw, np.uint8))
        return Samples(*(array.reshape(count, columns) for array in found))


def print_of(info: TensorInfo) -> TensorPrint:
    """Name, type and shape alone."""
    return TensorPrint(info.name, info.dtype, info.shape, b"")


def side(array: Array, name: str = "w") -> Side:
    """One array as one side of a pair."""
    values = MemoryValues({name: array})
    return Side(values, 0, print_of(values.tensors[0]))
