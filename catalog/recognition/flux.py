"""FLUX and the models that took its blocks over."""

from __future__ import annotations

from catalog.recognition.markers import Begins, Either, Has, No
from catalog.recognition.rules import BaseRule, Family, KindRule, TraitRule
from catalog.recognition.stable_diffusion import DIFFUSION, LDM, TRANSFORMER
from catalog.vocabulary import Base, Kind, Trait

_BLOCK = Either(
    (
        Has("double_blocks.0.img_attn.norm.key_norm.scale", LDM),
        Has("double_blocks.0.img_attn.norm.key_norm.weight", LDM),
        Has("double_blocks.0.img_attn.qkv.weight", LDM),
        Has("double_blocks.0.img_attn.qkv.qweight", LDM),
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
_SHAPES = Has("latent_in.weight", LDM)
_AURA = Has("cond_seq_linear.weight", LDM)
_TOKENS = Begins(("context_embedder.token_refiner.", "transformer/context_embedder.token_refiner."))
_REGISTERS = Begins(("register_tokens", "transformer/register_tokens"))
_PICTURE = "img_in.weight"
_GUIDED = Either(
    (
        Begins(tuple(f"{prefix}guidance_in." for prefix in LDM)),
        Begins(tuple(f"{prefix}time_text_embed.guidance_embedder." for prefix in TRANSFORMER)),
    )
)
_WIDE = (64, 128, 384)
_NETWORKS = frozenset({Kind.CHECKPOINT, Kind.DIFFUSION_MODEL})
_FIRST, _NEXT = frozenset({Base.FLUX}), frozenset({Base.FLUX_2})


def _takes(width: int) -> Either:
    return Either((Has(_PICTURE, LDM, {1: width}), Has("x_embedder.weight", TRANSFORMER, {1: width})))


def _reads(*widths: int) -> Either:
    return Either((Has("txt_in.weight", LDM, {1: widths}), Has("context_embedder.weight", TRANSFORMER, {1: widths})))


_OVIS = Has("double_blocks.0.img_mlp.gate_proj.weight", LDM)
_LONGCAT = (_reads(3584), No(Begins(tuple(f"{prefix}vector_in." for prefix in LDM))), No(_OVIS))
_LIKE_FLUX = tuple(No(marker) for marker in (_HUNYUAN, _SHAPES, _SECOND, _CHROMA, _AURA, _OVIS, _reads(3584)))

FAMILY = Family(
    kinds=(
        KindRule(Kind.DIFFUSION_MODEL, (_BLOCK,)),
        KindRule(Kind.DIFFUSION_MODEL, (_SINGLE, Has("x_embedder.weight", TRANSFORMER))),
        KindRule(Kind.DIFFUSION_MODEL, (_SECOND,)),
    ),
    bases=(
        BaseRule(Base.FLUX_2, DIFFUSION, (_SECOND,)),
        BaseRule(Base.CHROMA, DIFFUSION, (Either((_BLOCK, _SINGLE)), _CHROMA)),
        BaseRule(Base.FLUX, DIFFUSION, (_BLOCK, *_LIKE_FLUX)),
        BaseRule(Base.OVIS_IMAGE, DIFFUSION, (_BLOCK, _OVIS)),
        BaseRule(Base.LONGCAT_IMAGE, DIFFUSION, (_BLOCK, *_LONGCAT)),
        BaseRule(
            Base.FLUX,
            DIFFUSION,
            (_SINGLE, Has("x_embedder.weight", TRANSFORMER, {1: _WIDE}), No(_SECOND), No(_CHROMA), No(_TOKENS)),
        ),
        BaseRule(
            Base.FLUX,
            DIFFUSION,
            (
                _SINGLE,
                Has("context_embedder.weight", TRANSFORMER),
                No(_SECOND),
                No(_CHROMA),
                No(_REGISTERS),
                Begins(("controlnet_", "transformer/")),
            ),
        ),
    ),
    traits=(
        TraitRule(Trait.FILL, (_takes(384),), _NETWORKS, _FIRST),
        TraitRule(Trait.CONTROL, (_takes(128),), _NETWORKS, _FIRST),
        TraitRule(Trait.DEV, (_GUIDED,), _NETWORKS, _FIRST),
        TraitRule(
            Trait.SCHNELL,
            (
                Either((Has(_PICTURE, LDM), Has("x_embedder.weight", TRANSFORMER))),
                No(_GUIDED, "no tensor takes the guidance in"),
            ),
            _NETWORKS,
            _FIRST,
        ),
        TraitRule(Trait.KLEIN, (_reads(7680, 12288),), _NETWORKS, _NEXT),
        TraitRule(Trait.DEV, (_reads(15360),), _NETWORKS, _NEXT),
        TraitRule(Trait.UNION, (Begins(("controlnet_mode_embedder.",)),), frozenset({Kind.CONTROLNET})),
    ),
)
