"""The quantised types of ggml: their values, and what each weight may have been."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pytest
from gguf import GGMLQuantizationType
from gguf.quants import dequantize

from catalog.fingerprints.blocks import BLOCKS
from tests.builders.quantisers import quantise, tuned

if TYPE_CHECKING:
    from catalog.fingerprints.base import Samples

Floats = npt.NDArray[np.float32]

STRANGE = {"Q8_K", "Q1_0"}  # not in the gguf package
TYPES = [name for name in BLOCKS if name not in {*STRANGE, "NVFP4"}]
SIZES = [1e-6, 0.02, 30.0]  # of the weights: the scales of small ones are subnormal numbers


def weights(size: float = 0.02, rows: int = 512) -> Floats:
    """Some of them ten times as large, some groups all of one sign, one row of zeros."""
    random = np.random.default_rng(7)
    values = random.normal(0, size, (rows, 256)) * np.where(random.random((rows, 256)) < 0.01, 10, 1)
    values[1::4, :128] = np.abs(values[1::4, :128])
    values[2::8] = -np.abs(values[2::8])
    values[3] = 0
    return values.astype(np.float32)


def decoded(kind: str, array: Floats, tight: float = 1.0) -> Samples:
    raw = np.frombuffer(quantise(array, kind, tight=tight).raw, np.uint8)
    return BLOCKS[kind].samples(raw.reshape(-1, BLOCKS[kind].nbytes))


def outside(found: Samples, array: Floats) -> int:
    values = array.reshape(found.values.shape)
    return int(((values < found.low) | (values > found.high)).sum())


@pytest.mark.parametrize("kind", [name for name in BLOCKS if name not in STRANGE])
def test_values_are_those_that_gguf_reads(kind: str) -> None:
    block = BLOCKS[kind]
    raw = np.random.default_rng(3).integers(0, 256, (3000, block.nbytes), dtype=np.uint8)
    found = block.samples(raw)
    with np.errstate(all="ignore"):
        expected = dequantize(raw, GGMLQuantizationType[kind]).reshape(found.values.shape)
        values = found.values.astype(np.float32)
    known = np.isfinite(found.values)
    assert known.mean() > 0.85
    np.testing.assert_array_equal(values[known], expected[known])
    assert not (np.isfinite(expected) & ~known & (expected != 0)).any() or kind in {"Q2_K", "Q4_K", "Q5_K"}


def test_q8_k_has_a_scale_of_32_bits() -> None:
    raw = np.zeros((1, 292), np.uint8)
    raw[0, :4], raw[0, 4:7] = np.array([0.5], "<f4").view(np.uint8), (1, 255, 127)
    values, low, high = BLOCKS["Q8_K"].samples(raw)
    assert values[0, :4].tolist() == [0.5, -0.5, 63.5, 0]
    assert high[0, 2] == np.inf
    assert (low[0, 0], high[0, 0]) == pytest.approx((0.25, 0.75), abs=1e-3)


def test_q1_0_keeps_signs() -> None:
    raw = np.concatenate((np.array([0.5], "<f2").view(np.uint8), np.full(16, 0b101, np.uint8)))[None]
    values, low, high = BLOCKS["Q1_0"].samples(raw)
    assert values[0, :9].tolist() == [0.5, -0.5, 0.5, -0.5, -0.5, -0.5, -0.5, -0.5, 0.5]
    assert (low[0, 0], high[0, 0], low[0, 1], high[0, 1]) == (0, np.inf, -np.inf, 0)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("size", SIZES)
def test_every_weight_lies_within_what_its_quantisation_allows(kind: str, size: float) -> None:
    array = weights(size)
    found = decoded(kind, array)
    assert outside(found, array) == 0
    assert np.isfinite(found.values).mean() > 0.8 or size == SIZES[0]


@pytest.mark.parametrize("kind", [name for name in TYPES if "K" in name or name.startswith("IQ4")])
def test_weights_that_are_cut_off_lie_in_the_open_ends(kind: str) -> None:
    array = weights()
    found = decoded(kind, array, tight=0.7)
    assert outside(found, array) == 0
    assert (np.isinf(found.low) | np.isinf(found.high)).any()


SEEN = {
    "Q8_0": 1e-4, "Q6_K": 3e-4, "Q5_K": 3e-4, "Q5_0": 3e-4, "Q5_1": 1e-3, "Q4_K": 1e-3, "Q4_0": 1e-3, "Q4_1": 1e-3,
    "Q3_K": 1e-3, "Q2_K": 1e-3, "MXFP4": 1e-3, "IQ4_NL": 1e-3, "IQ4_XS": 1e-3, "TQ1_0": 1e-2, "TQ2_0": 1e-2,
}  # fmt: skip
"""Relative changes of all weights that must be seen in 131,072 of them."""


@pytest.mark.parametrize("kind", SEEN)
def test_a_small_change_of_all_weights_is_seen(kind: str) -> None:
    array = weights()
    tuned_weights = array + np.random.default_rng(1).normal(0, 0.02 * SEEN[kind], array.shape).astype(np.float32)
    assert outside(decoded(kind, tuned_weights), array) > 0


@pytest.mark.parametrize("kind", [name for name in BLOCKS if name != "MXFP4"])
def test_a_block_whose_scale_is_zero_or_no_number_says_nothing(kind: str) -> None:
    block = BLOCKS[kind]
    zeros, full = np.zeros((1, block.nbytes), np.uint8), np.full((1, block.nbytes), 0xFF, np.uint8)
    for raw in (zeros,) if kind == "NVFP4" else (zeros, full):
        values, low, high = block.samples(raw)
        assert np.isnan(values).all()
        assert (low == -np.inf).all()
        assert (high == np.inf).all()


@pytest.mark.parametrize("kind", ["Q8_0", "Q4_1", "Q5_0", "IQ4_NL", "TQ1_0"])
def test_the_largest_scale_is_one_like_others(kind: str) -> None:
    block = BLOCKS[kind]
    raw = np.zeros((1, block.nbytes), np.uint8)
    at = block.nbytes - 2 if kind == "TQ1_0" else 0
    raw[0, at : at + 2] = np.array([65504], "<f2").view(np.uint8)
    values, low, high = block.samples(raw)
    assert (np.isfinite(values) & (low <= values) & (values <= high)).all()


def test_a_negative_scale_swaps_the_ends() -> None:
    raw = np.zeros((2, BLOCKS["Q6_K"].nbytes), np.uint8)
    raw[:, 192:208] = 1
    raw[:, 208:210] = np.array([[0.5], [-0.5]], "<f2").view(np.uint8)
    found = BLOCKS["Q6_K"].samples(raw)
    assert found.values[:, 0].tolist() == [-16, 16]
    assert (found.low[0, 0], found.high[1, 0]) == (-np.inf, np.inf)
    assert found.high[0, 0] == -found.low[1, 0] == pytest.approx(-15.75, abs=1e-3)


@pytest.mark.parametrize("kind", BLOCKS)
def test_picked_values_are_those_of_the_whole(kind: str) -> None:
    block = BLOCKS[kind]
    raw = np.random.default_rng(4).integers(0, 256, (40, block.nbytes), dtype=np.uint8)
    places = np.random.default_rng(5).integers(0, 40 * block.values, 300)
    for some, whole in zip(block.picked(raw, places), block.samples(raw), strict=True):
        np.testing.assert_array_equal(some, whole.reshape(-1)[places])


@pytest.mark.parametrize("kind", ["Q4_0", "Q5_0"])
def test_steps_explain_blocks_that_an_importance_matrix_tuned(kind: str) -> None:
    """Some factor takes all weights of a block to their levels, though single ones are far from their values."""
    array = weights()[4:]
    importance = np.random.default_rng(6).gamma(0.3, 1, 256).astype(np.float32) + np.float32(1e-4)
    raw = np.frombuffer(tuned(array, kind, importance).raw, np.uint8).reshape(-1, BLOCKS[kind].nbytes)
    assert outside(BLOCKS[kind].samples(raw), array) > 0
    levels, scales = BLOCKS[kind].steps(raw)
    np.testing.assert_allclose(levels * scales, BLOCKS[kind].samples(raw).values)
    blocks, top = array.reshape(levels.shape).astype(np.float64), 8 if kind == "Q4_0" else 16
    down = np.where(levels == -top, -np.inf, levels - 0.5) / blocks
    up = np.where(levels == top - 1, np.inf, levels + 0.5) / blocks
    low, high = np.minimum(down, up).max(axis=1), np.maximum(down, up).min(axis=1)
    assert (low <= high + 2e-6 * np.abs(high)).all()
