"""Transformers that make moving pictures: of each the tensors that ComfyUI or diffusers know it by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.recognition.markers import Begins, Either, Has, No
from catalog.recognition.rules import BaseRule, Family, KindRule, TraitRule
from catalog.recognition.stable_diffusion import DIFFUSION, LDM, TRANSFORMER
from catalog.vocabulary import Base, Kind, Trait

if TYPE_CHECKING:
    from catalog.recognition.rules import Marker

_BOTH = (*dict.fromkeys((*LDM, *TRANSFORMER)), "transformer_2/")
_REFINED = Has("txt_in.individual_token_refiner.blocks.0.norm1.weight", _BOTH)
_FLAT = Has("img_in.proj.weight", _BOTH, ndim=4)
_PATCHES = "patch_embedding.weight"
_ADALN = Either(
    (
        Has("adaln_single.emb.timestep_embedder.linear_1.weight", _BOTH),
        Has("time_embed.emb.timestep_embedder.linear_1.weight", _BOTH),
    )
)
_SQUARE = Has("pos_embed.proj.weight", _BOTH)
_EACH_BLOCK = Has("transformer_blocks.0.scale_shift_table", _BOTH)
_NETWORKS = frozenset({Kind.CHECKPOINT, Kind.DIFFUSION_MODEL})
_WAN, _LTX, _COSMOS = frozenset({Base.WAN}), frozenset({Base.LTX_VIDEO}), frozenset({Base.COSMOS})


def _below(name: str) -> Has:
    return Has(name, _BOTH)


MODELS: tuple[tuple[Base, tuple[Marker, ...]], ...] = (
    (Base.WAN, (_below("head.modulation"), _below("blocks.0.ffn.0.weight"))),
    (Base.WAN, (_below("condition_embedder.text_embedder.linear_1.weight"), _below("blocks.0.attn2.to_k.weight"))),
    (Base.WAN, (_below("vace_patch_embedding.weight"),)),
    (Base.HUNYUAN_IMAGE, (_REFINED, _FLAT)),
    (Base.HUNYUAN_VIDEO, (_REFINED, No(_FLAT))),
    (
        Base.HUNYUAN_VIDEO,
        (_below("context_embedder.token_refiner.refiner_blocks.0.attn.to_q.weight"), _below("x_embedder.proj.weight")),
    ),
    (Base.LTX_VIDEO, (_ADALN, No(_SQUARE), Either((_below("patchify_proj.weight"), _EACH_BLOCK)))),
    (Base.MOCHI, (_below("t5_yproj.weight"),)),
    (Base.MOCHI, (_below("time_embed.pooler.to_kv.weight"), _below("transformer_blocks.0.attn1.add_q_proj.weight"))),
    (Base.COGVIDEOX, (_below("transformer_blocks.0.norm1.linear.weight"), _below("time_embedding.linear_1.weight"))),
    (Base.COGVIDEOX, (_below("blocks.0.norm1.linear.weight"), _below("patch_embed.text_proj.weight"))),
    (Base.COSMOS, (_below("blocks.block0.blocks.0.block.attn.to_q.0.weight"),)),
    (Base.COSMOS, (_below("blocks.0.mlp.layer1.weight"), _below("x_embedder.proj.1.weight"))),
    (
        Base.COSMOS,
        (
            _below("patch_embed.proj.weight"),
            _below("time_embed.t_embedder.linear_1.weight"),
            _below("norm_out.linear_1.weight"),
        ),
    ),
    (
        Base.SEEDVR_2,
        (
            Either((_below("blocks.31.mlp.all.proj_in_gate.weight"), _below("blocks.35.mlp.vid.proj_out.weight"))),
            Begins(tuple(f"{prefix}blocks.0." for prefix in _BOTH)),
        ),
    ),
)
"""Tensors which all together are those of a base's network."""


def _takes(*channels: int) -> Has:
    return Has(_PATCHES, _BOTH, {1: channels})


_CLIP_READER = Either((_below("img_emb.proj.0.bias"), _below("condition_embedder.image_embedder.norm1.weight")))
_BUILT_ON = (
    (Trait.VACE, "vace_patch_embedding.weight"),
    (Trait.ANIMATE, "face_adapter.fuser_blocks.0.k_norm.weight"),
    (Trait.CAMERA, "control_adapter.conv.weight"),
    (Trait.SPEECH_TO_VIDEO, "casual_audio_encoder.encoder.final_linear.weight"),
    (Trait.SPEECH_TO_VIDEO, "audio_proj.audio_proj_glob_1.layer.bias"),
)
"""Parts that were added to Wan."""

FAMILY = Family(
    kinds=tuple(KindRule(Kind.DIFFUSION_MODEL, markers) for _, markers in MODELS),
    bases=tuple(BaseRule(base, DIFFUSION, markers) for base, markers in MODELS),
    traits=(
        *(TraitRule(trait, (_below(name),), _NETWORKS, _WAN) for trait, name in _BUILT_ON),
        TraitRule(Trait.IMAGE_TO_VIDEO, (_CLIP_READER,), _NETWORKS, _WAN),
        TraitRule(Trait.IMAGE_TO_VIDEO, (_takes(36, 48), No(_CLIP_READER)), _NETWORKS, _WAN),
        TraitRule(
            Trait.TEXT_TO_VIDEO,
            (_takes(16, 48), No(_CLIP_READER), *(No(_below(name)) for _, name in _BUILT_ON)),
            _NETWORKS,
            _WAN,
        ),
        TraitRule(Trait.WAN_2_2, (_takes(36, 48), No(_CLIP_READER)), _NETWORKS, _WAN),
        TraitRule(Trait.AUDIO, (_below("audio_adaln_single.linear.weight"),), _NETWORKS, _LTX),
        TraitRule(
            Trait.IMAGE_TO_VIDEO, (Has("x_embedder.proj.1.weight", _BOTH, {1: 72}),), _NETWORKS, _COSMOS
        ),  # 17 channels and the mask, 2 x 2 pixels
    ),
)
