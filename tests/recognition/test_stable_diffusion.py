"""What Stable Diffusion's U-Nets take in, and which of them they are."""

from __future__ import annotations

import pytest

from catalog.vocabulary import Base, Kind, Trait
from tests.builders import shapes
from tests.recognition.telling import of, reason


@pytest.mark.parametrize(
    ("context", "channels", "traits"),
    [
        (768, 4, ()),
        (768, 9, (Trait.INPAINT,)),
        (768, 8, (Trait.EDIT,)),
        (1024, 4, ()),
        (1024, 5, (Trait.DEPTH,)),
        (1024, 7, (Trait.UPSCALE,)),
        (1024, 9, (Trait.INPAINT,)),
    ],
)
def test_the_channels_that_a_unet_takes_in_tell_its_trait(
    context: int, channels: int, traits: tuple[Trait, ...]
) -> None:
    found = of(shapes.prefixed(shapes.LDM, shapes.unet(context, channels=channels)))
    assert found.base is (Base.SD_1 if context == 768 else Base.SD_2)
    assert found.traits == traits
    assert (f"input_blocks.0.0.weight is 320 x {channels} x 3 x 3" in reason(found, "trait")) is bool(traits)


def test_diffusers_names_tell_the_same() -> None:
    stated = {**shapes.unet_diffusers(768), "conv_in.weight": (320, 9, 3, 3)}
    assert of(stated).traits == (Trait.INPAINT,)


def test_sdxl_for_inpainting_is_one() -> None:
    stated = {**shapes.unet_xl(2048), "input_blocks.0.0.weight": (320, 9, 3, 3)}
    assert (of(stated).base, of(stated).traits) == (Base.SDXL, (Trait.INPAINT,))


def test_zero123_edits_no_picture() -> None:
    stated = {**shapes.prefixed(shapes.LDM, shapes.unet(768, channels=8)), "cc_projection.weight": (768, 772)}
    assert of(stated).traits == ()


def test_the_refiner_is_told_by_its_width() -> None:
    found = of(shapes.SDXL_REFINER)
    assert (found.kind, found.base, found.traits) == (Kind.CHECKPOINT, Base.SDXL_REFINER, (Trait.REFINER,))


def test_unclip_is_told_by_what_else_it_is_given() -> None:
    stated = {**shapes.unet(1024), "label_emb.0.0.weight": (1280, 2048)}
    assert of(stated).traits == (Trait.UNCLIP,)


def test_an_autoencoder_and_encoder_in_a_checkpoint_are_no_other_answers() -> None:
    for stated in (shapes.SD_1, shapes.SD_2, shapes.SDXL, shapes.SDXL_REFINER, shapes.SD_3):
        assert of(stated).candidates == ()
