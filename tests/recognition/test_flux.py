"""FLUX, what was made of it, and what only shares its blocks."""

from __future__ import annotations

import pytest

from catalog.vocabulary import Base, Trait
from tests.builders import shapes
from tests.recognition.telling import of, reason

SCHNELL = {name: shape for name, shape in shapes.FLUX.items() if not name.startswith("guidance_in")}
KLEIN = {**shapes.FLUX_2, "txt_in.weight": (3072, 7680)}


@pytest.mark.parametrize(
    ("stated", "base", "traits"),
    [
        (shapes.FLUX, Base.FLUX, {Trait.DEV}),
        (SCHNELL, Base.FLUX, {Trait.SCHNELL}),
        ({**shapes.FLUX, "img_in.weight": (3072, 384)}, Base.FLUX, {Trait.DEV, Trait.FILL}),
        ({**shapes.FLUX, "img_in.weight": (3072, 128)}, Base.FLUX, {Trait.DEV, Trait.CONTROL}),
        (shapes.prefixed(shapes.LDM, shapes.FLUX), Base.FLUX, {Trait.DEV}),
        (shapes.FLUX_DIFFUSERS, Base.FLUX, {Trait.SCHNELL}),
        (
            {**shapes.FLUX_DIFFUSERS, "time_text_embed.guidance_embedder.linear_1.weight": (3072, 256)},
            Base.FLUX,
            {Trait.DEV},
        ),
        (shapes.CHROMA, Base.CHROMA, set()),
        ({**SCHNELL, "double_blocks.0.img_mlp.gate_proj.weight": (12288, 3072)}, Base.OVIS_IMAGE, set()),
        ({**SCHNELL, "txt_in.weight": (3072, 3584)}, Base.LONGCAT_IMAGE, set()),
        ({**SCHNELL, "txt_in.weight": (3072, 4096)}, Base.FLUX, {Trait.SCHNELL}),
        (KLEIN, Base.FLUX_2, {Trait.KLEIN}),
        ({**KLEIN, "txt_in.weight": (4096, 12288)}, Base.FLUX_2, {Trait.KLEIN}),
        ({**KLEIN, "txt_in.weight": (6144, 15360)}, Base.FLUX_2, {Trait.DEV}),
    ],
)
def test_each_is_known_by_what_it_takes_in(stated: shapes.Shapes, base: Base, traits: set[Trait]) -> None:
    found = of(stated)
    assert (found.base, set(found.traits)) == (base, traits)
    assert found.candidates == ()


def test_what_is_missing_is_said() -> None:
    assert reason(of(SCHNELL), "trait").startswith("schnell: ")
    assert "no tensor takes the guidance in" in reason(of(SCHNELL), "trait")


def test_hunyuan_video_is_no_flux() -> None:
    assert of(shapes.HUNYUAN_VIDEO).base is Base.HUNYUAN_VIDEO
    assert of(shapes.HUNYUAN_VIDEO).candidates == ()
