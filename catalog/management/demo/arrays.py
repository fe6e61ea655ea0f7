"""Named arrays, and the values that fill them: the same for the same seed on every machine."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, TypeAlias

import ml_dtypes
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Mapping

Array: TypeAlias = "npt.NDArray[np.generic]"
Tensors: TypeAlias = "dict[str, Array]"
Shape: TypeAlias = "tuple[int, ...]"

HALF = np.dtype(np.float16)
BRAIN = np.dtype(ml_dtypes.bfloat16)


def weights(shapes: Mapping[str, Shape], seed: int) -> Tensors:
    """A float32 array for each name; a tensor's values depend on the seed and its name alone."""
    return {name: _values(name, shape, seed) for name, shape in shapes.items()}


def cast(tensors: Mapping[str, Array], dtype: np.dtype[np.generic]) -> Tensors:
    """Every floating array as `dtype`, rounded to nearest even; whole numbers stay as they are."""
    return {
        name: array.astype(dtype) if array.dtype.kind == "f" else array  # bfloat16 is kind V
        for name, array in tensors.items()
    }


def _values(name: str, shape: Shape, seed: int) -> Array:
    random = np.random.Generator(np.random.PCG64([seed, zlib.crc32(name.encode())]))
    drawn = random.standard_normal(shape, dtype=np.float32)
    if len(shape) > 1:
        return drawn * np.float32(0.5 / np.sqrt(np.prod(shape[1:])))
    centre = 1 if "norm" in name and name.endswith("weight") else 0
    return np.float32(centre) + drawn * np.float32(0.02)
