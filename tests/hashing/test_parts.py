"""The parts of a model by the names of its tensors."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from catalog.formats.base import TensorInfo
from catalog.hashing.parts import REST, components, is_weight


def test_a_checkpoint_falls_into_its_parts() -> None:
    names = [
        "model.diffusion_model.input_blocks.0.0.weight",
        "first_stage_model.encoder.conv_in.weight",
        "cond_stage_model.transformer.x",
        "conditioner.embedders.0.transformer.x",
        "conditioner.embedders.1.model.x",
        "text_encoders.t5xxl.transformer.x",
        "text_encoders.clip_l.transformer.x",
        "vae.decoder.x",
        "model_ema.decay",
        "alphas_cumprod",
    ]
    assert components(names) == {
        REST: (9,),
        "cond_stage_model": (2,),
        "conditioner.embedders.0": (3,),
        "conditioner.embedders.1": (4,),
        "first_stage_model": (1,),
        "model.diffusion_model": (0,),
        "model_ema": (8,),
        "text_encoders.clip_l": (6,),
        "text_encoders.t5xxl": (5,),
        "vae": (7,),
    }


def test_a_file_without_known_prefixes_is_one_part() -> None:
    assert components(["model.layers.0.weight", "vaeish", "lm_head.weight"]) == {REST: (0, 1, 2)}


def test_the_folders_of_a_pipeline_are_its_parts() -> None:
    names, folders = ["conv_in.weight", "conv_in.weight", "vae.x"], ["unet", "vae", ""]
    assert components(names, folders) == {"unet": (0,), "vae": (1, 2)}


@given(st.lists(st.sampled_from(["vae.a", "a", "model_ema.b", "conditioner.embedders.2.x", "model.diffusion_model"])))
def test_every_tensor_is_in_exactly_one_part(names: list[str]) -> None:
    found = [index for indices in components(names).values() for index in indices]
    assert sorted(found) == list(range(len(names)))


def test_a_noise_schedule_is_a_vector_and_no_weight() -> None:
    for shape in ((1000,), (1, 1000, 1), ()):
        assert not is_weight(TensorInfo("model.alphas", "F32", shape, 0, 0))
    assert is_weight(TensorInfo("model.alphas", "F32", (40, 25), 0, 0))
