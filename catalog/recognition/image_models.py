"""Transformers that make pictures: of each the tensors that ComfyUI or diffusers know it by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.recognition.markers import Begins, Either, Has, No
from catalog.recognition.rules import BaseRule, Family, KindRule, TraitRule
from catalog.recognition.stable_diffusion import DIFFUSION, LDM, TRANSFORMER
from catalog.vocabulary import Base, Kind, Trait

if TYPE_CHECKING:
    from catalog.recognition.rules import Marker

_BOTH = tuple(dict.fromkeys((*LDM, *TRANSFORMER)))
_NOISE = Either(
    (Has("noise_refiner.0.attention.k_norm.weight", _BOTH), Has("noise_refiner.0.attention.norm_k.weight", _BOTH))
)
_TIME = Has("time_caption_embed.timestep_embedder.linear_1.weight", _BOTH)
_REFERENCE = Begins(tuple(f"{prefix}ref_image_refiner." for prefix in _BOTH))
_PATCHES = "patch_embed.proj.weight"
_ADALN = Has("adaln_single.emb.timestep_embedder.linear_1.weight", _BOTH)


def _below(name: str, **dims: int) -> Has:
    """A tensor below any prefix of a diffusion model; `d0=3840` states the length of the first axis."""
    return Has(name, _BOTH, {int(axis[1:]): length for axis, length in dims.items()} or None)


MODELS: tuple[tuple[Base, tuple[Marker, ...]], ...] = (
    (
        Base.QWEN_IMAGE,
        (
            _below("txt_norm.weight", d0=3584),
            Has("transformer_blocks.0.attn.add_q_proj.weight", _BOTH),
            _below("img_in.weight"),
        ),
    ),
    (Base.QWEN_IMAGE, (_below("txt_in.text_norm.weight"), _below("modulation.1.weight"), _below("img_in.weight"))),
    (Base.QWEN_IMAGE, (Has("control_img_in.weight"), Has("control_blocks.0.attn.to_q.weight"))),
    (Base.Z_IMAGE, (_below("cap_embedder.1.weight", d0=3840), _NOISE)),
    (Base.Z_IMAGE, (Begins(("control_layers.0.", "control_noise_refiner.0.")), Begins(("control_all_x_embedder.",)))),
    (Base.LUMINA_2, (_below("cap_embedder.1.weight", d0=2304), _NOISE)),
    (Base.LUMINA_2, (_TIME, _below("noise_refiner.0.attn.to_q.weight"), No(_REFERENCE))),
    (Base.OMNIGEN_2, (_TIME, _REFERENCE)),
    (Base.PIXART, (_below("t_block.1.weight"), _below("y_embedder.y_proj.fc1.weight"))),
    (Base.PIXART, (_ADALN, _below("pos_embed.proj.weight"), _below("caption_projection.linear_1.weight"))),
    (Base.SANA, (_below("caption_norm.weight"), _below("transformer_blocks.0.ff.conv_depth.weight"))),
    (Base.SANA, (_below("attention_y_norm.weight"), _below("blocks.0.mlp.depth_conv.conv.weight"))),
    (Base.AURAFLOW, (_below("double_layers.0.attn.w1q.weight"),)),
    (Base.AURAFLOW, (_below("register_tokens"), _below("joint_transformer_blocks.0.attn.to_q.weight"))),
    (Base.HIDREAM, (_below("caption_projection.0.linear.weight"),)),
    (
        Base.COGVIEW_4,
        (_below("patch_embed.text_proj.weight"), Has("time_condition_embed.timestep_embedder.linear_1.weight", _BOTH)),
    ),
    (
        Base.ERNIE_IMAGE,
        (_below("layers.0.mlp.linear_fc2.weight"), No(Begins(("decoder.", "language_model.", "encoder.")))),
    ),
    (Base.IDEOGRAM_4, (_below("embed_image_indicator.weight"),)),
    (Base.KREA_2, (_below("txtfusion.projector.weight"),)),
    (Base.HUNYUAN_DIT, (_below("mlp_t5.0.weight"),)),
    (
        Base.HUNYUAN_DIT,
        (_below("text_embedder.linear_1.weight"), Begins(("time_extra_emb.", "transformer/time_extra"))),
    ),
    (Base.HUNYUAN_DIT, (Has("after_proj_list.18.bias"),)),
    (Base.HUNYUAN_3D, (_below("latent_in.weight"), _below("cond_in.weight"))),
    (Base.HUNYUAN_3D, (_below("t_embedder.mlp.2.weight"), _below("blocks.0.attn1.k_norm.weight"))),
    (Base.KANDINSKY_5, (_below("visual_transformer_blocks.0.cross_attention.key_norm.weight"),)),
    (Base.KANDINSKY, (Has("add_embedding.image_norm.weight", ("", "unet/")),)),
    (Base.ANIMA, (_below("llm_adapter.blocks.0.cross_attn.q_proj.weight"),)),
    (
        Base.STABLE_AUDIO,
        (_below("transformer.rotary_pos_emb.inv_freq"), _below("to_timestep_embed.0.weight")),
    ),
    (Base.ACE_STEP, (_below("genre_embedder.weight"),)),
    (Base.ACE_STEP, (_below("encoder.lyric_encoder.layers.0.input_layernorm.weight"),)),
)
"""Tensors which all together are those of a base's network."""

FAMILY = Family(
    kinds=tuple(KindRule(Kind.DIFFUSION_MODEL, markers) for _, markers in MODELS),
    bases=tuple(BaseRule(base, DIFFUSION, markers) for base, markers in MODELS),
    traits=(
        TraitRule(Trait.LAYERED, (_below("time_text_embed.addition_t_embedding.weight"),)),
        TraitRule(Trait.EDIT, (_below("__index_timestep_zero__"),)),
        TraitRule(
            Trait.INPAINT,
            (Has("controlnet_x_embedder.weight", dims={1: 68}),),
            frozenset({Kind.CONTROLNET}),
            frozenset({Base.QWEN_IMAGE}),
        ),
    ),
)
