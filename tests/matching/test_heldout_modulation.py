"""The last modulation of Flux and SD 3, whose halves diffusers' converters exchange."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from catalog.vocabulary import SameModel
from tests.builders import BRAIN, HALF
from tests.builders.conversions import single
from tests.builders.conversions_precision import SINGLE, chain
from tests.matching import judging

HIDDEN = 64


def transformer() -> dict[str, npt.NDArray[np.float32]]:
    """A few blocks in diffusers' names."""
    noise = np.random.default_rng(3)
    shapes: dict[str, tuple[int, ...]] = {
        "norm_out.linear.weight": (2 * HIDDEN, HIDDEN),
        "norm_out.linear.bias": (2 * HIDDEN,),
    }
    for block in range(3):
        for place in ("attn.to_q", "attn.to_out.0", "ff.net.2"):
            shapes[f"transformer_blocks.{block}.{place}.weight"] = (4 * HIDDEN, HIDDEN)
            shapes[f"transformer_blocks.{block}.{place}.bias"] = (4 * HIDDEN,)
    return {name: noise.normal(0, 0.05, shape).astype(np.float32) for name, shape in shapes.items()}


def original(network: dict[str, npt.NDArray[np.float32]]) -> dict[str, npt.NDArray[np.float32]]:
    """As its makers name it."""
    names = {"attn.to_q": "img_attn.q", "attn.to_out.0": "img_attn.proj", "ff.net.2": "img_mlp.2"}
    renamed = {}
    for name, array in network.items():
        other = name.replace("transformer_blocks", "double_blocks")
        for old, new in names.items():
            other = other.replace(old, new)
        final = name.startswith("norm_out")
        other = other.replace("norm_out.linear", "final_layer.adaLN_modulation.1")
        renamed[other] = np.roll(array, HIDDEN, axis=0) if final else array
    return renamed


@pytest.mark.parametrize("kind", [SINGLE, HALF, BRAIN])
def test_exchanged_halves_are_the_same_weights(kind: np.dtype[np.generic]) -> None:
    network = transformer()
    with (
        judging.held(single(network)) as one,
        judging.held(single(chain(kind)(original(network)))) as other,
    ):
        judged = judging.judge(one, other)
    assert judged.quick.same_model is SameModel.YES
    assert judged.final.same_model is SameModel.YES
