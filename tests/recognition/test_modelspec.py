"""What a header states is heard after the tensors, and before the place."""

from __future__ import annotations

import pytest

from catalog.vocabulary import Base, Kind, Trait
from tests.builders import shapes
from tests.recognition.telling import of, reason

NOTHING = {"x.weight": (4, 4)}


@pytest.mark.parametrize(
    ("architecture", "kind", "base"),
    [
        ("stable-diffusion-v1/lora", Kind.LORA, Base.SD_1),
        ("stable-diffusion-xl-v1-base/textual-inversion", Kind.EMBEDDING, Base.SDXL),
        ("stable-diffusion-v1/controlnet", Kind.CONTROLNET, Base.SD_1),
        ("flux-1-dev/lora", Kind.LORA, Base.FLUX),
        ("Flux.2-dev/lora", Kind.LORA, Base.FLUX_2),
        ("stable-diffusion-xl-v1-base/vae", Kind.VAE, Base.SDXL),
        ("something", Kind.UNKNOWN, Base.UNKNOWN),
    ],
)
def test_an_architecture_names_base_and_kind(architecture: str, kind: Kind, base: Base) -> None:
    found = of(NOTHING, {"modelspec.architecture": architecture})
    assert (found.kind, found.base) == (kind, base)


def test_the_refiner_is_not_the_base() -> None:
    found = of(shapes.vae(), {"modelspec.architecture": "stable-diffusion-xl-v1-refiner"})
    assert found.base is Base.SDXL_REFINER
    assert of(shapes.vae(), {"modelspec.architecture": "stable-diffusion-xl-v1-base"}).base is Base.SDXL


def test_tensors_say_more() -> None:
    found = of(shapes.SD_1, {"modelspec.architecture": "stable-diffusion-xl-v1-base/lora"})
    assert (found.kind, found.base) == (Kind.CHECKPOINT, Base.SD_1)
    assert {(one.about, one.value) for one in found.candidates} == {("kind", "lora"), ("base", "sdxl")}


def test_a_header_says_more_than_a_folder() -> None:
    found = of(NOTHING, {"modelspec.architecture": "stable-diffusion-v1/lora"}, path=b"models/VAE/x.safetensors")
    assert found.kind is Kind.LORA
    assert [(one.about, one.value) for one in found.candidates] == [("kind", "vae")]


def test_a_title_tells_how_it_was_distilled() -> None:
    found = of(shapes.SDXL, {"modelspec.title": "SDXL Turbo"})
    assert found.traits == (Trait.TURBO,)
    assert reason(found, "trait") == "turbo: the header states modelspec.title SDXL Turbo"


@pytest.mark.parametrize("stated", ["", 7, None, ["x"], {"a": 1}])
def test_what_is_no_text_says_nothing(stated: object) -> None:
    found = of(NOTHING, {"modelspec.architecture": stated, "modelspec.title": stated})  # type: ignore[dict-item]  # hostile
    assert (found.kind, found.base) == (Kind.UNKNOWN, Base.UNKNOWN)
