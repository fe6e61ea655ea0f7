"""Blocks that repeat: taken out, or turned in one place only; and components that changed places."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pytest

from catalog.matching.components import compare
from catalog.vocabulary import Relation, SameModel
from tests.builders import networks, safetensors
from tests.builders.prints import fingerprint
from tests.matching.judging import held, judge

if TYPE_CHECKING:
    from catalog.fingerprints.base import Fingerprint
    from tests.builders import Array, Tensors

LAYERS, WIDTH = 24, 32
KINDS = ("attn.q", "attn.o", "mlp.up")


@lru_cache(maxsize=1)
def deep() -> Tensors:
    random = np.random.default_rng(2)
    found: Tensors = {"embed.weight": random.normal(0, 1, (100, WIDTH)).astype(np.float32)}
    for layer in range(LAYERS):
        for kind in KINDS:
            rows = 2 * WIDTH if kind == "mlp.up" else WIDTH
            found[f"layers.{layer}.{kind}.weight"] = random.normal(0, 1, (rows, WIDTH)).astype(np.float32)
    return found


def without(layer: int, *, moved: bool = False, names: str = "layers.{}.{}.weight") -> dict[str, Array]:
    """In f16, without a layer. `moved`: those after it are counted anew."""
    found: dict[str, Array] = {"embed.weight": deep()["embed.weight"].astype(np.float16)}
    for at in range(LAYERS):
        for kind in KINDS:
            if at != layer:
                name = names.format(at - (moved and at > layer), kind)
                found[name] = deep()[f"layers.{at}.{kind}.weight"].astype(np.float16)
    return found


def whole() -> Fingerprint:
    return fingerprint(deep())


@pytest.mark.parametrize("layer", [0, 10, LAYERS - 2])
def test_a_model_from_which_a_layer_was_taken_is_not_the_whole(layer: int) -> None:
    for moved, names in ((False, "layers.{}.{}.weight"), (True, "blk.{}.{}_proj")):
        rest = fingerprint(without(layer, moved=moved, names=names))
        assert compare(whole(), rest)[0].relation is Relation.CONTAINS
        assert compare(rest, whole())[0].relation is Relation.PART_OF
    told = compare(whole(), fingerprint(without(layer, moved=True)))[0].relation
    assert told in {Relation.REARRANGED, Relation.CONTAINS}


def test_the_last_layer_may_be_left_out() -> None:
    assert compare(whole(), fingerprint(without(LAYERS - 1)))[0].relation is Relation.OTHER_PRECISION


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_a_square_matrix_that_is_turned_in_one_layer_only_is_rearranged(dtype: type) -> None:
    name = "layers.5.attn.q.weight"
    changed: dict[str, Array] = {each: array.astype(dtype) for each, array in deep().items()}
    changed[name] = np.ascontiguousarray(changed[name].T)
    assert compare(whole(), fingerprint(changed))[0].relation is Relation.REARRANGED


def test_a_layout_turns_all_matrices_of_a_kind_and_symmetric_ones_do_not_matter() -> None:
    base = dict(deep())
    name = "layers.5.attn.q.weight"
    base[name] = np.add(base[name], base[name].T)
    turned = {each: np.ascontiguousarray(array.T) if "attn" in each else array for each, array in base.items()}
    assert compare(fingerprint(base), fingerprint(turned))[0].relation is Relation.SAME_WEIGHTS


def pipeline(dtype: type, *encoders: int) -> dict[str, bytes]:
    """A denoiser and text encoders of one architecture, each from a seed."""
    parts = {"unet/diffusion_pytorch_model": networks.bert(9, hidden=96, inner=192, layers=2, tokens=128).tensors}
    for at, seed in enumerate(encoders, 1):
        name = f"text_encoder{f'_{at}' if at > 1 else ''}/model"
        parts[name] = networks.bert(seed, hidden=64, inner=128, layers=2, tokens=128).tensors
    files = {
        f"{part}.safetensors": safetensors({name: array.astype(dtype) for name, array in tensors.items()})
        for part, tensors in parts.items()
    }
    return files | {"model_index.json": b'{"_class_name": "StableDiffusionXLPipeline"}'}


@pytest.mark.parametrize(
    ("others", "dtype", "relation", "same"),
    [
        ((1, 2), np.float16, Relation.OTHER_PRECISION, SameModel.YES),
        ((2, 1), np.float32, Relation.REARRANGED, SameModel.NO),
        ((2, 1), np.float16, Relation.REARRANGED, SameModel.NO),
        ((1, 1), np.float16, Relation.SHARES_PARTS, SameModel.PARTIAL),
    ],
)
def test_text_encoders_that_changed_places_make_another_model(
    others: tuple[int, ...], dtype: type, relation: Relation, same: SameModel
) -> None:
    with held(pipeline(np.float32, 1, 2)) as left, held(pipeline(dtype, *others)) as right:
        final = judge(left, right).final
    assert (final.relation, final.same_model) == (relation, same)


def test_two_equal_text_encoders_are_each_beside_its_namesake() -> None:
    with held(pipeline(np.float32, 1, 1)) as left, held(pipeline(np.float16, 1, 1)) as right:
        final = judge(left, right).final
    assert (final.relation, final.same_model) == (Relation.OTHER_PRECISION, SameModel.YES)
