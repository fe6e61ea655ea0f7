"""The place speaks last: an answer that rests on it says so, and what it says beside others is a candidate."""

from __future__ import annotations

import pytest

from catalog.vocabulary import Base, Kind, Trait
from tests.builders import shapes
from tests.recognition.telling import of, reason

NOTHING = {"x.weight": (4, 4)}


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        (b"models/Lora/x.pt", Kind.LORA),
        (b"models/VAE-approx/x.pt", Kind.VAE_APPROX),
        (b"models/hypernetworks/x.pt", Kind.HYPERNETWORK),
        (b"models/style_models/x.pt", Kind.STYLE_MODEL),
        (b"models/GFPGAN/x.pth", Kind.FACE_RESTORER),
        (b"models/adetailer/x.pt", Kind.DETECTOR),
        (b"models/prompt_expansion/x/pytorch_model.bin", Kind.PROMPT_EXPANSION),
        (b"models/upscale_models/x.pth", Kind.UPSCALER),
        (b"x.pth", Kind.UNKNOWN),
        (b"models/\xff\xfe/x.pth", Kind.UNKNOWN),
    ],
)
def test_a_folder_names_a_kind(path: bytes, kind: Kind) -> None:
    found = of(NOTHING, path=path)
    assert found.kind is kind
    assert ("nothing in the file says it" in reason(found, "kind")) is (kind is not Kind.UNKNOWN)


def test_a_folder_that_the_tensors_contradict_is_a_candidate() -> None:
    found = of(shapes.lora_kohya(768), path=b"models/VAE/x.safetensors")
    assert found.kind is Kind.LORA
    assert [(one.about, one.value, one.text) for one in found.candidates] == [
        ("kind", "vae", "lies in a folder called VAE")
    ]


def test_a_folder_for_checkpoints_says_nothing_against_a_network_alone() -> None:
    assert of(shapes.FLUX, path=b"models/Stable-diffusion/flux.safetensors").candidates == ()


@pytest.mark.parametrize(
    ("name", "base"),
    [
        (b"sdxl_vae.safetensors", Base.SDXL),
        (b"my-sd15-vae.safetensors", Base.SD_1),
        (b"flux.1-ae.safetensors", Base.FLUX),
        (b"flux2-vae.safetensors", Base.FLUX_2),
        (b"vae-ft-mse-840000.safetensors", Base.UNKNOWN),
        (b"sdxlike.safetensors", Base.UNKNOWN),
        (b"flux/main/ae.safetensors", Base.FLUX),
        (b"influx/ae.safetensors", Base.UNKNOWN),
    ],
)
def test_words_of_a_name_are_whole_words(name: bytes, base: Base) -> None:
    assert of(shapes.vae(), path=b"models/vae/" + name).base is base


def test_a_trait_that_only_the_name_tells_is_a_candidate() -> None:
    found = of(shapes.SDXL, path=b"models/sdxl_turbo_1.0.safetensors")
    assert found.traits == ()
    assert [(one.about, one.value, one.text) for one in found.candidates] == [
        ("trait", "turbo", "the file's name or folder says turbo")
    ]
    wan = {"head.modulation": (1, 2, 5120), "blocks.0.ffn.0.weight": (8, 8), "patch_embedding.weight": (8, 36, 1, 2, 2)}
    found = of(wan, path=b"wan2.2_i2v_high_noise_14B_fp16.safetensors")
    assert set(found.traits) == {Trait.IMAGE_TO_VIDEO, Trait.WAN_2_2}
    assert [one.value for one in found.candidates if one.about == "trait"] == ["high-noise"]
