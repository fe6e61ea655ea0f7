"""A LoRA is known by its endings, its base by the layers that it changes; a trainer's words come after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from catalog.vocabulary import Base, Kind, Trait
from tests.builders import shapes
from tests.recognition.telling import of, reason

if TYPE_CHECKING:
    from catalog.formats.base import Json


def peft(layer: str, inputs: int, outputs: int = 0, rank: int = 16) -> shapes.Shapes:
    """A layer's two matrices under PEFT's names."""
    return {f"{layer}.lora_A.weight": (rank, inputs), f"{layer}.lora_B.weight": (outputs or inputs, rank)}


def kohya(layer: str, inputs: int, outputs: int = 0, rank: int = 16) -> shapes.Shapes:
    """The same under kohya's."""
    return {f"{layer}.lora_down.weight": (rank, inputs), f"{layer}.lora_up.weight": (outputs or inputs, rank)}


CROSS = "lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k"
DOUBLE = "diffusion_model.double_blocks.0"

LAYERS: dict[str, tuple[Base, shapes.Shapes]] = {
    "sd 1 of kohya": (Base.SD_1, shapes.lora_kohya(768)),
    "sd 1, original names": (Base.SD_1, kohya(CROSS, 768, 640)),
    "sd 1 of diffusers, old": (
        Base.SD_1,
        {"unet.down_blocks.0.attentions.0.transformer_blocks.0.attn2.processor.to_k_lora.down.weight": (4, 768)},
    ),
    "sd 1, its encoder alone": (
        Base.SD_1,
        kohya("lora_te_text_model_encoder_layers_0_self_attn_q_proj", 768),
    ),
    "sd 2 of kohya": (Base.SD_2, shapes.lora_kohya(1024)),
    "sdxl of kohya": (Base.SDXL, shapes.lora_kohya(2048)),
    "sdxl of peft": (
        Base.SDXL,
        peft("unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k", 2048, 640),
    ),
    "sdxl, its encoder alone": (
        Base.SDXL,
        kohya("lora_te2_text_model_encoder_layers_0_self_attn_q_proj", 1280),
    ),
    "flux of kohya": (Base.FLUX, kohya("lora_unet_double_blocks_0_img_attn_qkv", 3072, 9216)),
    "flux of peft": (Base.FLUX, peft("transformer.single_transformer_blocks.0.attn.to_q", 3072)),
    "flux of xlabs": (Base.FLUX, {"double_blocks.0.processor.qkv_lora1.down.weight": (16, 3072)}),
    "flux.2 klein 9b": (Base.FLUX_2, peft(f"{DOUBLE}.img_attn.proj", 4096)),
    "flux.2 klein 4b": (Base.FLUX_2, peft(f"{DOUBLE}.img_mlp.0", 3072, 18432)),
    "flux.2 dev": (Base.FLUX_2, peft(f"{DOUBLE}.img_attn.proj", 6144)),
    "flux.2 of diffusers": (
        Base.FLUX_2,
        peft("transformer.single_transformer_blocks.0.attn.to_qkv_mlp_proj", 3072, 27648),
    ),
    "chroma": (
        Base.CHROMA,
        {
            **kohya("lora_unet_distilled_guidance_layer_in_proj", 64, 5120),
            **kohya("lora_unet_double_blocks_0_img_attn_qkv", 3072),
        },
    ),
    "sd 3": (Base.SD_3, kohya("lora_unet_joint_blocks_0_x_block_attn_qkv", 1536, 4608)),
    "sd 3 of peft": (Base.SD_3, peft("transformer.transformer_blocks.0.attn.to_q", 1536)),
    "qwen image": (Base.QWEN_IMAGE, peft("transformer_blocks.0.img_mlp.net.2", 12288, 3072)),
    "qwen image, deep": (
        Base.QWEN_IMAGE,
        {
            **peft("transformer.transformer_blocks.0.attn.to_q", 3072),
            **peft("transformer.transformer_blocks.59.attn.to_q", 3072),
        },
    ),
    "z-image": (Base.Z_IMAGE, peft("diffusion_model.layers.0.attention.to_q", 3840)),
    "lumina 2": (Base.LUMINA_2, kohya("lora_unet_layers_0_attention_qkv", 2304)),
    "wan": (Base.WAN, peft("diffusion_model.blocks.0.cross_attn.k", 5120)),
    "wan of musubi": (Base.WAN, kohya("lora_unet_blocks_0_self_attn_q", 1536)),
    "wan of diffusers": (Base.WAN, peft("transformer.blocks.0.attn1.to_q", 5120)),
    "hunyuan video": (Base.HUNYUAN_VIDEO, kohya("lora_unet_double_blocks_0_img_mlp_fc1", 3072, 12288)),
    "ltx": (Base.LTX_VIDEO, peft("transformer.transformer_blocks.0.attn2.to_k", 2048)),
    "pixart": (Base.PIXART, peft("transformer.transformer_blocks.0.attn2.to_k", 1152)),
    "hidream": (Base.HIDREAM, peft("diffusion_model.double_stream_blocks.0.block.attn1.to_q", 2560)),
    "auraflow": (Base.AURAFLOW, peft("transformer.joint_transformer_blocks.0.attn.to_q", 3072)),
    "cosmos": (Base.COSMOS, peft("diffusion_model.blocks.0.cross_attn.k_proj", 1024, 2048)),
    "anima": (Base.ANIMA, peft("diffusion_model.llm_adapter.blocks.0.cross_attn.q_proj", 1024)),
    "anima, with its encoder": (
        Base.ANIMA,
        {
            **kohya("lora_unet_blocks_0_cross_attn_k_proj", 1024, 2048),
            **kohya("lora_te_layers_0_self_attn_q_proj", 1024),
        },
    ),
    "krea 2": (Base.KREA_2, kohya("lora_unet_blocks_0_attn_wq", 6144)),
    "flux of diffusers, no single blocks": (Base.FLUX, peft("transformer.transformer_blocks.0.ff.net.2", 12288, 3072)),
    "sdxl without cross attention": (
        Base.SDXL,
        kohya("lora_unet_input_blocks_7_1_transformer_blocks_9_attn1_to_q", 1280),
    ),
    "mochi": (Base.MOCHI, peft("transformer.transformer_blocks.0.attn1.add_q_proj", 1536)),
    "cogvideox": (
        Base.COGVIDEOX,
        {
            **peft("transformer.transformer_blocks.0.attn1.to_q", 3072),
            **peft("transformer.transformer_blocks.41.attn1.to_q", 3072),
        },
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_the_layers_that_it_changes_tell_the_base(name: str) -> None:
    base, stated = LAYERS[name]
    found = of(stated)
    assert (found.kind, found.base) == (Kind.LORA, base)
    assert reason(found, "base")
    assert not found.candidates or name == "cosmos"


@pytest.mark.parametrize(
    ("endings", "traits"),
    [
        ({".hada_w1_a": (640, 8), ".hada_w1_b": (8, 2048), ".hada_w2_a": (640, 8), ".hada_w2_b": (8, 2048)}, True),
        ({".lokr_w1": (8, 16), ".lokr_w2": (80, 128)}, True),
        ({".lokr_w1": (8, 16), ".lokr_w2_a": (80, 4), ".lokr_w2_b": (4, 128)}, True),
        ({".oft_blocks": (4, 160, 160)}, True),
        ({".diff": (640, 2048)}, True),
        ({".on_input": (), ".weight": (2048,)}, True),
        ({".a1.weight": (2048, 8), ".a2.weight": (8, 2048), ".b1.weight": (640, 8), ".b2.weight": (8, 640)}, False),
        ({".lora_down.weight": (8, 2048), ".lora_up.weight": (640, 8), ".dora_scale": (1, 2048)}, False),
    ],
)
def test_the_kin_of_lora_are_loras(endings: dict[str, tuple[int, ...]], *, traits: bool) -> None:
    name = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k"
    found = of({name + ending: shape for ending, shape in endings.items()})
    assert found.kind is Kind.LORA
    assert (Trait.LYCORIS in found.traits) is traits
    assert (Trait.DORA in found.traits) is (".dora_scale" in endings)
    if any(ending.startswith((".hada", ".lokr")) for ending in endings):
        assert found.base is Base.SDXL


def test_a_lora_of_sdxl_is_none_of_sd_1() -> None:
    both = {**shapes.lora_kohya(2048), **kohya("lora_te1_text_model_encoder_layers_0_self_attn_q_proj", 768)}
    assert of(both).base is Base.SDXL
    assert not of(both).candidates


def test_a_trainers_words_that_contradict_are_a_candidate() -> None:
    found = of(shapes.lora_kohya(768), {"ss_base_model_version": "sdxl_base_v1-0"})
    assert found.base is Base.SD_1
    assert [(one.about, one.value) for one in found.candidates] == [("base", "sdxl")]
    assert "ss_base_model_version" in found.candidates[0].text


def test_an_adapter_of_a_language_model_is_known_by_its_configuration() -> None:
    stated = peft("base_model.model.model.layers.0.self_attn.q_proj", 4096)
    config: dict[str, Json] = {"adapter_config.json": {"peft_type": "LORA", "base_model_name_or_path": "Qwen/Qwen3-8B"}}
    found = of(stated, config)
    assert (found.kind, found.base) == (Kind.LORA, Base.QWEN)


def test_layers_that_two_bases_share_are_said_to_be_of_both() -> None:
    found = of(peft("diffusion_model.blocks.0.cross_attn.k_proj", 1024, 2048))
    assert (found.base, [one.value for one in found.candidates]) == (Base.COSMOS, ["anima"])
    found = of(peft("transformer.transformer_blocks.0.attn.to_q", 3072))
    assert (found.base, [one.value for one in found.candidates]) == (Base.FLUX, ["qwen-image"])


def test_a_lora_of_sd_1_with_wide_layers_is_none_of_sdxl() -> None:
    wide = kohya("lora_unet_down_blocks_2_attentions_0_transformer_blocks_0_attn1_to_k", 1280)
    found = of({**shapes.lora_kohya(768), **wide})
    assert (found.base, found.candidates) == (Base.SD_1, ())


def test_scales_beside_the_layers_make_no_network_of_it() -> None:
    stated = {"double_blocks.0.img_attn.norm.key_norm.scale": (128,), "img_in.lora_A.weight": (128, 128)}
    assert of({**stated, **peft("double_blocks.0.img_attn.qkv", 3072, 9216)}).kind is Kind.CONTROL_LORA


def test_wan_loras_that_read_pictures_are_for_image_to_video() -> None:
    found = of(peft("diffusion_model.blocks.0.cross_attn.k_img", 5120))
    assert found.traits == (Trait.IMAGE_TO_VIDEO,)


def test_layers_that_nobody_knows_tell_no_base() -> None:
    found = of(peft("transformer.somewhere.to_q", 777))
    assert (found.kind, found.base) == (Kind.LORA, Base.UNKNOWN)


def test_names_with_line_ends_and_without_end_are_passed_over() -> None:
    odd = {**kohya("lora_unet_a\nb", 8), **kohya("lora_unet_" + "x" * 10_000, 8)}
    assert of({**odd, **kohya("lora_unet_double_blocks_0_img_attn_qkv", 3072)}).base is Base.FLUX


def test_numbers_of_any_length_are_no_danger() -> None:
    found = of(kohya(f"lora_unet_double_blocks_{'9' * 200}_img_attn_qkv", 3072))
    assert found.base is Base.FLUX
