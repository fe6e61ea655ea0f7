"""Whole variants as files: checkpoints, folders, single components and LoRAs, beside one another."""

from __future__ import annotations

from contextlib import ExitStack
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pytest

from catalog.matching.whole import compare
from catalog.vocabulary import Relation, SameModel
from tests.builders import networks_diffusion, networks_lora, safetensors
from tests.matching.judging import held

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.matching.base import Evidence, Subject
    from tests.builders import Array, Tensors

VAE, TEXT = "first_stage_model.", "cond_stage_model."


@lru_cache(maxsize=4)
def checkpoint(seed: int = 1) -> Tensors:
    return networks_diffusion.checkpoint(seed)


def without(tensors: Mapping[str, Array], prefix: str) -> Tensors:
    return {name: array for name, array in tensors.items() if not name.startswith(prefix)}


def only(tensors: Mapping[str, Array], prefix: str) -> Tensors:
    return {name: array for name, array in tensors.items() if name.startswith(prefix)}


def half(tensors: Mapping[str, Array]) -> Tensors:
    return {name: array.astype(np.float16) if array.dtype == np.float32 else array for name, array in tensors.items()}


def bare(tensors: Mapping[str, Array], prefix: str) -> Tensors:
    return {name.removeprefix(prefix): array for name, array in only(tensors, prefix).items()}


def file(tensors: Mapping[str, Array]) -> dict[str, bytes]:
    return {"model.safetensors": safetensors(tensors)}


def folder(tensors: Mapping[str, Array]) -> dict[str, bytes]:
    parts = networks_diffusion.folder(tensors)
    found = {"model_index.json": b'{"_class_name": "StableDiffusionPipeline"}'}
    for part, inner in parts.items():
        name = "model" if part.startswith("text") else "diffusion_pytorch_model"
        found[f"{part}/{name}.safetensors"] = safetensors(inner)
        found[f"{part}/config.json"] = b'{"_class_name": "' + part.encode() + b'"}'
    return found


def beside(left: dict[str, bytes], right: dict[str, bytes]) -> Evidence:
    """What is said; and the mirror image of it is what is said the other way round."""
    with ExitStack() as stack:
        one, other = (stack.enter_context(held(files)).subject for files in (left, right))
        found = compare(one, other)
        mirrored = compare(other, one)
    assert mirrored.same_model is found.same_model
    assert mirrored.relation is _MIRRORED.get(found.relation, found.relation)
    return found


_MIRRORED = {Relation.CONTAINS: Relation.PART_OF, Relation.PART_OF: Relation.CONTAINS}


def subject_of(files: dict[str, bytes]) -> Subject:
    with held(files) as one:
        return one.subject


@pytest.mark.parametrize("kept", [folder, lambda tensors: folder(half(tensors)), lambda tensors: file(half(tensors))])
def test_a_checkpoint_and_its_conversion_are_one_model(kept: object) -> None:
    assert callable(kept)
    found = beside(file(checkpoint()), kept(checkpoint()))
    assert found.same_model is SameModel.YES, found
    assert found.relation in {Relation.SAME_WEIGHTS, Relation.OTHER_PRECISION}
    assert found.places


def test_sdxl_and_its_folder_are_one_model_down_to_the_fused_and_turned_projections() -> None:
    whole = networks_diffusion.checkpoint(3, networks_diffusion.SDXL)
    parts = networks_diffusion.folder(half(whole), networks_diffusion.SDXL)
    files = {f"{part}/model.safetensors": safetensors(tensors) for part, tensors in parts.items()}
    files |= {f"{part}/config.json": b"{}" for part in parts}
    found = beside(file(whole), {**files, "model_index.json": b"{}"})
    assert (found.relation, found.same_model, found.places) == (Relation.OTHER_PRECISION, SameModel.YES, True)
    assert found.proven > 0.9
    assert found.by_key == 1.0
    assert found.full


def test_ema_copies_and_the_optimiser_do_not_make_another_model() -> None:
    full: Tensors = dict(checkpoint())
    for name, array in checkpoint().items():
        if name.startswith("model.diffusion_model."):
            inner = name.removeprefix("model.").replace(".", "")
            full[f"model_ema.{inner}"] = array.astype(np.float64).astype(np.float32) * np.float32(1.01)
            full[f"optimizer.state.{name}.exp_avg"] = np.zeros_like(array)
    found = beside(file(full), file(half(checkpoint())))
    assert (found.relation, found.same_model) == (Relation.OTHER_PRECISION, SameModel.YES)


def test_a_checkpoint_contains_the_one_that_was_pruned_to_its_ema_copy() -> None:
    full: Tensors = dict(checkpoint())
    pruned: Tensors = dict(checkpoint())
    for name, array in checkpoint().items():
        if name.startswith("model.diffusion_model."):
            copy = array.astype(np.float32) * np.float32(1.01)
            full[f"model_ema.{name.removeprefix('model.').replace('.', '')}"] = copy
            pruned[name] = copy
    found = beside(file(full), file(half(pruned)))
    assert (found.relation, found.same_model) == (Relation.CONTAINS, SameModel.PARTIAL)
    assert ("model_ema", "model.diffusion_model") in {(one.left, one.right) for one in found.components}


def test_a_swapped_vae_shares_the_rest() -> None:
    swapped: Tensors = {**without(checkpoint(), VAE), **only(checkpoint(2), VAE)}
    for other in (file(swapped), folder(half(swapped))):
        found = beside(file(checkpoint()), other)
        assert (found.relation, found.same_model) == (Relation.SHARES_PARTS, SameModel.PARTIAL)


def test_a_dropped_text_encoder_makes_it_a_part() -> None:
    found = beside(file(checkpoint()), file(half(without(checkpoint(), TEXT))))
    assert (found.relation, found.same_model) == (Relation.CONTAINS, SameModel.PARTIAL)


def test_a_vae_alone_is_part_of_its_checkpoint() -> None:
    for vae in (bare(checkpoint(), VAE), half(networks_diffusion.folder(checkpoint())["vae"])):
        found = beside(file(vae), file(checkpoint()))
        assert (found.relation, found.same_model) == (Relation.PART_OF, SameModel.PARTIAL)


def test_a_unet_alone_is_part_of_its_checkpoint_and_of_its_folder() -> None:
    unet = bare(checkpoint(), "model.diffusion_model.")
    for whole in (file(half(checkpoint())), folder(checkpoint())):
        found = beside(file(unet), whole)
        assert (found.relation, found.same_model) == (Relation.PART_OF, SameModel.PARTIAL)


def test_a_file_without_known_prefixes_is_the_checkpoint_of_all_its_parts() -> None:
    plain: Tensors = {
        name.replace("model.diffusion_model.", "denoiser.").replace(VAE, "decoder.").replace(TEXT, "text."): array
        for name, array in checkpoint().items()
    }
    for whole in (file(half(checkpoint())), folder(half(checkpoint()))):
        found = beside(file(plain), whole)
        assert found.same_model is SameModel.YES, found
        assert found.relation is Relation.OTHER_PRECISION


def test_one_vae_in_two_checkpoints_does_not_make_them_one() -> None:
    other: Tensors = {**checkpoint(2), **only(checkpoint(), VAE)}
    found = beside(file(checkpoint()), file(half(other)))
    assert found.same_model is not SameModel.YES
    assert found.relation is Relation.SHARES_PARTS
    assert {(one.left, one.right) for one in found.components if one.relation is Relation.OTHER_PRECISION} == {
        ("first_stage_model", "first_stage_model")
    }


def test_a_lora_is_one_model_in_every_program_s_words() -> None:
    pairs = networks_lora.pairs(5)
    kohya = file(networks_lora.kohya(pairs))
    for other in (
        file(networks_lora.diffusers(pairs)),
        networks_lora.peft(pairs),
        file(half(networks_lora.kohya(pairs))),
        file(networks_lora.kohya(pairs, alpha=None)),
    ):
        found = beside(kohya, other)
        assert found.same_model is SameModel.YES, found


@pytest.mark.parametrize("alpha", [networks_lora.RANK / 2, networks_lora.RANK * 2])
def test_a_lora_with_another_alpha_is_another_model(alpha: float) -> None:
    pairs = networks_lora.pairs(5)
    kohya = file(networks_lora.kohya(pairs))
    for other in (
        file(networks_lora.kohya(pairs, alpha=alpha)),
        file(half(networks_lora.kohya(pairs, alpha=alpha))),
        networks_lora.peft(pairs, alpha=alpha),
    ):
        found = beside(kohya, other)
        assert (found.relation, found.same_model) == (Relation.DERIVED, SameModel.NO)
        assert [difference.name for difference in found.settings] == ["strength"]
