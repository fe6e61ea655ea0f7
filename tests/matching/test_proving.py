"""What digests alone prove, and what they do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from catalog.matching.proving import prove
from catalog.vocabulary import Certainty, Direction, Doubt, Relation, SameModel, TensorVerdict
from tests.matching.subjects import BRAIN, network, renamed, subject, values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.matching.subjects import Array

    Tensors = dict[str, Array]


def cast(tensors: Mapping[str, Array], dtype: object) -> Tensors:
    return {name: array.astype(dtype) for name, array in tensors.items()}  # type: ignore[call-overload] # any dtype


def test_equal_bytes_are_identical_whatever_else_is_known() -> None:
    found = prove(subject({}, content=b"1" * 32), subject({"": network()}, content=b"1" * 32))
    assert found is not None
    assert (found.relation, found.certainty, found.same_model) == (
        Relation.IDENTICAL, Certainty.PROVEN, SameModel.YES
    )  # fmt: skip


def test_unknown_contents_are_not_identical() -> None:
    assert prove(subject({}), subject({})) is None


@pytest.mark.parametrize("whole", [True, False])
def test_the_same_tensors_under_the_same_names_are_proven(*, whole: bool) -> None:
    one, other = subject({"": network()}, whole=whole), subject({"": network()}, whole=whole)
    found = prove(one, other)
    assert found is not None
    assert (found.relation, found.same_model, found.places) == (Relation.SAME_TENSORS, SameModel.YES, True)
    assert found.proven == 1.0
    assert found.values_compared == sum(array.size for array in network().values())
    assert {row.verdict for row in found.rows} == {TensorVerdict.EQUAL}
    assert all(row.left == row.right and row.compared == row.of for row in found.rows)


def test_position_ids_that_only_one_has_do_not_make_other_tensors() -> None:
    with_ids: Tensors = {**network(), "embeddings.position_ids": np.arange(300)}
    found = prove(subject({"": network()}), subject({"": with_ids}))
    assert found is not None
    assert found.relation is Relation.SAME_TENSORS


@pytest.mark.parametrize("whole", [True, False])
def test_the_same_weights_under_other_names_are_proven(*, whole: bool) -> None:
    one, other = subject({"": network()}, whole=whole), subject({"": renamed(network())}, whole=whole)
    found = prove(one, other)
    assert found is not None
    assert (found.relation, found.same_model, found.places) == (Relation.SAME_WEIGHTS, SameModel.YES, True)
    assert {(row.left, row.right) for row in found.rows} == set(zip(network(), renamed(network()), strict=True))


@pytest.mark.parametrize("dtype", [np.float16, BRAIN])
def test_an_exact_cast_is_proven_with_its_direction(dtype: object) -> None:
    wide, narrow = subject({"": network()}), subject({"": renamed(cast(network(), dtype))})
    found = prove(wide, narrow)
    assert found is not None
    assert (found.relation, found.certainty, found.same_model) == (
        Relation.OTHER_PRECISION, Certainty.PROVEN, SameModel.YES
    )  # fmt: skip
    assert found.direction is Direction.RIGHT_FROM_LEFT
    assert {row.verdict for row in found.rows} == {TensorVerdict.ROUNDED}
    back = prove(narrow, wide)
    assert back is not None
    assert back.direction is Direction.LEFT_FROM_RIGHT


def test_a_cast_of_the_matrices_alone_is_a_cast() -> None:
    mixed = {name: array.astype(np.float16) if array.ndim > 1 else array for name, array in network().items()}
    found = prove(subject({"": network()}), subject({"": mixed}))
    assert found is not None
    assert (found.relation, found.direction) == (Relation.OTHER_PRECISION, Direction.RIGHT_FROM_LEFT)
    assert {row.verdict for row in found.rows} == {TensorVerdict.ROUNDED, TensorVerdict.EQUAL}


def test_f16_values_kept_as_f32_are_a_cast_without_direction() -> None:
    half = cast(network(), np.float16)
    found = prove(subject({"": half}), subject({"": cast(half, np.float32)}))
    assert found is not None
    assert (found.relation, found.direction) == (Relation.OTHER_PRECISION, Direction.NONE)


def test_f16_and_bf16_of_one_parent_prove_nothing_without_it() -> None:
    half, brain = cast(network(), np.float16), cast(network(), BRAIN)
    assert prove(subject({"": half}), subject({"": brain})) is None


def test_two_f32_files_that_agree_only_when_rounded_are_not_the_same() -> None:
    other = {name: np.nextafter(array, np.float32(1)) for name, array in network().items()}
    same = [
        np.array_equal(other[name].astype(np.float16), array.astype(np.float16)) for name, array in network().items()
    ]
    assert any(same)
    name = next(name for name, equal in zip(network(), same, strict=True) if equal)
    changed = {**network(), name: other[name]}
    assert prove(subject({"": network()}), subject({"": changed})) is None


def test_a_rounded_copy_beside_each_of_two_f32_tensors_makes_them_no_cast() -> None:
    array = values(20, 20)
    nearly = array.copy()
    nearly[0, 0] = np.nextafter(nearly[0, 0], np.float32(1))
    half = array.astype(np.float16)
    assert np.array_equal(half, nearly.astype(np.float16))
    one: Tensors = {**network(), "a": array, "h": half}
    other: Tensors = {**network(), "a": nearly, "h": half}
    assert prove(subject({"": one}), subject({"": other})) is None


def test_one_changed_tensor_is_enough_for_no_proof() -> None:
    changed = cast(network(), np.float16)
    changed["layers.1.mlp.weight"] = (values(24, 25, seed=99)).astype(np.float16)
    assert prove(subject({"": network()}), subject({"": changed})) is None


def test_a_missing_or_additional_tensor_is_no_proof() -> None:
    more: Tensors = {**cast(network(), np.float16), "head.weight": values(30, 24).astype(np.float16)}
    assert prove(subject({"": network()}), subject({"": more})) is None
    assert prove(subject({"": more}), subject({"": network()})) is None


def test_a_tied_embedding_stored_once_or_twice_is_the_same() -> None:
    once: Tensors = {**network(), "embed.weight": values(40, 24)}
    twice: Tensors = {**once, "lm_head.weight": values(40, 24)}
    found = prove(subject({"": once}), subject({"": twice}))
    assert found is not None
    assert (found.relation, found.same_model, found.places) == (Relation.SAME_WEIGHTS, SameModel.YES, True)
    assert [row.right for row in found.rows if row.verdict is TensorVerdict.ONLY_RIGHT] == ["lm_head.weight"]


def test_a_head_beside_the_model_does_not_hide_that_names_are_equal() -> None:
    """All names of the one begin with `model.`, which says nothing; of the other one does not."""
    once: Tensors = {f"model.{name}": array for name, array in network(1).items()}
    twice: Tensors = {**once, "lm_head.weight": once["model.layers.0.mlp.weight"]}
    found = prove(subject({"": once}), subject({"": twice}))
    assert found is not None
    assert (found.same_model, found.places) == (SameModel.YES, True)


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_two_swapped_tensors_are_another_model(dtype: object) -> None:
    swapped = cast(network(), dtype)
    one, other = "layers.0.attn.weight", "layers.2.attn.weight"
    swapped[one], swapped[other] = swapped[other], swapped[one]
    found = prove(subject({"": network()}), subject({"": swapped}))
    assert found is not None
    assert (found.relation, found.same_model) == (Relation.REARRANGED, SameModel.NO)
    assert not found.places


def test_a_layer_that_is_a_copy_of_another_one_is_another_model() -> None:
    """Both hold the same set of tensors; only which name has which differs."""
    one: Tensors = {**network(), "x": network()["layers.0.attn.weight"], "y": network()["layers.0.attn.weight"]}
    other: Tensors = {**network(), "x": network()["layers.0.attn.weight"], "y": network()["layers.1.attn.weight"]}
    found = prove(subject({"": one}), subject({"": other}))
    assert found is not None
    assert found.relation is Relation.REARRANGED


def test_names_that_say_nothing_leave_the_places_open() -> None:
    order = np.random.default_rng(3).permutation(len(network()))
    nameless: Tensors = {"qkzwxvjyp"[order[at]]: array for at, array in enumerate(network().values())}
    found = prove(subject({"": network()}), subject({"": nameless}))
    assert found is not None
    assert (found.relation, found.same_model) == (Relation.SAME_WEIGHTS, SameModel.YES)
    assert (found.places, found.doubt) == (False, Doubt.PLACES)


def test_two_swapped_layers_of_two_are_another_model() -> None:
    swapped: Tensors = {
        name.replace("layers.0", "layers.2").replace("layers.1", "layers.0").replace("layers.2", "layers.1"): array
        for name, array in network(2).items()
    }
    found = prove(subject({"": {**network(2), "head": values(9, 9)}}), subject({"": {**swapped, "head": values(9, 9)}}))
    assert found is not None
    assert (found.relation, found.same_model) == (Relation.REARRANGED, SameModel.NO)


def test_tensors_of_which_each_has_its_own_size_need_no_names() -> None:
    sizes = {name: values(9, 9 + at) for at, name in enumerate(network())}
    nameless: Tensors = {f"n{at * 7 % 9}": array for at, array in enumerate(sizes.values())}
    found = prove(subject({"": sizes}), subject({"": nameless}))
    assert found is not None
    assert (found.relation, found.same_model, found.places) == (Relation.SAME_WEIGHTS, SameModel.YES, True)


def test_the_same_bytes_under_turned_axes_are_not_proven() -> None:
    turned: Tensors = {**network(), "layers.0.mlp.weight": network()["layers.0.mlp.weight"].reshape(25, 24)}
    assert prove(subject({"": network()}), subject({"": turned})) is None


def test_a_convolution_of_one_pixel_is_its_matrix() -> None:
    conv: Tensors = {
        name: array.reshape(*array.shape, 1, 1) if array.ndim > 1 else array for name, array in network().items()
    }
    found = prove(subject({"": network()}), subject({"": conv}))
    assert found is not None
    assert found.relation is Relation.SAME_WEIGHTS
    assert {row.mapped.value for row in found.rows} == {"", "reshaped"}


def test_ema_copies_and_optimiser_state_do_not_count() -> None:
    ema: Tensors = {f"model_ema.{name.replace('.', '')}": array + np.float32(1e-3) for name, array in network().items()}
    state: Tensors = {f"optimizer.state.{name}.exp_avg": array for name, array in network(seed=7).items()}
    full = subject({"": network(), "model_ema": ema, "rest": state})
    found = prove(full, subject({"": cast(network(), np.float16)}))
    assert found is not None
    assert found.relation is Relation.OTHER_PRECISION
    assert found.same_model is SameModel.YES


def test_an_empty_tensor_that_marks_a_setting_is_no_weight() -> None:
    marked: Tensors = {**cast(network(), np.float16), "v_pred": np.empty(0, np.float32)}
    found = prove(subject({"": network()}), subject({"": marked}))
    assert found is not None
    assert (found.relation, found.same_model) == (Relation.OTHER_PRECISION, SameModel.YES)


def test_a_safety_checker_does_not_count() -> None:
    folder = subject({"unet": {f"unet/{n}": a for n, a in network().items()}, "safety_checker": network(seed=5)})
    found = prove(folder, subject({"model.diffusion_model": renamed(network())}))
    assert found is not None
    assert (found.relation, found.same_model) == (Relation.SAME_WEIGHTS, SameModel.YES)


def test_parts_are_brought_together_by_what_they_hold() -> None:
    file = {"model.diffusion_model": renamed(network()), "first_stage_model": renamed(network(seed=1))}
    folder = {
        part: {f"{part}/{name}": array for name, array in network(seed=seed).items()}
        for part, seed in (("unet", 0), ("vae", 1))
    }
    found = prove(subject(file), subject(folder))
    assert found is not None
    assert {(one.left, one.right) for one in found.components} == {
        ("model.diffusion_model", "unet"), ("first_stage_model", "vae")
    }  # fmt: skip
    assert found.places


def test_zero_biases_of_many_parts_do_not_confuse_the_places() -> None:
    zeros: Tensors = {f"layers.{at}.bias": np.zeros(24, np.float32) for at in range(3)}
    parts = {"unet": {**network(), **zeros}, "vae": {**network(seed=1), **zeros}}
    folder = {part: {f"{part}/{name}": array for name, array in tensors.items()} for part, tensors in parts.items()}
    half = {part: cast(tensors, np.float16) for part, tensors in folder.items()}
    found = prove(subject(folder), subject(half))
    assert found is not None
    assert (found.relation, found.places) == (Relation.OTHER_PRECISION, True)
    assert all(row.left == row.right for row in found.rows)
    assert {(one.left, one.right) for one in found.components} == {("unet", "unet"), ("vae", "vae")}
