"""Shapes that a converter changed and wrote down."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from catalog.fingerprints.positions import places
from catalog.fingerprints.shapes import restored
from catalog.fingerprints.sketch import plan
from catalog.fingerprints.values import ValueReader
from catalog.formats.base import TensorInfo
from tests.builders.quantisers import quantise

if TYPE_CHECKING:
    from catalog.formats.base import Json

KERNEL = (64, 40, 3, 3)
KEY = "comfy.gguf.orig_shape.conv.weight"


def test_a_kernel_is_sampled_and_read_in_its_own_shape() -> None:
    array = np.random.default_rng(2).normal(0, 0.02, KERNEL).astype(np.float32)
    raw = quantise(array.reshape(-1, 256), "Q4_K").raw
    metadata: dict[str, Json] = {KEY: list(KERNEL)}
    index = (TensorInfo("conv.weight", "Q4_K", (90, 256), 0, len(raw)),)
    values = ValueReader(index, metadata, lambda _, offset, length: raw[offset : offset + length])
    assert values.tensors[0].shape == KERNEL
    found = values.rows(0, 5, 11)
    expected = array.reshape(64, 360)[5:16]
    assert ((found.low <= expected) & (expected <= found.high)).all()
    made = plan(restored(index, metadata), metadata)
    (wanted,) = made.wanted
    pieces = np.frombuffer(raw, np.uint8)[wanted.offsets[:, None] + np.arange(wanted.length)]
    (samples,) = made.samples({0: pieces})
    sampled = array.reshape(-1)[places(KERNEL)]
    assert len(samples.values) == 100
    assert ((samples.low <= sampled) & (sampled <= samples.high)).all()


@pytest.mark.parametrize(
    "stated", [[64, 40, 3], [64, 40, 3, -3], [64, 40, 3, 3.0], [], "64", None, [64 * 40 * 9, True], [1] * 20]
)
def test_a_shape_of_other_values_is_none(stated: Json) -> None:
    index = (TensorInfo("conv.weight", "F16", (90, 256), 0, 46_080),)
    assert restored(index, {KEY: stated}) == index
    assert restored(index, {}) == index
