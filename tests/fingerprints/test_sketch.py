"""Which bytes the samples need, and what they become."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pytest
from gguf import GGMLQuantizationType
from gguf.quants import quantize

from catalog.fingerprints.positions import places
from catalog.fingerprints.sketch import plan
from catalog.formats.base import TensorInfo

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from catalog.fingerprints.base import Samples
    from catalog.formats.base import Json

Array = npt.NDArray[np.generic]
NAMES = {"float32": "F32", "float16": "F16", "float64": "F64", "int8": "I8", "uint8": "U8", "int64": "I64"}


def sampled(
    parts: Mapping[str, tuple[str, Sequence[int], Array]], metadata: Mapping[str, Json] | None = None
) -> dict[str, Samples]:
    """The samples of tensors given by dtype, shape and stored values, cut out as a reader of the file would."""
    tensors, whole, offset = [], {}, 0
    for number, (name, (dtype, shape, stored)) in enumerate(parts.items()):
        raw = np.ascontiguousarray(stored).reshape(-1).view(np.uint8)
        tensors.append(TensorInfo(name, dtype, tuple(shape), offset, raw.size))
        whole[number], offset = raw, offset + raw.size
    made = plan(tensors, metadata or {})
    pieces = {}
    for number, wanted in enumerate(made.wanted):
        assert (np.diff(wanted.offsets) > 0).all()
        pieces[number] = whole[wanted.tensor][wanted.offsets[:, None] + np.arange(wanted.length)]
    return dict(zip(parts, made.samples(pieces), strict=True))


def plain(array: Array) -> tuple[str, Sequence[int], Array]:
    return NAMES[array.dtype.name], array.shape, array


def noise(*shape: int) -> npt.NDArray[np.float32]:
    return np.random.default_rng(5).normal(0, 0.02, shape).astype(np.float32)


@pytest.mark.parametrize("kind", ["f4", "f2", "f8"])
@pytest.mark.parametrize("shape", [(300, 40), (1, 640), (7, 9), (), (64, 3, 3, 3), (5000,)])
def test_samples_are_the_values_at_their_places(kind: str, shape: tuple[int, ...]) -> None:
    array = noise(*shape).astype(kind)
    found = sampled({"other": plain(noise(8, 8)), "a": plain(array)})["a"]
    expected = array.reshape(-1)[places(shape)].astype(np.float64)
    np.testing.assert_array_equal(found.values, expected)
    assert ((found.low <= expected) & (expected <= found.high)).all()


@pytest.mark.parametrize("kind", ["Q8_0", "Q4_0", "Q5_1"])
@pytest.mark.parametrize("shape", [(300, 64), (3, 512), (4, 32)])
def test_samples_of_blocks_are_those_of_their_values(kind: str, shape: tuple[int, ...]) -> None:
    array = noise(*shape)
    found = sampled({"a": (kind, shape, quantize(array, GGMLQuantizationType[kind]))})["a"]
    expected = array.reshape(-1)[places(shape)]
    assert np.corrcoef(found.values, expected)[0, 1] > 0.98
    assert ((found.low <= expected) & (expected <= found.high)).all()


def permuted(rows: npt.NDArray[np.float32], heads: int) -> npt.NDArray[np.float32]:
    """As a converter to GGUF reorders them: both halves of each head alternately."""
    halves = rows.reshape(heads, 2, rows.shape[0] // heads // 2, *rows.shape[1:])
    return halves.swapaxes(1, 2).reshape(rows.shape)


LLAMA: Mapping[str, Json] = {
    "general.architecture": "llama",
    "llama.attention.head_count": 8,
    "llama.attention.head_count_kv": 2,
}


@pytest.mark.parametrize(("name", "rows", "heads"), [("q", 256, 8), ("k", 64, 2)])
@pytest.mark.parametrize("kind", ["F32", "Q8_0"])
def test_reordered_rows_are_sampled_in_the_order_of_the_source(name: str, rows: int, heads: int, kind: str) -> None:
    array = noise(rows, 96)
    stored = quantize(permuted(array, heads), GGMLQuantizationType[kind])
    found = sampled({f"blk.3.attn_{name}.weight": (kind, array.shape, stored)}, LLAMA)
    expected = array.reshape(-1)[places(array.shape)]
    (samples,) = found.values()
    assert ((samples.low <= expected) & (expected <= samples.high)).all()


@pytest.mark.parametrize("rows", [256, 32])
def test_reordered_biases_too(rows: int) -> None:
    array = noise(rows)
    found = sampled({"blk.0.attn_q.bias": plain(permuted(array, 8))}, LLAMA)["blk.0.attn_q.bias"]
    np.testing.assert_array_equal(found.values, array[places(array.shape)].astype(np.float64))


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"general.architecture": "qwen2", "qwen2.attention.head_count": 8},
        {"general.architecture": "llama"},
        {"general.architecture": "llama", "llama.attention.head_count": 7},
        {"general.architecture": "llama", "llama.attention.head_count": "8"},
        {"general.architecture": ["llama"]},
    ],
)
def test_other_rows_are_sampled_as_they_lie(metadata: Mapping[str, Json]) -> None:
    array = noise(256, 96)
    found = sampled({"blk.0.attn_q.weight": plain(array), "blk.0.attn_v.weight": plain(array)}, metadata)
    for samples in found.values():
        np.testing.assert_array_equal(samples.values, array.reshape(-1)[places(array.shape)].astype(np.float64))


def test_heads_may_be_stated_block_by_block_or_by_their_length() -> None:
    array = noise(128, 64)
    by_block: Mapping[str, Json] = {"general.architecture": "deci", "deci.attention.head_count": [8, 4]}
    by_length: Mapping[str, Json] = {"general.architecture": "llama", "llama.attention.key_length": 32}
    for metadata in (by_block, by_length, {"model.gguf": dict(by_length)}):
        found = sampled({"blk.1.attn_q.weight": plain(permuted(array, 4))}, metadata)["blk.1.attn_q.weight"]
        np.testing.assert_array_equal(found.values, array.reshape(-1)[places(array.shape)].astype(np.float64))


def test_small_integers_are_exact_and_large_ones_no_weights() -> None:
    found = sampled({"alpha": plain(np.array(16)), "ids": plain(np.arange(1000))})
    assert found["alpha"].values.tolist() == found["alpha"].low.tolist() == found["alpha"].high.tolist() == [16]
    assert len(found["ids"].values) == 0


@pytest.mark.parametrize(
    ("dtype", "shape", "size"),
    [
        ("F16", (300, 40), 300 * 40),
        ("F32", (300, 40), 0),
        ("Q4_K", (300, 40), 300 * 40),
        ("Q8_0", (31, 33), 34 * 31),
        ("Q8_0", (), 34),
        ("IQ1_S", (1, 256), 50),
        ("F4", (300, 40), 6000),
        ("F32", (0, 40), 0),
    ],
)
def test_of_what_does_not_fit_or_is_not_known_there_are_no_samples(
    dtype: str, shape: tuple[int, ...], size: int
) -> None:
    found = sampled({"a": (dtype, shape, np.zeros(size, np.uint8)), "b": plain(noise(30, 40))})
    assert len(found["a"].values) == 0
    assert len(found["b"].values) == 100


def test_pieces_that_are_not_there_leave_no_samples() -> None:
    made = plan([TensorInfo("a", "F32", (300, 40), 0, 48_000)], {})
    assert len(made.samples({})[0].values) == 0


SWAPPED = [
    (("model.diffusion_model.double_blocks.0.x", "model.diffusion_model.final_layer.adaLN_modulation.1.weight"), True),
    (("joint_blocks.0.x", "final_layer.adaLN_modulation.1.weight"), True),
    (("blocks.0.x", "final_layer.adaLN_modulation.1.weight"), False),
    (("joint_blocks.0.x", "joint_blocks.1.x_block.adaLN_modulation.1.weight"), False),
    (
        (
            "joint_blocks.0.context_block.adaLN_modulation.1.bias",
            "joint_blocks.1.context_block.adaLN_modulation.1.weight",
        ),
        True,
    ),
    (
        (
            "joint_blocks.10.context_block.adaLN_modulation.1.bias",
            "joint_blocks.2.context_block.adaLN_modulation.1.weight",
        ),
        False,
    ),
    (("blocks.0.mlp_x.w1.weight", "final_layer.mod.weight"), True),
    (("double_layers.0.x", "modF.1.weight"), True),
]


@pytest.mark.parametrize(("names", "swapped"), SWAPPED)
@pytest.mark.parametrize("kind", ["F32", "Q8_0"])
def test_exchanged_halves_are_sampled_in_the_order_of_diffusers(
    names: tuple[str, str], swapped: bool, kind: str
) -> None:
    array = noise(256, 96)
    stored = quantize(np.roll(array, 128, axis=0) if swapped else array, GGMLQuantizationType[kind])
    found = sampled({names[0]: plain(noise(3)), names[1]: (kind, array.shape, stored)})[names[1]]
    expected = array.reshape(-1)[places(array.shape)]
    assert ((found.low <= expected) & (expected <= found.high)).all()
