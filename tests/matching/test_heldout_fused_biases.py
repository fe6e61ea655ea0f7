"""Fused biases: one changed value must not go unseen, whatever the precision and the names."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from catalog.vocabulary import SameModel
from tests.builders import BRAIN, HALF
from tests.builders.conversions import single
from tests.builders.conversions_precision import E4M3, E5M2, SINGLE, chain
from tests.matching import judging

Network = dict[str, npt.NDArray[np.float32]]

WIDTH = 96
NAMES = {"weight": "weight", "bias": "bias"}
TORCH = {"weight": "in_proj_weight", "bias": "in_proj_bias"}


def apart() -> Network:
    """Blocks with q, k and v of their own."""
    noise = np.random.default_rng(4)
    shapes: dict[str, tuple[int, ...]] = {}
    for block in range(3):
        for place in ("attn.to_q", "attn.to_k", "attn.to_v", "proj"):
            shapes[f"blocks.{block}.{place}.weight"] = (WIDTH, WIDTH)
            shapes[f"blocks.{block}.{place}.bias"] = (WIDTH,)
    return {name: noise.normal(0, 0.05, shape).astype(np.float32) for name, shape in shapes.items()}


def joined(network: Network, *, torch: bool) -> Network:
    """With one tensor for all three, as torch's own attention or as most others name it."""
    found = {name: array for name, array in network.items() if ".to_" not in name}
    for block in range(3):
        for leaf in ("weight", "bias"):
            place = f"attn.in_proj_{leaf}" if torch else f"attn.qkv.{leaf}"
            parts = [network[f"blocks.{block}.attn.to_{part}.{leaf}"] for part in "qkv"]
            found[f"blocks.{block}.{place}"] = np.concatenate(parts)
    return found


def changed(network: Network) -> Network:
    """One value of one bias."""
    bias = network["blocks.1.attn.to_k.bias"].copy()
    bias[5] += 0.02
    return network | {"blocks.1.attn.to_k.bias": bias}


@pytest.mark.parametrize("torch", [False, True])
@pytest.mark.parametrize(("left", "right"), [(SINGLE, SINGLE), (SINGLE, HALF), (HALF, BRAIN)])
def test_a_changed_bias_is_seen_where_the_others_are_fused(
    left: np.dtype[np.generic], right: np.dtype[np.generic], *, torch: bool
) -> None:
    network = apart()
    for other, wanted in ((network, SameModel.YES), (changed(network), SameModel.NO)):
        with (
            judging.held(single(chain(left)(network))) as one,
            judging.held(single(chain(right)(joined(other, torch=torch)))) as two,
        ):
            judged = judging.judge(one, two)
            back = judging.judge(two, one)
        assert judged.final.same_model is wanted
        assert back.final.same_model is wanted


@pytest.mark.parametrize("eight", [E4M3, E5M2])
def test_parts_are_told_apart_where_the_whole_is_in_eight_bits(eight: np.dtype[np.generic]) -> None:
    """Parts that come in another order than those of the whole."""
    network = dict(sorted(apart().items()))
    matrices = {name: array for name, array in joined(network, torch=False).items() if array.ndim > 1}
    fused = joined(network, torch=False) | chain(eight)(matrices)
    with judging.held(single(network)) as one, judging.held(single(fused)) as two:
        judged = judging.judge(one, two)
    assert judged.final.same_model is SameModel.YES
    assert judged.final.places


def test_a_changed_bias_under_names_that_do_not_say_where_it_belongs_is_no_proof() -> None:
    network = changed(apart())
    with (
        judging.held(single(apart())) as one,
        judging.held(
            single({name.replace(".qkv.bias", ".b"): each for name, each in joined(network, torch=False).items()})
        ) as two,
    ):
        judged = judging.judge(one, two)
    assert judged.quick.same_model is not SameModel.YES
    assert judged.final.same_model is not SameModel.YES
