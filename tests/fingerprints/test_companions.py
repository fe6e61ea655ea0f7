"""Weights of eight bits, and the tensors beside them that say what they count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ml_dtypes
import numpy as np
import numpy.typing as npt
import pytest

from catalog.fingerprints.positions import places
from catalog.fingerprints.sketch import plan
from catalog.fingerprints.values import ValueReader
from catalog.formats.base import TensorInfo
from catalog.management.demo.writers import DTYPES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.fingerprints.base import Samples
    from catalog.formats.base import Json

Array = npt.NDArray[np.generic]
Floats = npt.NDArray[np.float32]

E4M3, E5M2 = np.dtype(ml_dtypes.float8_e4m3fn), np.dtype(ml_dtypes.float8_e5m2)
E8M0, BF16 = np.dtype(ml_dtypes.float8_e8m0fnu), np.dtype(ml_dtypes.bfloat16)


class File:
    """Some tensors, as bytes and as an index."""

    def __init__(self, tensors: Mapping[str, Array], metadata: Mapping[str, Json] | None = None) -> None:
        self.names = list(tensors)
        self._metadata = metadata or {}
        self._raw = b"".join(array.tobytes() for array in tensors.values())
        self._infos, offset = [], 0
        for name, array in tensors.items():
            self._infos.append(TensorInfo(name, DTYPES[array.dtype.name], array.shape, offset, array.nbytes))
            offset += array.nbytes

    @property
    def values(self) -> ValueReader:
        return ValueReader(self._infos, self._metadata, lambda _, offset, length: self._raw[offset : offset + length])

    def all_of(self, name: str) -> Samples:
        """Everything, and the same of the samples besides."""
        reader = self.values
        number = [tensor.name for tensor in reader.tensors].index(name)
        rows, _ = reader.shape(number)
        halves = [reader.rows(number, first, count) for first, count in ((0, rows // 2), (rows // 2, rows - rows // 2))]
        found = type(halves[0])(*(np.concatenate(pair) for pair in zip(*halves, strict=True)))
        for whole, some in zip(found, self._samples(number), strict=True):
            np.testing.assert_array_equal(whole.reshape(-1)[places(reader.tensors[number].shape)], some)
        return found

    def _samples(self, number: int) -> Samples:
        tensors = self.values.tensors
        made, pieces = plan(tensors, self._metadata), {}
        for at, wanted in enumerate(made.wanted):
            begins = wanted.offsets + tensors[wanted.tensor].offset
            pieces[at] = np.frombuffer(self._raw, np.uint8)[begins[:, None] + np.arange(wanted.length)]
        return made.samples(pieces)[number]

    def is_known(self, name: str) -> bool:
        reader = self.values
        number = [tensor.name for tensor in reader.tensors].index(name)
        sampled = plan(reader.tensors, self._metadata)
        assert reader.has_values(number) == any(wanted.tensor == number for wanted in sampled.wanted)
        return reader.has_values(number)


def noise(*shape: int) -> Floats:
    return (np.random.default_rng(9).standard_t(5, shape) * 0.02).astype(np.float32)


def outside(found: Samples, array: Floats) -> int:
    values = array.reshape(found.values.shape)
    assert np.isfinite(found.values).all()
    assert np.corrcoef(values.reshape(-1), found.values.reshape(-1))[0, 1] > 0.98
    return int(((values < found.low) | (values > found.high)).sum())


def changed(array: Floats) -> Floats:
    return (array + np.random.default_rng(1).normal(0, 2e-5, array.shape)).astype(np.float32)


def spread(scale: Floats, height: int, width: int, shape: tuple[int, int]) -> Floats:
    """Each scale over its block."""
    return scale.repeat(height, 0).repeat(width, 1)[: shape[0], : shape[1]]


def largest(array: Floats, height: int, width: int) -> Floats:
    """Of each block."""
    rows, columns = array.shape
    padded = np.zeros((-(-rows // height) * height, -(-columns // width) * width), np.float32)
    padded[:rows, :columns] = np.abs(array)
    most: Floats = padded.reshape(len(padded) // height, height, -1, width).max(axis=(1, 3))
    return most + np.float32(1e-9)


@pytest.mark.parametrize(("kind", "top"), [(E4M3, 448), (E5M2, 57344)])
@pytest.mark.parametrize("beside", ["weight_scale", "scale_weight", "weight_scale_inv"])
@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
def test_one_scale_for_all(kind: np.dtype[np.generic], top: float, beside: str, shape: tuple[int, ...]) -> None:
    array = noise(96, 80)
    scale = (np.abs(array).max() / np.float32(top)).astype(np.float32)
    stored = (array / scale).astype(kind)
    file = File({"l.weight": stored, f"l.{beside}": np.full(shape, scale), "l.input_scale": np.ones((), np.float32)})
    assert outside(file.all_of("l.weight"), array) == 0
    assert outside(file.all_of("l.weight"), changed(array)) > 0


@pytest.mark.parametrize("kind", [np.dtype(np.float32), BF16])
@pytest.mark.parametrize("shape", [(256, 384), (200, 300), (128, 1000)])
def test_blocks_of_128(kind: np.dtype[np.generic], shape: tuple[int, int]) -> None:
    array = noise(*shape)
    scale = (largest(array, 128, 128) / 448).astype(kind)
    stored = (array / spread(scale.astype(np.float32), 128, 128, shape)).astype(E4M3)
    file = File({"l.weight": stored, "l.weight_scale_inv": scale})
    assert outside(file.all_of("l.weight"), array) == 0


def test_blocks_of_a_stated_size() -> None:
    array = noise(200, 300)
    scale = largest(array, 64, 32) / np.float32(448)
    stored = (array / spread(scale, 64, 32, (200, 300))).astype(E4M3)
    tensors = {"l.weight": stored, "l.weight_scale_inv": scale}
    config: Mapping[str, Json] = {"config.json": {"quantization_config": {"weight_block_size": [64, 32]}}}
    assert outside(File(tensors, config).all_of("l.weight"), array) == 0
    assert not File(tensors).is_known("l.weight")


@pytest.mark.parametrize("as_bytes", [False, True])
def test_powers_of_two_over_32_columns(*, as_bytes: bool) -> None:
    array = noise(64, 256)
    scale = np.exp2(np.floor(np.log2(largest(array, 1, 32))) - 8).astype(E8M0)
    stored = np.clip(array / spread(scale.astype(np.float32), 1, 32, array.shape), -448, 448).astype(E4M3)
    file = File({"l.weight": stored, "l.weight_scale": scale.view(np.uint8) if as_bytes else scale})
    found = file.all_of("l.weight")
    assert outside(found, array) == 0


def tiled(scale: Array) -> Array:
    """As cuBLAS wants the scales of blocks: tiles of 128 x 4, in each the rows 0, 32, 64, 96 side by side."""
    rows, columns = -(-scale.shape[0] // 128) * 128, -(-scale.shape[1] // 4) * 4
    padded = np.ones((rows, columns), scale.dtype)
    padded[: scale.shape[0], : scale.shape[1]] = scale
    tiles = padded.reshape(rows // 128, 4, 32, columns // 4, 4).transpose(0, 3, 2, 1, 4)
    return np.ascontiguousarray(tiles).reshape(rows, columns)


@pytest.mark.parametrize("shape", [(256, 512), (200, 512), (64, 96)])
@pytest.mark.parametrize("mark", ["tensor", "header", "none"])
def test_powers_of_two_in_tiles(shape: tuple[int, int], mark: str) -> None:
    array = noise(*shape) * np.exp2(np.random.default_rng(4).integers(-6, 6, (shape[0], 1))).astype(np.float32)
    scale = np.exp2(np.floor(np.log2(largest(array, 1, 32))) - 8).astype(E8M0)
    stored = np.clip(array / spread(scale.astype(np.float32), 1, 32, shape), -448, 448).astype(E4M3)
    tensors: dict[str, Array] = {"l.weight": stored, "l.weight_scale": tiled(scale.view(np.uint8))}
    if mark == "tensor":
        tensors["l.comfy_quant"] = np.zeros(19, np.uint8)
    file = File(tensors, {"_quantization_metadata": "{}"} if mark == "header" else {})
    if mark != "none" or tensors["l.weight_scale"].shape != scale.shape:
        assert outside(file.all_of("l.weight"), array) == 0


def test_integers_of_weights_that_may_be_rotated_are_not_known() -> None:
    tensors: dict[str, Array] = {"l.weight": np.ones((96, 80), np.int8), "l.weight_scale": np.ones((96, 1), np.float32)}
    marked = {**tensors, "l.comfy_quant": np.zeros(73, np.uint8)}
    header: Mapping[str, Json] = {"_quantization_metadata": '{"layers": {"l": {"convrot": true}}}'}
    assert File({**tensors, "l.comfy_quant": np.zeros(29, np.uint8)}).is_known("l.weight")
    assert not File(marked).is_known("l.weight")
    assert not File(tensors, header).is_known("l.weight")


def rounded(array: Floats, scale: Floats, zero: Array | int = 0, kind: str = "i1") -> Array:
    ends = np.iinfo(kind)
    found: Array = np.clip(np.rint(array / scale) + zero, ends.min, ends.max).astype(kind)
    return found


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("axis", "flat", "beside"),
    [(None, False, "weight_scale"), (1, False, "weight_scale"), (1, True, "weight_scale"), (0, False, "weight_scale")],
)
def test_integers_with_scales_of_rows_or_columns(axis: int | None, flat: bool, beside: str, sign: int) -> None:
    array = noise(96, 80)
    scale = (np.abs(array).max(axis=axis, keepdims=True) * sign / 127).astype(np.float32)
    stored = rounded(array, scale)
    file = File({"l.weight": stored, f"l.{beside}": scale.reshape(-1) if flat else scale})
    assert outside(file.all_of("l.weight"), array) == 0
    assert outside(file.all_of("l.weight"), changed(array)) > 0


@pytest.mark.parametrize(
    ("weight", "scale"),
    [("l.weight._data", "l.weight._scale"), ("l.weight_qdata", "l.weight_scale"), ("l.weight:qdata", "l.weight:scale")],
)
def test_integers_of_other_tools(weight: str, scale: str) -> None:
    array = noise(96, 80)
    each = (np.abs(array).max(axis=1, keepdims=True) / 127).astype(np.float32)
    assert outside(File({weight: rounded(array, each), scale: each}).all_of(weight), array) == 0


def test_bitsandbytes_keeps_the_largest_of_each_row() -> None:
    array = noise(96, 80).astype(np.float16).astype(np.float32)
    most = np.abs(array).max(axis=1)
    stored = np.rint(array * (127 / most[:, None])).astype(np.int8)
    file = File({"l.weight": stored, "l.SCB": most, "l.weight_format": np.zeros((), np.uint8)})
    assert outside(file.all_of("l.weight"), array) == 0


@pytest.mark.parametrize("kind", ["i1", "u1"])
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_onnx_integers_with_zero_points(kind: str, axis: int | None) -> None:
    array = noise(96, 80)
    lowest, highest = array.min(axis=axis, keepdims=True), array.max(axis=axis, keepdims=True)
    scale = ((highest - lowest) / 255).astype(np.float32)
    zero = np.rint(np.iinfo(kind).min - lowest / scale).astype(kind)
    file = File(
        {
            "m_quantized": rounded(array, scale, zero.astype(np.int64), kind),
            "m_scale": scale.reshape(() if axis is None else -1),
            "m_zero_point": zero.reshape(() if axis is None else -1),
        }
    )
    assert outside(file.all_of("m_quantized"), array) == 0


def square(name: str, axis: int) -> dict[str, Array]:
    array = noise(64, 64)
    scale = (np.abs(array).max(axis=axis, keepdims=True) / 127).astype(np.float32)
    return {f"{name}_quantized": rounded(array, scale), f"{name}_scale": scale.reshape(-1)}


@pytest.mark.parametrize("axis", [0, 1])
def test_scales_of_a_square_matrix_follow_the_others_of_the_file(axis: int) -> None:
    long = noise(96, 80)
    scale = (np.abs(long).max(axis=axis, keepdims=True) / 127).astype(np.float32)
    other = {"o_q": rounded(long, scale), "o_scale": scale.reshape(-1)}
    file = File({**square("m", axis), **other})
    assert outside(file.all_of("o_q"), long) == 0
    assert outside(file.all_of("m_quantized"), noise(64, 64)) == 0
    assert not File(square("m", axis)).is_known("m_quantized")


def test_scales_of_a_convolution_are_of_its_rows_whatever_the_others_are() -> None:
    kernel, long = noise(48, 8, 3, 3), noise(96, 80)
    by_row = (np.abs(kernel).max(axis=(1, 2, 3), keepdims=True) / 127).astype(np.float32)
    by_column = (np.abs(long).max(axis=0) / 127).astype(np.float32)
    convolution = {"c_quantized": rounded(kernel, by_row), "c_scale": by_row.reshape(-1)}
    product = {"o_quantized": rounded(long, by_column), "o_scale": by_column}
    file = File({**convolution, **product, **square("m", 0)})
    assert outside(file.all_of("c_quantized"), kernel) == 0
    assert outside(file.all_of("m_quantized"), noise(64, 64)) == 0


def test_experts_have_their_own_part_of_the_scales() -> None:
    stack = noise(3, 64, 80) * np.array([1, 5, 20], np.float32)[:, None, None]
    for axes, shape in (((1, 2), (3, 1, 1)), ((2,), (3, 64, 1)), ((1,), (3, 1, 80)), ((1, 2), (3,))):
        scale = (np.abs(stack).max(axis=axes, keepdims=True) / 448).astype(np.float32)
        file = File({"e.weight": (stack / scale).astype(E4M3), "e.weight_scale": scale.reshape(shape)})
        for expert in range(3):
            assert outside(file.all_of(f"e.weight[{expert}]"), stack[expert]) == 0
    file = File({"e.weight": stack.astype(E4M3), "e.weight_scale": np.ones((2, 1, 1), np.float32)})
    assert file.is_known("e.weight[1]")
    assert not file.is_known("e.weight[2]")


@pytest.mark.parametrize("shape", [(95,), (95, 1), (2, 2, 2), (3, 7), (0,), (80,), (96, 80)])
def test_of_a_weight_whose_scale_does_not_fit_nothing_is_said(shape: tuple[int, ...]) -> None:
    for kind in (E4M3, np.dtype(np.int8)):
        file = File({"l.weight": np.zeros((96, 80), kind), "l.weight_scale": np.ones(shape, np.float32)})
        assert file.is_known("l.weight") == (shape == (96, 80))


@pytest.mark.parametrize("kind", ["int64", "uint8", "int8"])
def test_scales_that_are_integers_are_none(kind: str) -> None:
    assert not File({"l.weight": np.zeros((96, 80), np.int8), "l.weight_scale": np.ones((), kind)}).is_known("l.weight")


def test_integers_without_scales_are_no_weights_and_floats_mean_what_they_say() -> None:
    file = File({"l.weight": np.zeros((96, 80), np.int8), "m.weight": noise(96, 80).astype(E4M3)})
    assert not file.is_known("l.weight")
    assert outside(file.all_of("m.weight"), noise(96, 80)) == 0


def test_values_that_are_shifted_besides_are_not_known() -> None:
    tensors: dict[str, Array] = {
        "l.weight._data": np.zeros((96, 80), np.int8),
        "l.weight._scale": np.ones((96, 1), np.float32),
    }
    assert File(tensors).is_known("l.weight._data")
    assert not File({**tensors, "l.weight._shift": np.ones((96, 1), np.float32)}).is_known("l.weight._data")


def test_zero_points_of_another_shape_or_type_are_refused() -> None:
    tensors: dict[str, Array] = {"m_quantized": np.zeros((96, 80), np.int8), "m_scale": np.ones(96, np.float32)}
    for zero in (np.zeros(95, np.int8), np.zeros(96, np.uint8)):
        assert not File({**tensors, "m_zero_point": zero}).is_known("m_quantized")


@pytest.mark.parametrize("bad", [0.0, np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", [E4M3, np.dtype(np.int8)])
def test_a_scale_that_is_zero_or_no_number_leaves_nothing_known(bad: float, kind: np.dtype[np.generic]) -> None:
    scale = np.ones((96, 1), np.float32)
    scale[40] = bad
    file = File({"l.weight": np.ones((96, 80), kind), "l.weight_scale": scale})
    values, low, high = file.all_of("l.weight")
    assert np.isnan(values[40]).all()
    assert (low[40] == -np.inf).all()
    assert (high[40] == np.inf).all()
    assert np.isfinite(values[np.arange(96) != 40]).all()
