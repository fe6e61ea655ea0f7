"""LoRA and its kin (LyCORIS, DoRA, PEFT adapters): names of kohya's trainer, of diffusers and of PEFT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.recognition.layers import HIGH, LOW, Changes
from catalog.recognition.markers import Ends, Holds, No, Quietly, Says
from catalog.recognition.rules import BaseRule, Family, KindRule, TraitRule
from catalog.vocabulary import Base, Kind, Trait

if TYPE_CHECKING:
    from catalog.recognition.rules import Marker

LORA = frozenset({Kind.LORA, Kind.CONTROL_LORA})

_LYCORIS = (
    ".hada_w1_a",
    ".lokr_w1",
    ".lokr_w1_a",
    ".lokr_w2",
    ".lokr_w2_a",
    ".oft_blocks",
    ".oft_diag",
    ".diff",
    ".diff_b",
    ".on_input",
)
_DORA = (
    ".dora_scale",
    ".lora_magnitude_vector",
    ".lora_magnitude_vector.weight",
    ".lora_magnitude_vector.default.weight",
)
_ENDINGS = (*LOW, *HIGH)
_NAMED = Quietly(Holds(("lora",)))  # all of these have it: one search instead of many

_UNET = r"(?:down|up|mid|input|output|middle)_block(?:s_#)?_.*attn2_(?:processor$|(?:processor_)?to_k)"
"""The layer of a U-Net that reads the text encoder's output: the width of its input is that of the text encoder."""

_IN_UNET = r"(?:down|up|mid|input|output|middle)_block(?:s_#)?_.*transformer_blocks_#_"
_FULL = r"(?:down_blocks_#_attentions|input_blocks_#_#_transformer)_"
_BLOCKS = r"(?:double|single)_blocks_#_|single_transformer_blocks_#_"
_COSMOS = "blocks_#_(?:self|cross)_attn_[qkv]_proj$|blocks_#_adaln_modulation_"
_BETWEEN = "transformer_blocks_#_(?:ff|ff_context)_net_|transformer_blocks_#_norm1_(?:context_)?linear$"
_ATTENTION = "transformer_blocks_#_attn_(?:add_|to_)"
_SINGLE_MLP = "single_blocks_#_linear1$"
_WIDER_MLP = (27648, 36864, 55296)
"""FLUX.2's first layer of a single block: its MLP is 6 times as wide as the rest, FLUX.1's 4 times."""


LAYERS: tuple[tuple[Base, tuple[Marker, ...]], ...] = (
    (Base.SDXL, (Changes(_UNET, (2048,)),)),
    (Base.SD_1, (Changes(_UNET, (768,)),)),
    (Base.SD_2, (Changes(_UNET, (1024,)),)),
    (Base.SDXL_REFINER, (Changes(_UNET, (1280,)),)),
    (Base.FLUX_2, (Changes(r"(?:txt_in|context_embedder)$", (7680, 12288, 15360)),)),
    (Base.FLUX_2, (Changes(r"double_blocks_#_(?:img|txt)_attn_(?:proj|qkv)$", (4096, 6144)),)),
    (Base.FLUX_2, (Changes(r"double_blocks_#_img_mlp_#$", (3072,), (18432,)),)),
    (Base.FLUX_2, (Changes(_SINGLE_MLP, (), _WIDER_MLP),)),
    (Base.FLUX_2, (Changes("single_transformer_blocks_#_attn_to_qkv_mlp_proj$|transformer_blocks_#_ff_linear_in$"),)),
    (Base.CHROMA, (Changes("distilled_guidance_layer_"),)),
    (Base.HUNYUAN_VIDEO, (Changes("double_blocks_#_(?:img|txt)_mlp_fc1$|double_blocks_#_(?:img|txt)_mod_linear$"),)),
    (Base.HUNYUAN_VIDEO, (Changes("txt_in_individual_token_refiner|context_embedder_token_refiner"),)),
    (Base.HUNYUAN_VIDEO, (Changes("single_blocks_#_|single_transformer_blocks_#_", above=38),)),
    (Base.FLUX, (Changes(_BLOCKS),)),
    (Base.SD_3, (Changes("joint_blocks_#_"),)),
    (Base.SD_3, (Changes("transformer_blocks_#_attn_", (1536, 2432)),)),
    (Base.QWEN_IMAGE, (Changes("transformer_blocks_#_(?:img|txt)_(?:mlp|mod)_"),)),
    (Base.QWEN_IMAGE, (Changes(_ATTENTION, (3072,), above=23), No(Changes(_BLOCKS)))),
    (Base.FLUX, (Changes(_BETWEEN, (3072, 12288)), No(Changes(".*attn1_")))),
    (Base.FLUX, (Changes(_ATTENTION, (3072,)), No(Changes(_BLOCKS)))),
    (Base.QWEN_IMAGE, (Changes(_ATTENTION, (3072,)), No(Changes(f"{_BLOCKS}|{_BETWEEN}")))),
    (Base.AURAFLOW, (Changes("(?:double|single)_layers_#_attn_|joint_transformer_blocks_#_"),)),
    (Base.HIDREAM, (Changes("(?:double|single)_stream_blocks_#_"),)),
    (Base.Z_IMAGE, (Changes("(?:layers|noise_refiner|context_refiner)_#_attention_", (3840,)),)),
    (Base.LUMINA_2, (Changes("(?:layers|noise_refiner|context_refiner)_#_(?:attention|attn)_", (2304,)),)),
    (Base.OMNIGEN_2, (Changes("(?:layers|ref_image_refiner|noise_refiner)_#_attn_", (2520,)),)),
    (Base.WAN, (Changes(r"blocks_#_(?:self|cross)_attn_[qkvo](?:_img)?$|blocks_#_ffn_[02#]$"),)),
    (Base.WAN, (Changes("blocks_#_attn[12]_", (1536, 3072, 5120)),)),
    (Base.ANIMA, (Changes("llm_adapter_blocks_#_"),)),
    (Base.ANIMA, (Changes(_COSMOS), Changes("te_layers_#_self_attn_"))),
    (Base.COSMOS, (Changes(_COSMOS),)),
    (Base.ANIMA, (Changes(_COSMOS),)),  # the same layers: nothing tells them apart
    (Base.KREA_2, (Changes("txtfusion_|blocks_#_attn_w[qkvo]$"),)),
    (Base.PIXART, (Changes("transformer_blocks_#_attn[12]_to_", (1152,)),)),
    (Base.SANA, (Changes("transformer_blocks_#_attn[12]_to_", (2240,)),)),
    (Base.LTX_VIDEO, (Changes("transformer_blocks_#_(?:audio_)?attn[12]_to_", (2048, 4096)),)),
    (Base.COGVIDEOX, (Changes("transformer_blocks_#_attn1_to_", (1920, 3072), above=23), No(Changes(".*attn1_add_")))),
    (Base.MOCHI, (Changes("blocks_#_attn_qkv_[xy]$|transformer_blocks_#_attn1_add_"),)),
    (Base.HUNYUAN_DIT, (Changes(r"blocks_#_attn2_kv_proj$|blocks_#_attn[12]_to_", (1408,)),)),
    (Base.KANDINSKY_5, (Changes("visual_transformer_blocks_#_"),)),
    (Base.SDXL, (Changes("te2_"), No(Changes("joint_|transformer_blocks_#_|" + _BLOCKS)))),
    (Base.SDXL, (Changes(_IN_UNET), Holds(("transformer_blocks_9_", "transformer_blocks.9.")))),
    (Base.SD_2, (Changes(_FULL, ()), Changes("te_text_model_encoder_layers_#_", (), (), 12))),
    (Base.SD_2, (Changes(_FULL), Changes("te_text_model_encoder_layers_#_self_attn_", (1024,)))),
    (
        Base.SD_1,
        (
            Changes("te_text_model_encoder_layers_#_self_attn_", (768,)),
            No(Changes("te2_|joint_|transformer_blocks_#_|" + _BLOCKS)),
        ),
    ),
)
"""Changed layers which all together are those of a base."""

_TRAINED = "ss_base_model_version"
_WORDS: tuple[tuple[Base, tuple[str, ...]], ...] = (
    (Base.SD_1, ("sd_v1", "sd_1", "sd15", "sd1")),
    (Base.SD_2, ("sd_v2", "sd_2", "sd21", "sd2")),
    (Base.SDXL, ("sdxl", "sd_xl")),
    (Base.SD_3, ("sd3", "sd_3", "stable-diffusion-3")),
    (Base.FLUX_2, ("flux2", "flux.2", "flux-2")),
    (Base.FLUX, ("flux1", "flux_1", "flux.1", "flux")),
    (Base.CHROMA, ("chroma",)),
    (Base.LUMINA_2, ("lumina",)),
    (Base.Z_IMAGE, ("zimage", "z_image", "z-image")),
    (Base.QWEN_IMAGE, ("qwen_image", "qwen-image")),
    (Base.WAN, ("wan",)),
    (Base.HUNYUAN_IMAGE, ("hunyuan_image", "hunyuan-image")),
    (Base.HUNYUAN_VIDEO, ("hunyuan_video", "hunyuan-video", "hunyuanvideo", "framepack")),
    (Base.HIDREAM, ("hidream",)),
    (Base.ANIMA, ("anima",)),
    (Base.KANDINSKY_5, ("kandinsky5",)),
    (Base.LTX_VIDEO, ("ltxv", "ltx")),
)
"""How trainers name the base, at the beginning of what they write."""

_ADAPTED: tuple[tuple[Base, tuple[str, ...]], ...] = (
    (Base.LLAMA, ("meta-llama/", "llama", "unsloth/llama", "unsloth/meta-llama")),
    (Base.QWEN, ("qwen/qwen2", "qwen/qwen3", "qwen/qwen1", "qwen/qwen-7", "qwen2", "qwen3", "unsloth/qwen")),
    (Base.MISTRAL, ("mistralai/", "mistral", "unsloth/mistral")),
    (Base.GEMMA, ("google/gemma", "gemma", "unsloth/gemma")),
    (Base.PHI, ("microsoft/phi", "unsloth/phi")),
    (Base.SDXL, ("stabilityai/stable-diffusion-xl", "stabilityai/sdxl")),
    (Base.SD_1, ("runwayml/stable-diffusion-v1", "stable-diffusion-v1-5/", "compvis/stable-diffusion-v1")),
    (Base.SD_2, ("stabilityai/stable-diffusion-2",)),
    (Base.SD_3, ("stabilityai/stable-diffusion-3",)),
    (Base.FLUX_2, ("black-forest-labs/flux.2",)),
    (Base.FLUX, ("black-forest-labs/flux.1",)),
    (Base.QWEN_IMAGE, ("qwen/qwen-image",)),
    (Base.WAN, ("wan-ai/",)),
    (Base.Z_IMAGE, ("tongyi-mai/z-image",)),
)

FAMILY = Family(
    kinds=(
        KindRule(Kind.LORA, (_NAMED, Ends(_ENDINGS))),
        KindRule(Kind.LORA, (Ends((*_LYCORIS, ".oft_R.weight", ".bundle_emb")),)),
        KindRule(Kind.LORA, (Ends((".a1.weight",)), Ends((".b1.weight",)), Ends((".a2.weight",)))),  # GLoRA
        KindRule(Kind.LORA, (Says("general.type", ("adapter",)),)),
        KindRule(Kind.LORA, (Says("adapter_config.json:peft_type", ("",)),)),
        KindRule(Kind.LORA, (Says("ss_network_module", ("networks.", "lycoris", "")),)),
    ),
    bases=(
        *(BaseRule(base, LORA, markers) for base, markers in LAYERS),
        *(BaseRule(base, LORA, (Says(_TRAINED, words),)) for base, words in _WORDS),
        *(
            BaseRule(base, LORA, (Says("adapter_config.json:base_model_name_or_path", words),))
            for base, words in _ADAPTED
        ),
    ),
    traits=(
        TraitRule(Trait.DORA, (Ends(_DORA),), LORA),
        TraitRule(Trait.LYCORIS, (Ends(_LYCORIS),), LORA),
        TraitRule(Trait.IMAGE_TO_VIDEO, (Changes("blocks_#_cross_attn_[kv]_img$"),), LORA, frozenset({Base.WAN})),
        TraitRule(Trait.KLEIN, (Changes(r"(?:txt_in|context_embedder)$", (7680, 12288)),), LORA),
    ),
)
