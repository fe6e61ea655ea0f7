"""What steers an image model is no image model, though it has the same blocks."""

from __future__ import annotations

import pytest

from catalog.vocabulary import Base, Kind, Trait
from tests.builders import shapes
from tests.recognition.telling import of, told

SD_3_BLOCK = {
    "transformer_blocks.0.attn.add_q_proj.weight": (1536, 1536),
    "pos_embed.proj.weight": (1536, 16, 2, 2),
}
QWEN = {
    "txt_norm.weight": (3584,),
    "img_in.weight": (3072, 64),
    "transformer_blocks.0.attn.add_q_proj.weight": (3072, 3072),
}
NETS: dict[str, tuple[Base, shapes.Shapes]] = {
    "original": (
        Base.SD_1,
        shapes.prefixed("control_model.", {**shapes.unet(768), "input_hint_block.0.weight": (16, 3, 3, 3)}),
    ),
    "without a prefix": (Base.SD_2, {**shapes.unet(1024), "input_hint_block.0.weight": (16, 3, 3, 3)}),
    "diffusers": (
        Base.SD_1,
        {**shapes.unet_diffusers(768), "controlnet_cond_embedding.conv_in.weight": (16, 3, 3, 3)},
    ),
    "sd 3": (Base.SD_3, {**SD_3_BLOCK, "pos_embed_input.proj.weight": (1536, 16, 2, 2)}),
    "flux of instantx": (
        Base.FLUX,
        {
            **shapes.FLUX_DIFFUSERS,
            "controlnet_x_embedder.weight": (3072, 64),
            "controlnet_blocks.0.weight": (3072, 3072),
        },
    ),
    "flux of xlabs": (
        Base.FLUX,
        {**shapes.FLUX, "controlnet_blocks.0.weight": (3072, 3072), "input_hint_block.0.weight": (16, 3, 3, 3)},
    ),
    "qwen image": (Base.QWEN_IMAGE, {**QWEN, "controlnet_x_embedder.weight": (3072, 64)}),
    "qwen image, fun": (
        Base.QWEN_IMAGE,
        {"control_img_in.weight": (3072, 132), "control_blocks.0.attn.to_q.weight": (3072, 3072)},
    ),
    "z-image, fun": (
        Base.Z_IMAGE,
        {"control_layers.0.attention.to_q.weight": (3840, 3840), "control_all_x_embedder.2-1.weight": (3840, 132)},
    ),
    "hunyuan dit": (Base.HUNYUAN_DIT, {"after_proj_list.18.bias": (1408,), "mlp_t5.0.weight": (8192, 2048)}),
    "lllite of sdxl": (
        Base.SDXL,
        {"lllite_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k.down.0.weight": (32, 2048)},
    ),
}


@pytest.mark.parametrize("name", NETS)
def test_a_controlnet_is_no_network_of_its_base(name: str) -> None:
    base, stated = NETS[name]
    found = of(stated)
    assert (found.kind, found.base) == (Kind.CONTROLNET, base)
    assert not [one for one in found.candidates if one.about == "kind"]


def test_without_the_hint_it_is_the_network() -> None:
    assert of(shapes.unet(1024)).kind is Kind.DIFFUSION_MODEL
    assert of(shapes.FLUX).kind is Kind.DIFFUSION_MODEL


@pytest.mark.parametrize(
    "stated",
    [
        {**NETS["flux of instantx"][1], "controlnet_mode_embedder.weight": (10, 3072)},
        {**NETS["original"][1], "task_embedding": (6, 320)},
        NETS["z-image, fun"][1],
    ],
)
def test_one_for_many_pictures_is_a_union(stated: shapes.Shapes) -> None:
    assert Trait.UNION in of(stated).traits


def test_the_light_one_says_so() -> None:
    assert of(NETS["lllite of sdxl"][1]).traits == (Trait.LLLITE,)


def test_the_one_for_inpainting_takes_a_mask_in() -> None:
    stated = {**NETS["sd 3"][1], "pos_embed_input.proj.weight": (1536, 17, 2, 2)}
    assert Trait.INPAINT in of(stated).traits
    stated = {**NETS["qwen image"][1], "controlnet_x_embedder.weight": (3072, 68)}
    assert Trait.INPAINT in of(stated).traits


def test_a_control_lora_is_no_lora() -> None:
    old = {"lora_controlnet": (), "input_hint_block.0.weight": (16, 3, 3, 3)}
    cross = "input_blocks.4.1.transformer_blocks.0.attn2.to_k"
    assert of({**old, f"{cross}.up": (640, 128), f"{cross}.down": (128, 2048)}).kind is Kind.CONTROL_LORA
    flux = {"img_in.lora_A.weight": (128, 128), "img_in.lora_B.weight": (3072, 128)}
    assert told(of(flux)) == ("control-lora", "flux")
    plain = {"img_in.lora_A.weight": (128, 64), "double_blocks.0.img_attn.qkv.lora_A.weight": (128, 3072)}
    assert told(of(plain)) == ("lora", "flux")
