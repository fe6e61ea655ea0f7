"""LoRA and its kin (LyCORIS, DoRA, PEFT adapters): names of kohya's trainer, of diffusers and of PEFT."""

from __future__ import annotations

from catalog.recognition.rules import BaseRule, Begins, Either, Ends, Family, Holds, KindRule, Like, No, Says
from catalog.vocabulary import Base, Kind

LORA = frozenset({Kind.LORA})

_ENDINGS = (
    ".lora_down.weight",
    ".lora_A.weight",
    ".lora_A.default.weight",
    ".lora.down.weight",
    ".hada_w1_a",
    ".lokr_w1",
    ".lokr_w1_a",
    ".oft_blocks",
    ".lora_a",  # llama.cpp's converter
)
_CROSS = r".*attn2[._](?:processor\.)?to_k(?:_lora)?\.(?:lora_down|lora_A|lora\.down|down)\.weight"
"""The layer that reads the text encoder's output: the width of its input is that of the text encoder."""

_NARROW = ("lora_unet_down_blocks_0_attentions_", "unet.down_blocks.0.attentions.", "lora_unet_input_blocks_1_1_")
"""Attention at full resolution: SD 1 and 2 have it, SDXL has not."""

_ARCHITECTURE = "modelspec.architecture"
_TEXT = ("encoder_layers_11_", "encoder.layers.11.")
_TEXT_BEYOND_12 = ("encoder_layers_12_", "encoder.layers.12.")

FAMILY = Family(
    kinds=(
        KindRule(Kind.LORA, (Ends(_ENDINGS),)),
        KindRule(Kind.LORA, (Says("general.type", ("adapter",)),)),
    ),
    bases=(
        BaseRule(
            Base.FLUX,
            LORA,
            (
                Begins(
                    (
                        "lora_unet_double_blocks_",
                        "lora_unet_single_blocks_",
                        "lora_transformer_single_transformer_blocks_",
                        "transformer.single_transformer_blocks.",
                        "diffusion_model.double_blocks.",
                        "diffusion_model.single_blocks.",
                    )
                ),
            ),
        ),
        BaseRule(Base.SD_3, LORA, (Begins(("lora_unet_joint_blocks_", "diffusion_model.joint_blocks.")),)),
        BaseRule(Base.SDXL, LORA, (Like(_CROSS, {1: 2048}),)),
        BaseRule(Base.SDXL, LORA, (Begins(("lora_te2_", "text_encoder_2.")), No(Begins(_NARROW)))),
        BaseRule(Base.SDXL, LORA, (Holds(("transformer_blocks_9_attn", "transformer_blocks.9.attn2")),)),
        BaseRule(Base.SD_1, LORA, (Like(_CROSS, {1: 768}),)),
        BaseRule(Base.SD_2, LORA, (Like(_CROSS, {1: 1024}),)),
        BaseRule(Base.SD_2, LORA, (Begins(_NARROW), Holds(("encoder_layers_22_", "encoder.layers.22.")))),
        BaseRule(Base.SD_1, LORA, (Begins(_NARROW), Holds(_TEXT), No(Holds(_TEXT_BEYOND_12)))),
        *(
            BaseRule(base, LORA, (Either((Says("ss_base_model_version", trained), Says(_ARCHITECTURE, named))),))
            for base, trained, named in (
                (Base.SD_1, ("sd_v1", "sd_1"), ("stable-diffusion-v1",)),
                (Base.SD_2, ("sd_v2", "sd_2"), ("stable-diffusion-v2",)),
                (Base.SDXL, ("sdxl",), ("stable-diffusion-xl",)),
                (Base.SD_3, ("sd3",), ("stable-diffusion-3",)),
                (Base.FLUX, ("flux1",), ("flux-1", "flux.1")),
            )
        ),
        *(
            BaseRule(base, LORA, (Says("adapter_config.json:base_model_name_or_path", words),))
            for base, words in (
                (Base.LLAMA, ("meta-llama/", "llama")),
                (Base.QWEN, ("qwen/", "qwen")),
                (Base.MISTRAL, ("mistralai/", "mistral")),
                (Base.GEMMA, ("google/gemma", "gemma")),
            )
        ),
    ),
)
