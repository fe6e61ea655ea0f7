"""Autoencoders: by tensors where they have their own, by a scaling factor or the file's name where they share them."""

from __future__ import annotations

import pytest

from catalog.vocabulary import Base, Kind
from tests.builders import shapes
from tests.recognition.telling import of, reason, told

OWN: dict[str, tuple[Base, shapes.Shapes]] = {
    "flux.2": (Base.FLUX_2, {**shapes.vae(32), "bn.running_mean": (128,)}),
    "hunyuan image": (
        Base.HUNYUAN_IMAGE,
        {"decoder.conv_in.weight": (1024, 64, 3, 3), "encoder.conv_in.weight": (128, 3, 3, 3)},
    ),
    "svd": (Base.SVD, {**shapes.vae(), "decoder.mid.block_1.mix_factor": (1,)}),
    "wan 2.2": (
        Base.WAN,
        {
            "decoder.upsamples.0.upsamples.0.residual.2.weight": (1024, 1024, 3, 3, 3),
            "decoder.middle.0.residual.0.gamma": (1024, 1, 1, 1),
            "conv2.weight": (48, 48, 1, 1, 1),
        },
    ),
    "ltx": (Base.LTX_VIDEO, {"decoder.up_blocks.0.res_blocks.0.conv1.conv.weight": (512, 512, 3, 3, 3)}),
    "hunyuan video": (Base.HUNYUAN_VIDEO, {"decoder.conv_in.conv.weight": (512, 16, 3, 3, 3)}),
    "mochi": (Base.MOCHI, {"decoder.blocks.2.blocks.3.stack.5.weight": (256, 256, 3, 3, 3)}),
    "cosmos": (Base.COSMOS, {"decoder.unpatcher3d.wavelets": (2,)}),
    "stable cascade": (Base.STABLE_CASCADE, {"vquantizer.codebook.weight": (8192, 4)}),
    "stable audio": (Base.STABLE_AUDIO, {"decoder.layers.1.layers.0.beta": (2048,)}),
    "ace step": (Base.ACE_STEP, {"vocoder.backbone.channel_layers.0.0.bias": (128,)}),
}


@pytest.mark.parametrize("prefix", ["", "vae."])
@pytest.mark.parametrize("name", OWN)
def test_those_with_tensors_of_their_own_are_known(name: str, prefix: str) -> None:
    base, stated = OWN[name]
    assert told(of(shapes.prefixed(prefix, stated))) == ("vae", base.value)


def test_wan_and_qwen_image_share_one_and_both_are_shown() -> None:
    stated = {"decoder.middle.0.residual.0.gamma": (384, 1, 1, 1), "conv2.weight": (16, 16, 1, 1, 1)}
    found = of(stated)
    assert told(found) == ("vae", "wan")
    assert [(one.about, one.value) for one in found.candidates] == [("base", "qwen-image")]


def test_a_small_network_with_layers_of_that_name_is_no_autoencoder() -> None:
    assert of({"conv1.weight": (28, 3, 3, 3), "conv2.weight": (48, 28, 3, 3)}).kind is Kind.UNKNOWN


def test_the_names_of_sd_1_tell_no_base() -> None:
    assert told(of(shapes.vae())) == ("vae", "unknown")
    assert told(of(shapes.vae(16))) == ("vae", "unknown")


def test_where_the_file_says_nothing_its_name_may() -> None:
    found = of(shapes.vae(), path=b"models/VAE/sdxl_vae.safetensors")
    assert told(found) == ("vae", "sdxl")
    assert reason(found, "base") == "the file's name or folder says sdxl; nothing in the file says it"


@pytest.mark.parametrize(
    "stated",
    [
        {"taesd_decoder.1.weight": (64, 4, 3, 3), "taesd_encoder.0.weight": (64, 3, 3, 3)},
        {"1.weight": (64, 4, 3, 3), "3.conv.0.weight": (64, 64, 3, 3)},
        {"0.weight": (64, 3, 3, 3), "1.conv.0.weight": (64, 64, 3, 3)},
        {"decoder.layers.1.weight": (64, 4, 3, 3), "encoder.layers.0.weight": (64, 3, 3, 3)},
        {"conv1.weight": (8, 4, 7, 7), "conv8.weight": (3, 8, 3, 3)},
    ],
)
def test_one_for_previews_is_no_whole_one(stated: shapes.Shapes) -> None:
    assert of(stated).kind is Kind.VAE_APPROX


def test_an_autoencoder_in_a_checkpoint_is_no_autoencoder() -> None:
    assert of(shapes.SD_1).kind is Kind.CHECKPOINT
