"""Classes in the configurations of diffusers, where tensors are shared or say nothing."""

from __future__ import annotations

import pytest

from catalog.vocabulary import Base, Kind, Trait
from tests.builders import shapes
from tests.recognition.telling import of

NOTHING = {"x.weight": (4, 4)}


@pytest.mark.parametrize(
    ("name", "base", "traits"),
    [
        ("StableDiffusionXLPipeline", Base.SDXL, set()),
        ("StableDiffusion3Pipeline", Base.SD_3, set()),
        ("FluxPipeline", Base.FLUX, set()),
        ("FluxFillPipeline", Base.FLUX, {Trait.FILL}),
        ("FluxKontextPipeline", Base.FLUX, {Trait.KONTEXT}),
        ("Flux2KleinPipeline", Base.FLUX_2, {Trait.KLEIN}),
        ("QwenImageEditPipeline", Base.QWEN_IMAGE, {Trait.EDIT}),
        ("WanImageToVideoPipeline", Base.WAN, {Trait.IMAGE_TO_VIDEO}),
        ("ZImagePipeline", Base.Z_IMAGE, set()),
        ("Kandinsky5T2VPipeline", Base.KANDINSKY_5, set()),
        ("KandinskyV22Pipeline", Base.KANDINSKY, set()),
        ("SomethingNewPipeline", Base.UNKNOWN, set()),
    ],
)
def test_a_pipeline_names_its_base(name: str, base: Base, traits: set[Trait]) -> None:
    found = of(NOTHING, {"model_index.json": {"_class_name": name}})
    assert (found.kind, found.base, set(found.traits)) == (Kind.CHECKPOINT, base, traits)


@pytest.mark.parametrize(
    ("name", "kind", "base"),
    [
        ("FluxTransformer2DModel", Kind.DIFFUSION_MODEL, Base.FLUX),
        ("Flux2Transformer2DModel", Kind.DIFFUSION_MODEL, Base.FLUX_2),
        ("UNet2DConditionModel", Kind.DIFFUSION_MODEL, Base.UNKNOWN),
        ("AutoencoderKLQwenImage", Kind.VAE, Base.QWEN_IMAGE),
        ("AutoencoderKLWan", Kind.VAE, Base.WAN),
        ("AutoencoderKL", Kind.VAE, Base.UNKNOWN),
        ("AutoencoderTiny", Kind.VAE_APPROX, Base.UNKNOWN),
        ("FluxControlNetModel", Kind.CONTROLNET, Base.FLUX),
        ("T2IAdapter", Kind.T2I_ADAPTER, Base.UNKNOWN),
        ("MotionAdapter", Kind.MOTION_MODULE, Base.UNKNOWN),
    ],
)
def test_a_part_names_what_it_is(name: str, kind: Kind, base: Base) -> None:
    found = of(NOTHING, {"config.json": {"_class_name": name}})
    assert (found.kind, found.base) == (kind, base)


def test_a_pipeline_is_no_part_of_itself() -> None:
    whole = {
        **shapes.prefixed("unet/", shapes.unet_diffusers(768)),
        **shapes.prefixed("vae/", shapes.vae()),
        **shapes.prefixed("text_encoder/", shapes.clip_text()),
    }
    found = of(whole, {"model_index.json": {"_class_name": "StableDiffusionPipeline"}})
    assert (found.kind, found.base, found.candidates) == (Kind.CHECKPOINT, Base.SD_1, ())


def test_a_class_that_the_tensors_contradict_is_a_candidate() -> None:
    found = of(shapes.FLUX, {"config.json": {"_class_name": "SD3Transformer2DModel"}})
    assert found.base is Base.FLUX
    assert [(one.about, one.value) for one in found.candidates] == [("base", "sd-3")]
