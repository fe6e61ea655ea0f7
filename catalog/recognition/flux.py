"""FLUX and the models that took its blocks over."""

from __future__ import annotations

from catalog.recognition.rules import BaseRule, Begins, Either, Family, Has, KindRule, No
from catalog.recognition.stable_diffusion import DIFFUSION, LDM, TRANSFORMER
from catalog.vocabulary import Base, Kind

_BLOCK = Either(
    (
        Has("double_blocks.0.img_attn.norm.key_norm.scale", LDM),
        Has("double_blocks.0.img_attn.norm.key_norm.weight", LDM),
        Has("double_blocks.0.img_attn.qkv.weight", LDM),
    )
)
_SINGLE = Begins(tuple(f"{prefix}single_transformer_blocks.0." for prefix in TRANSFORMER))
_SECOND = Either(
    (
        Has("double_stream_modulation_img.lin.weight", LDM),
        Has("double_stream_modulation_img.linear.weight", TRANSFORMER),
    )
)
_CHROMA = Begins(tuple(f"{prefix}distilled_guidance_layer." for prefix in (*LDM, *TRANSFORMER)))
_HUNYUAN = Begins(tuple(f"{prefix}txt_in.individual_token_refiner." for prefix in LDM))

FAMILY = Family(
    kinds=(
        KindRule(Kind.DIFFUSION_MODEL, (_BLOCK,)),
        KindRule(Kind.DIFFUSION_MODEL, (_SINGLE, Has("x_embedder.weight"))),
    ),
    bases=(
        BaseRule(Base.FLUX_2, DIFFUSION, (_SECOND,)),
        BaseRule(Base.CHROMA, DIFFUSION, (Either((_BLOCK, _SINGLE)), _CHROMA)),
        BaseRule(Base.FLUX, DIFFUSION, (_BLOCK, No(_HUNYUAN))),
        BaseRule(Base.FLUX, DIFFUSION, (_SINGLE, Has("x_embedder.weight", TRANSFORMER, {1: 64}))),
        BaseRule(
            Base.FLUX,
            DIFFUSION,
            (_SINGLE, Has("context_embedder.weight", TRANSFORMER), Begins(("controlnet_", "transformer/"))),
        ),
    ),
)
