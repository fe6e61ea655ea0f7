"""Each base of moving pictures is known by its network's own tensors; Wan's many builds by what was added."""

from __future__ import annotations

import pytest

from catalog.vocabulary import Base, Kind, Trait
from tests.builders import shapes
from tests.recognition.telling import of, reason


def wan(channels: int = 16, width: int = 5120) -> dict[str, tuple[int, ...]]:
    """Wan 2.1, or 2.2 with more channels."""
    return {
        "head.modulation": (1, 2, width),
        "head.head.weight": (64, width),
        "blocks.0.ffn.0.weight": (13824, width),
        "blocks.0.cross_attn.k.weight": (width, width),
        "patch_embedding.weight": (width, channels, 1, 2, 2),
    }


NETWORKS: dict[str, tuple[Base, shapes.Shapes]] = {
    "wan": (Base.WAN, wan()),
    "wan of diffusers": (
        Base.WAN,
        {
            "condition_embedder.text_embedder.linear_1.weight": (5120, 4096),
            "blocks.0.attn2.to_k.weight": (5120, 5120),
            "patch_embedding.weight": (5120, 16, 1, 2, 2),
        },
    ),
    "hunyuan video": (
        Base.HUNYUAN_VIDEO,
        {
            "txt_in.individual_token_refiner.blocks.0.norm1.weight": (3072,),
            "img_in.proj.weight": (3072, 16, 1, 2, 2),
            "double_blocks.0.img_attn.qkv.weight": (9216, 3072),
        },
    ),
    "hunyuan video of diffusers": (
        Base.HUNYUAN_VIDEO,
        {
            "context_embedder.token_refiner.refiner_blocks.0.attn.to_q.weight": (3072, 3072),
            "x_embedder.proj.weight": (3072, 16, 1, 2, 2),
            "single_transformer_blocks.0.attn.to_q.weight": (3072, 3072),
        },
    ),
    "hunyuan image": (
        Base.HUNYUAN_IMAGE,
        {
            "txt_in.individual_token_refiner.blocks.0.norm1.weight": (3584,),
            "img_in.proj.weight": (3584, 64, 1, 1),
            "double_blocks.0.img_attn.qkv.weight": (10752, 3584),
        },
    ),
    "ltx": (
        Base.LTX_VIDEO,
        {
            "adaln_single.emb.timestep_embedder.linear_1.weight": (2048, 256),
            "patchify_proj.weight": (2048, 128),
            "transformer_blocks.0.scale_shift_table": (6, 2048),
        },
    ),
    "mochi": (Base.MOCHI, {"t5_yproj.weight": (1536, 4096), "blocks.0.attn.qkv_x.weight": (9216, 3072)}),
    "cogvideox": (
        Base.COGVIDEOX,
        {
            "transformer_blocks.0.norm1.linear.weight": (11520, 512),
            "time_embedding.linear_1.weight": (512, 1920),
            "patch_embed.proj.weight": (1920, 16, 2, 2),
            "patch_embed.text_proj.weight": (1920, 4096),
        },
    ),
    "cosmos": (
        Base.COSMOS,
        {"blocks.block0.blocks.0.block.attn.to_q.0.weight": (4096, 4096), "x_embedder.proj.1.weight": (4096, 68)},
    ),
    "cosmos predict 2": (
        Base.COSMOS,
        {"blocks.0.mlp.layer1.weight": (8192, 2048), "x_embedder.proj.1.weight": (2048, 68)},
    ),
    "seedvr 2": (
        Base.SEEDVR_2,
        {"blocks.31.mlp.all.proj_in_gate.weight": (6912, 2560), "blocks.0.attn.proj_qkv.vid.weight": (7680, 2560)},
    ),
}


@pytest.mark.parametrize("prefix", ["", "model.diffusion_model."])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_is_known_below_any_prefix(name: str, prefix: str) -> None:
    base, stated = NETWORKS[name]
    found = of(shapes.prefixed(prefix, stated))
    assert (found.kind, found.base) == (Kind.DIFFUSION_MODEL, base)
    assert reason(found, "base")
    assert not [one for one in found.candidates if one.about == "base"]


def test_cosmos_predict_2_keeps_its_name_below_net() -> None:
    assert of(shapes.prefixed("net.", NETWORKS["cosmos predict 2"][1])).base is Base.COSMOS


@pytest.mark.parametrize(
    ("stated", "traits"),
    [
        (wan(), {Trait.TEXT_TO_VIDEO}),
        ({**wan(36), "img_emb.proj.0.bias": (1280,)}, {Trait.IMAGE_TO_VIDEO}),
        (wan(36), {Trait.IMAGE_TO_VIDEO, Trait.WAN_2_2}),
        (wan(48, 3072), {Trait.IMAGE_TO_VIDEO, Trait.TEXT_TO_VIDEO, Trait.WAN_2_2}),
        ({**wan(), "vace_patch_embedding.weight": (5120, 96, 1, 2, 2)}, {Trait.VACE}),
        (
            {**wan(36), "img_emb.proj.0.bias": (1280,), "face_adapter.fuser_blocks.0.k_norm.weight": (128,)},
            {Trait.ANIMATE, Trait.IMAGE_TO_VIDEO},
        ),
        ({**wan(), "casual_audio_encoder.encoder.final_linear.weight": (5120, 1024)}, {Trait.SPEECH_TO_VIDEO}),
    ],
)
def test_wan_is_told_by_what_it_takes_in(stated: shapes.Shapes, traits: set[Trait]) -> None:
    assert set(of(stated).traits) == traits


def test_a_video_model_with_sound_says_so() -> None:
    stated = {**NETWORKS["ltx"][1], "audio_adaln_single.linear.weight": (12288, 2048)}
    assert Trait.AUDIO in of(stated).traits


def test_the_pictures_that_cosmos_starts_from_are_told() -> None:
    stated = {**NETWORKS["cosmos predict 2"][1], "x_embedder.proj.1.weight": (2048, 72)}
    assert of(stated).traits == (Trait.IMAGE_TO_VIDEO,)
