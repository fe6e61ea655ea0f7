"""What steers an image model by a picture: ControlNet in its many builds, and its low-rank form."""

from __future__ import annotations

from catalog.recognition.markers import Begins, Either, Has, Like
from catalog.recognition.rules import BaseRule, Family, KindRule, TraitRule
from catalog.vocabulary import Base, Kind, Trait

_CONTROL = frozenset({Kind.CONTROLNET})
_LORA = frozenset({Kind.CONTROL_LORA})

_HINT = Has("input_hint_block.0.weight", ("", "control_model."))
_SEEN = Has("controlnet_cond_embedding.conv_in.weight", ("", "controlnet/"))
_LLLITE = Begins(("lllite_unet_",))
_FLUX_LORA = Either(
    tuple(
        Has(f"{prefix}{name}.weight", dims={1: (128, 384)})
        for prefix, name in (
            ("", "img_in.lora_A"),
            ("diffusion_model.", "img_in.lora_A"),
            ("transformer.", "x_embedder.lora_A"),
            ("", "x_embedder.lora_A"),
            ("lora_unet_", "img_in.lora_down"),
        )
    )
)
"""A LoRA of the layer that takes the picture in: it takes in two, or a picture and a mask."""

FAMILY = Family(
    kinds=(
        KindRule(Kind.CONTROL_LORA, (Has("lora_controlnet"),)),
        KindRule(Kind.CONTROL_LORA, (_FLUX_LORA,)),
        KindRule(Kind.CONTROLNET, (Begins(("control_model.",)),)),
        KindRule(Kind.CONTROLNET, (_HINT,)),
        KindRule(Kind.CONTROLNET, (_SEEN,)),
        KindRule(Kind.CONTROLNET, (Begins(("controlnet_blocks.0.", "controlnet/controlnet_blocks.0.")),)),
        KindRule(Kind.CONTROLNET, (Has("controlnet_x_embedder.weight", ("", "controlnet/")),)),
        KindRule(Kind.CONTROLNET, (Begins(("controlnet_down_blocks.0.",)),)),
        KindRule(Kind.CONTROLNET, (Has("pos_embed_input.proj.weight"),)),
        KindRule(Kind.CONTROLNET, (Has("after_proj_list.18.bias"),)),
        KindRule(Kind.CONTROLNET, (Has("control_img_in.weight"), Begins(("control_blocks.0.",)))),
        KindRule(Kind.CONTROLNET, (Begins(("control_layers.0.",)), Begins(("control_all_x_embedder.",)))),
        KindRule(Kind.CONTROLNET, (_LLLITE,)),
    ),
    bases=(
        BaseRule(Base.SDXL, _CONTROL, (_LLLITE, Like(r"lllite_unet_.*attn2_to_k\.down\.0\.weight", {1: 2048}))),
        BaseRule(Base.SD_1, _CONTROL, (_LLLITE, Like(r"lllite_unet_.*attn2_to_k\.down\.0\.weight", {1: 768}))),
        BaseRule(Base.FLUX, _LORA, (_FLUX_LORA,)),
        BaseRule(Base.SD_3, _CONTROL, (Has("pos_embed_input.proj.weight"),)),
    ),
    traits=(
        TraitRule(Trait.LLLITE, (_LLLITE,), _CONTROL),
        TraitRule(Trait.UNION, (Begins(("control_all_x_embedder.",)),), _CONTROL),
        TraitRule(
            Trait.FILL,
            (
                Either(
                    (
                        Has("img_in.lora_A.weight", dims={1: 384}),
                        Has("transformer.x_embedder.lora_A.weight", dims={1: 384}),
                    )
                ),
            ),
            _LORA,
        ),
    ),
)
