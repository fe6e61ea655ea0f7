"""Values of whole tensors, row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pytest
from gguf import GGMLQuantizationType
from gguf.quants import dequantize

from catalog.errors import MalformedFile
from catalog.fingerprints.values import ROOM, ValueReader
from catalog.formats.base import Stored, TensorInfo
from tests.builders.quantisers import quantise

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.formats.base import Json

Array = npt.NDArray[np.generic]


def noise(*shape: int) -> npt.NDArray[np.float32]:
    return np.random.default_rng(8).normal(0, 0.02, shape).astype(np.float32)


def reader(*tensors: TensorInfo, content: bytes, metadata: Mapping[str, Json] | None = None) -> ValueReader:
    def read(file: int, offset: int, length: int) -> bytes:
        assert file == 0
        assert 0 <= offset <= offset + length <= len(content)
        return content[offset : offset + length]

    return ValueReader(tensors, metadata or {}, read)


def of(array: Array, dtype: str, name: str = "a", **metadata: Json) -> ValueReader:
    raw = array.tobytes()
    info = TensorInfo(name, dtype, array.shape, 3, len(raw))
    return reader(info, content=b"xyz" + raw, metadata=metadata)


@pytest.mark.parametrize("shape", [(37, 20), (37, 5, 2, 2), (1, 37, 20), (50,), (1, 50, 1), ()])
def test_rows_are_those_of_the_first_dimension(shape: tuple[int, ...]) -> None:
    array = noise(*shape)
    values = of(array, "F32")
    rows, columns = values.shape(0)
    expected = array.reshape(rows, columns).astype(np.float64)
    np.testing.assert_array_equal(values.rows(0, 0, rows).values, expected)
    first = min(3, rows - 1)
    found = values.rows(0, first, rows - first)
    np.testing.assert_array_equal(found.values, expected[first:])
    assert ((found.low <= expected[first:]) & (expected[first:] <= found.high)).all()
    assert values.rows(0, rows, 0).values.shape == (0, columns)


@pytest.mark.parametrize(("start", "stop"), [(0, 1), (5, 9), (0, 20), (19, 20), (3, 3)])
def test_some_columns_only(start: int, stop: int) -> None:
    array = noise(37, 20)
    found = of(array, "F32").rows(0, 2, 30, columns=slice(start, stop)).values
    np.testing.assert_array_equal(found, array[2:32, start:stop].astype(np.float64))


@pytest.mark.parametrize("kind", ["Q8_0", "Q4_0", "Q4_K", "Q6_K", "IQ4_XS"])
@pytest.mark.parametrize(("start", "stop"), [(0, 768), (40, 41), (200, 600), (256, 512), (767, 768)])
def test_columns_of_blocks_need_not_begin_with_one(kind: str, start: int, stop: int) -> None:
    packed = quantise(noise(12, 768), kind)
    raw = np.frombuffer(packed.raw, np.uint8)
    expected = dequantize(raw.reshape(12, -1), GGMLQuantizationType[kind])
    values = reader(TensorInfo("a", kind, (12, 768), 0, raw.size), content=packed.raw)
    found = values.rows(0, 1, 10, columns=slice(start, stop)).values
    np.testing.assert_array_equal(found.astype(np.float32), expected[1:11, start:stop])


@pytest.mark.parametrize(("first", "count"), [(0, 100), (31, 2), (95, 5), (0, 1), (33, 30)])
def test_a_list_of_blocks_may_be_read_from_anywhere(first: int, count: int) -> None:
    packed = quantise(noise(320), "Q8_0")
    values = reader(TensorInfo("a", "Q8_0", (320,), 0, len(packed.raw)), content=packed.raw)
    whole = values.rows(0, 0, 320).values
    np.testing.assert_array_equal(values.rows(0, first, count).values, whole[first : first + count])


@pytest.mark.parametrize(("first", "count"), [(0, 64), (4, 8), (60, 4)])
def test_levels_of_whole_blocks(first: int, count: int) -> None:
    array = noise(64, 40)
    packed = quantise(array.reshape(-1, 256), "Q4_0")
    index = TensorInfo("a", "Q4_0", (10, 256), 0, len(packed.raw))
    own: dict[str, Json] = {"comfy.gguf.orig_shape.a": [64, 10, 4]}
    whole, kernel = reader(index, content=packed.raw), reader(index, content=packed.raw, metadata=own)
    every = whole.levels(0, 0, 10)
    assert every.shape == (80, 32)
    np.testing.assert_array_equal(kernel.levels(0, first, count), every[first * 40 // 32 : (first + count) * 40 // 32])
    with pytest.raises(ValueError, match="no whole blocks"):
        kernel.levels(0, 1, 4)


def test_levels_of_reordered_rows_come_in_the_order_of_rows() -> None:
    array = noise(128, 64)
    packed = quantise(permuted(array, 4), "Q4_0")
    values = reader(
        TensorInfo("blk.0.attn_q.weight", "Q4_0", (128, 64), 0, len(packed.raw)), content=packed.raw, metadata=LLAMA
    )
    found = values.rows(0, 5, 20).values.reshape(40, 32)
    levels = values.levels(0, 5, 20)
    assert all(abs(np.corrcoef(pair)[0, 1]) > 0.999 for pair in zip(levels, found, strict=True))


def permuted(rows: npt.NDArray[np.float32], heads: int) -> npt.NDArray[np.float32]:
    halves = rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:])
    return halves.swapaxes(1, 2).reshape(rows.shape)


LLAMA: Mapping[str, Json] = {"general.architecture": "llama", "llama.attention.head_count": 4}


@pytest.mark.parametrize("kind", ["F32", "Q8_0"])
@pytest.mark.parametrize(("first", "count"), [(0, 128), (5, 20), (100, 28), (7, 1), (16, 16)])
def test_reordered_rows_come_in_the_order_of_the_source(kind: str, first: int, count: int) -> None:
    array = noise(128, 64)
    packed = quantise(permuted(array, 4), kind)
    content = {"blk.0.attn_q.weight": (LLAMA, 0), "model.q": ({}, 4)}
    for name, (metadata, heads) in content.items():
        info = TensorInfo(name, kind, array.shape, 0, len(packed.raw))
        values = reader(info, content=packed.raw, metadata=metadata)
        found = values.rows(0, first, count, heads=heads)
        expected = array[first : first + count]
        assert ((found.low <= expected) & (expected <= found.high)).all()


def test_a_reordered_bias_too() -> None:
    array = noise(128)
    values = of(permuted(array, 4), "F32", "blk.0.attn_k.bias", **LLAMA)
    np.testing.assert_array_equal(values.rows(0, 3, 70).values[:, 0], array[3:73].astype(np.float64))


@pytest.mark.parametrize(("first", "count"), [(0, 128), (5, 20), (60, 10), (127, 1)])
def test_exchanged_halves_come_in_the_order_of_diffusers(first: int, count: int) -> None:
    array = noise(128, 64)
    raw = np.roll(array, 64, axis=0).tobytes()
    infos = [
        TensorInfo(name, "F32", array.shape, 0, len(raw))
        for name in ("final_layer.adaLN_modulation.1.weight", "joint_blocks.0.x")
    ]
    values = reader(*infos, content=raw)
    np.testing.assert_array_equal(values.rows(0, first, count).values, array[first : first + count].astype(np.float64))
    assert [values.reordered(number) for number in (0, 1)] == [True, False]


@pytest.mark.parametrize(("first", "count"), [(0, 6), (2, 3), (5, 1)])
@pytest.mark.parametrize("axes", [(1, 0, 2), (2, 1, 0), (0, 2, 1)])
def test_a_view_is_read_in_its_own_order(first: int, count: int, axes: tuple[int, ...]) -> None:
    base = noise(6, 6, 6)
    view = base.transpose(axes)
    strides = tuple(step // 4 for step in view.strides)
    info = TensorInfo("a", "F32", view.shape, 0, base.nbytes, stored=Stored(strides))
    values = reader(info, content=base.tobytes())
    expected = view.reshape(6, 36)[first : first + count]
    np.testing.assert_array_equal(values.rows(0, first, count).values, expected.astype(np.float64))
    some = values.rows(0, first, count, columns=slice(7, 20)).values
    np.testing.assert_array_equal(some, expected[:, 7:20].astype(np.float64))


@pytest.mark.parametrize("kind", ["f2", "f4", "f8"])
def test_big_endian_values_are_turned(kind: str) -> None:
    array = noise(20, 30).astype(kind)
    raw = array.astype(f">{kind}").tobytes()
    info = TensorInfo("a", f"F{8 * array.itemsize}", array.shape, 0, len(raw), stored=Stored(big_endian=True))
    np.testing.assert_array_equal(reader(info, content=raw).rows(0, 4, 9).values, array[4:13].astype(np.float64))


def test_varints_are_read_from_the_front() -> None:
    scale = np.float32(0.5).tobytes()
    tensors = (
        TensorInfo("a_quantized", "U8", (10, 30), 4, 300 + 172 - 0, stored=Stored(varint=True)),
        TensorInfo("a_scale", "F32", (), 0, 4),
    )
    numbers = [number % 256 for number in range(300)]
    raw = b"".join(bytes([n]) if n < 128 else bytes([n & 127 | 128, 1]) for n in numbers)
    tensors = (tensors[0]._replace(nbytes=len(raw)), tensors[1])
    found = reader(*tensors, content=scale + raw).rows(0, 2, 7).values
    assert found.reshape(-1).tolist() == [number / 2 for number in numbers[60:270]]


def test_experts_are_tensors_of_their_own() -> None:
    stack = noise(3, 64, 80)
    values = of(stack, "F32", "blk.0.ffn_up_exps.weight")
    assert [tensor.name[-3:] for tensor in values.tensors] == ["[0]", "[1]", "[2]"]
    np.testing.assert_array_equal(values.rows(2, 10, 5).values, stack[2, 10:15].astype(np.float64))


@pytest.mark.parametrize(
    ("dtype", "shape", "size", "stored"),
    [
        ("F32", (30, 40), 4799, None),
        ("F32", (30, 40), 100, Stored(big_endian=True)),
        ("Q4_K", (30, 40), 1200, None),
        ("I32", (30, 40), 4800, None),
        ("IQ2_S", (1, 256), 82, None),
        ("", (30, 40), 4800, None),
    ],
)
def test_what_does_not_fit_or_is_not_known_is_refused(
    dtype: str, shape: tuple[int, ...], size: int, stored: Stored | None
) -> None:
    values = reader(TensorInfo("a", dtype, shape, 0, size, stored=stored), content=bytes(size))
    assert not values.has_values(0)
    assert not values.has_interval(0)
    with pytest.raises(MalformedFile):
        values.rows(0, 0, 1)


@pytest.mark.parametrize("strides", [(40, 1000), (10_000, 1), (-40, 1)])
def test_a_view_that_reaches_beyond_its_bytes_is_refused(strides: tuple[int, int]) -> None:
    values = reader(TensorInfo("a", "F32", (30, 40), 0, 4800, stored=Stored(strides)), content=bytes(4800))
    with pytest.raises(MalformedFile):
        values.rows(0, 2, 5)


@pytest.mark.parametrize(("first", "count"), [(-1, 2), (0, 31), (31, 1), (2, -1)])
def test_rows_that_are_not_there_are_refused(first: int, count: int) -> None:
    with pytest.raises(IndexError):
        of(noise(30, 40), "F32").rows(0, first, count)


def test_more_values_than_there_is_room_for_are_refused() -> None:
    info = TensorInfo("a", "F32", (1 << 20, 1 << 20), 0, 1 << 42)
    values = ValueReader((info,), {}, lambda _file, _offset, length: bytes(length))
    with pytest.raises(ValueError, match="at once"):
        values.rows(0, 0, 2)
    assert values.rows(0, 0, 1, columns=slice(1 << 19, None)).values.shape == (1, ROOM // 2)


def test_values_without_an_interval_are_values() -> None:
    values = reader(TensorInfo("a", "NVFP4", (2, 64), 0, 72), content=bytes(range(72)))
    assert values.has_values(0)
    assert not values.has_interval(0)
    found = values.rows(0, 0, 2)
    assert np.isfinite(found.values).any()
    assert np.isinf(found.low).all()
    assert np.isinf(found.high).all()
