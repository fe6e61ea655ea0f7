"""The same weights in other precisions: plain casts, chains of them, casts as careless converters make them, fp8."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ml_dtypes
import numpy as np

from tests.builders import BRAIN, HALF, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.builders import Array, Tensors

SINGLE: np.dtype[np.generic] = np.dtype(np.float32)
E4M3: np.dtype[np.generic] = np.dtype(ml_dtypes.float8_e4m3fn)
E5M2: np.dtype[np.generic] = np.dtype(ml_dtypes.float8_e5m2)
E4M3_LARGEST = 448.0
TINY = 6.2e-5  # f16 has no normal number below 2**-14


def chain(*dtypes: np.dtype[np.generic]) -> Callable[[Mapping[str, Array]], Tensors]:
    """Cast to each in turn."""

    def convert(tensors: Mapping[str, Array]) -> Tensors:
        found = dict(tensors)
        for dtype in dtypes:
            found = {name: array.astype(dtype) if _is_float(array) else array for name, array in found.items()}
        return found

    return convert


def _is_float(array: Array) -> bool:
    return array.dtype.kind in "fV"  # ml_dtypes' are kind V


def half_with_wide_norms(tensors: Mapping[str, Array]) -> Tensors:
    """Matrices in f16, what has one axis in f32."""
    return {name: array.astype(HALF) if _is_matrix(array) else array for name, array in tensors.items()}


def _is_matrix(array: Array) -> bool:
    return array.ndim > 1 and array.dtype == np.float32


def flushed(tensors: Mapping[str, Array]) -> Tensors:
    """f16 by a device that knows no subnormals."""
    return {
        name: np.where(np.abs(half.astype(SINGLE)) < 2.0**-14, np.float16(0), half) if half.dtype == HALF else half
        for name, half in cast(tensors, HALF).items()
    }


def clamped(tensors: Mapping[str, Array]) -> Tensors:
    """f16 as onnxconverter-common makes it: what is not zero stays at least 1e-7 away from it."""
    return cast(
        {name: _clamped(array) if array.dtype == np.float32 else array for name, array in tensors.items()}, HALF
    )


def _clamped(array: Array) -> Array:
    values = array.astype(SINGLE)
    small = (values != 0) & (np.abs(values) < 1e-7)
    return np.where(small, np.copysign(np.float32(1e-7), values), values)


def truncated(tensors: Mapping[str, Array]) -> Tensors:
    """bf16 by dropping the low half of each f32."""
    return {name: _truncated(array) if array.dtype == np.float32 else array for name, array in tensors.items()}


def _truncated(array: Array) -> Array:
    upper: Array = (np.ascontiguousarray(array).view(np.uint32) >> 16).astype(np.uint16)
    codes: Array = upper.view(BRAIN)
    return codes.reshape(array.shape)


def negative_zeros(tensors: Mapping[str, Array]) -> Tensors:
    """Every zero with the other sign."""
    minus = np.float32(-0.0)
    return {
        name: np.where(array == 0, minus, array) if array.dtype == np.float32 else array
        for name, array in tensors.items()
    }


def with_small(tensors: Mapping[str, Array]) -> Tensors:
    """The same with some values that are subnormal in f16, or below it: what `flushed` and `clamped` are about."""
    found = dict(tensors)
    random = np.random.default_rng(9)
    for name, array in tensors.items():
        if _is_matrix(array):
            changed = array.copy().reshape(-1)
            places = random.integers(0, changed.size, max(changed.size // 100, 2))
            scale = np.exp(random.uniform(np.log(1e-9), np.log(TINY), len(places)))
            changed[places] = (scale * random.choice([-1, 1], len(places))).astype(np.float32)
            found[name] = changed.reshape(array.shape)
    return found


def fp8(dtype: np.dtype[np.generic], *before: np.dtype[np.generic]) -> Callable[[Mapping[str, Array]], Tensors]:
    """Matrices straight in fp8, what has one axis in f16; `before`: precisions they went through."""

    def convert(tensors: Mapping[str, Array]) -> Tensors:
        wide = chain(*before, SINGLE)(tensors) if before else dict(tensors)
        return {
            name: array.astype(dtype) if _is_matrix(array) else cast({name: array}, HALF)[name]
            for name, array in wide.items()
        }

    return convert


def scaled_by_tensor(tensors: Mapping[str, Array]) -> Tensors:
    """ComfyUI's scaled fp8: `scale_weight` beside each weight, and an empty tensor that says so."""
    found: Tensors = {"scaled_fp8": np.zeros(2, E4M3)}
    for name, array in tensors.items():
        if _is_matrix(array) and name.endswith(".weight"):
            values = array.astype(SINGLE)
            scale = np.float32(np.abs(values).max() / E4M3_LARGEST)
            found[name] = (values / scale).astype(E4M3)
            found[f"{name.removesuffix('weight')}scale_weight"] = np.array(scale, np.float32)
        else:
            found |= cast({name: array}, HALF)
    return found


def scaled_by_row(tensors: Mapping[str, Array]) -> Tensors:
    """compressed-tensors' channel-wise fp8: `weight_scale` of shape (rows, 1), in bf16 as vLLM's recipes leave it."""
    return _scaled(tensors, "weight_scale", lambda values: np.abs(values).max(axis=1, keepdims=True), BRAIN)


def scaled_by_block(tensors: Mapping[str, Array], block: int = 128) -> Tensors:
    """DeepSeek's fp8: `weight_scale_inv`, one f32 for each block of 128 x 128."""

    def largest(values: Array) -> Array:
        rows, columns = -(-values.shape[0] // block), -(-values.shape[1] // block)
        padded = np.zeros((rows * block, columns * block), np.float32)
        padded[: values.shape[0], : values.shape[1]] = np.abs(values.astype(SINGLE))
        return np.asarray(padded.reshape(rows, block, columns, block).max(axis=(1, 3)))

    return _scaled(tensors, "weight_scale_inv", largest, SINGLE)


def _scaled(
    tensors: Mapping[str, Array], suffix: str, largest: Callable[[Array], Array], kept: np.dtype[np.generic]
) -> Tensors:
    found: Tensors = {}
    for name, array in tensors.items():
        if array.ndim == 2 and array.dtype == np.float32 and name.endswith(".weight"):
            values = array.astype(SINGLE)
            scale = (largest(values).astype(SINGLE) / np.float32(E4M3_LARGEST)).astype(kept).astype(SINGLE)
            spread = _spread(scale, values.shape)
            found[name] = np.clip(values / spread, -E4M3_LARGEST, E4M3_LARGEST).astype(E4M3)
            found[f"{name.removesuffix('weight')}{suffix}"] = scale.astype(kept)
        else:
            found |= cast({name: array}, BRAIN)
    return found


def _spread(scale: Array, shape: tuple[int, ...]) -> Array:
    if scale.shape[1] == 1 and scale.shape[0] == shape[0]:
        return scale
    return np.repeat(np.repeat(scale, 128, axis=0), 128, axis=1)[: shape[0], : shape[1]]
