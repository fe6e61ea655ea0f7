"""Stable Diffusion 1 to 3 and what was built on their U-Net, in checkpoints and pipelines, and the network alone.

The widths are those that InvokeAI and ComfyUI go by: the cross attention reads 768 values of SD 1's text encoder, 1024
of SD 2's, 2048 of SDXL's two, 1280 of the refiner's. Where a width says nothing, the text encoder's names speak.
"""

from __future__ import annotations

from catalog.recognition.base import Sign
from catalog.recognition.markers import Begins, Either, Ends, Has, No
from catalog.recognition.rules import BaseRule, Family, KindRule, TraitRule
from catalog.vocabulary import Base, Kind, Trait

DIFFUSION = frozenset({Kind.CHECKPOINT, Kind.DIFFUSION_MODEL, Kind.CONTROLNET, Kind.CONTROL_LORA, Kind.GLIGEN})

LDM = ("model.diffusion_model.", "", "control_model.", "diffusion_model.", "model.model.", "model.", "net.")
DIFFUSERS = ("", "unet/", "controlnet/")
TRANSFORMER = ("", "transformer/", "model.diffusion_model.", "model.")

_CROSS = "transformer_blocks.0.attn2.to_k.weight"
_LDM_FULL, _FULL = f"input_blocks.2.1.{_CROSS}", f"down_blocks.0.attentions.0.{_CROSS}"
_LDM_HALF, _HALF = f"input_blocks.4.1.{_CROSS}", f"down_blocks.1.attentions.0.{_CROSS}"
_LDM_PROJECTION, _PROJECTION = "input_blocks.2.1.proj_in.weight", "down_blocks.0.attentions.0.proj_in.weight"
_UNET = Has("input_blocks.0.0.weight", LDM)
_UNETS = frozenset({Base.SD_1, Base.SD_2, Base.SDXL, Base.SDXL_REFINER, Base.KOLORS})
_NETWORKS = frozenset({Kind.CHECKPOINT, Kind.DIFFUSION_MODEL})


def _width(ldm: str, diffusers: str, width: int) -> Either:
    return Either((Has(ldm, LDM, {1: width}), Has(diffusers, DIFFUSERS, {1: width})))


def channels(count: int) -> Either:
    """The U-Net takes in this many channels."""
    return Either((Has("input_blocks.0.0.weight", LDM, {1: count}), Has("conv_in.weight", DIFFUSERS, {1: count})))


_KOLORS = Either(
    (
        Has("encoder_hid_proj.weight", DIFFUSERS, {1: 4096}),
        Has("add_embedding.linear_1.weight", DIFFUSERS, {1: 5632}),
        Has("label_emb.0.0.weight", LDM, {1: 5632}),
    )
)
_VIDEO = Either(
    (
        Has("input_blocks.1.1.time_stack.0.attn1.to_q.weight", LDM),
        Has("down_blocks.0.attentions.0.temporal_transformer_blocks.0.attn1.to_q.weight", DIFFUSERS),
    )
)
_SD_3_DIFFUSERS = (
    Has("transformer_blocks.0.attn.add_q_proj.weight", TRANSFORMER),
    Has("pos_embed.proj.weight", TRANSFORMER),
    No(Begins(tuple(f"{prefix}single_transformer_blocks." for prefix in TRANSFORMER))),
)
_CASCADE = Has("clf.1.weight", LDM)
_CASCADE_TEXT = Either((Has("clip_txt_mapper.weight", LDM), Has("clip_mapper.weight", LDM)))

FAMILY = Family(
    kinds=(
        KindRule(Kind.DIFFUSION_MODEL, (_UNET, Has("out.2.weight", LDM))),
        KindRule(
            Kind.DIFFUSION_MODEL,
            (Has("conv_in.weight"), Begins(("down_blocks.0.resnets.",)), Begins(("up_blocks.0.resnets.",))),
        ),
        KindRule(Kind.DIFFUSION_MODEL, (Has("joint_blocks.0.context_block.attn.qkv.weight", LDM),)),
        KindRule(Kind.DIFFUSION_MODEL, _SD_3_DIFFUSERS),
        KindRule(Kind.DIFFUSION_MODEL, (_CASCADE, _CASCADE_TEXT)),
        KindRule(Kind.DIFFUSION_MODEL, (Begins(("model.diffusion_model.",)),)),
    ),
    bases=(
        BaseRule(Base.KOLORS, DIFFUSION, (_KOLORS,)),
        BaseRule(Base.SVD, DIFFUSION, (_VIDEO,)),
        BaseRule(Base.STABLE_CASCADE, DIFFUSION, (_CASCADE, _CASCADE_TEXT)),
        BaseRule(Base.SD_1, DIFFUSION, (_width(_LDM_FULL, _FULL, 768),)),
        BaseRule(Base.SD_2, DIFFUSION, (_width(_LDM_FULL, _FULL, 1024),)),
        BaseRule(Base.SDXL, DIFFUSION, (_width(_LDM_HALF, _HALF, 2048), No(Has(_LDM_FULL, LDM)))),
        BaseRule(Base.SDXL_REFINER, DIFFUSION, (_width(_LDM_HALF, _HALF, 1280), No(Has(_LDM_FULL, LDM)))),
        BaseRule(Base.SD_3, DIFFUSION, (Has("joint_blocks.0.context_block.attn.qkv.weight", LDM),)),
        BaseRule(Base.SD_3, DIFFUSION, _SD_3_DIFFUSERS),
        BaseRule(Base.SDXL, DIFFUSION, (Begins(("conditioner.embedders.1.",)), _UNET)),
        BaseRule(
            Base.SDXL_REFINER,
            DIFFUSION,
            (Begins(("conditioner.embedders.0.model.",)), _UNET, No(Begins(("conditioner.embedders.1.",)))),
        ),
        BaseRule(Base.SD_2, DIFFUSION, (Begins(("cond_stage_model.model.",)), _UNET)),
        BaseRule(Base.SD_1, DIFFUSION, (Begins(("cond_stage_model.transformer.",)), _UNET)),
        # SD 1 projects by a 1 x 1 convolution, SD 2 by a linear layer
        BaseRule(
            Base.SD_1,
            DIFFUSION,
            (Either((Has(_PROJECTION, DIFFUSERS, ndim=4), Has(_LDM_PROJECTION, LDM, ndim=4))),),
            Sign.LIKENESS,
        ),
        BaseRule(
            Base.SD_2,
            DIFFUSION,
            (Either((Has(_PROJECTION, DIFFUSERS, ndim=2), Has(_LDM_PROJECTION, LDM, ndim=2))),),
            Sign.LIKENESS,
        ),
    ),
    traits=(
        TraitRule(Trait.INPAINT, (channels(9),), _NETWORKS, _UNETS),
        TraitRule(
            Trait.EDIT, (channels(8), No(Has("cc_projection.weight"))), _NETWORKS, _UNETS
        ),  # Zero-1-to-3 has that
        TraitRule(Trait.DEPTH, (channels(5),), _NETWORKS, _UNETS),
        TraitRule(Trait.UPSCALE, (channels(7),), _NETWORKS, _UNETS),
        TraitRule(
            Trait.UNCLIP, (Has("label_emb.0.0.weight", LDM, {1: (1536, 2048)}),), _NETWORKS, frozenset({Base.SD_2})
        ),
        TraitRule(Trait.REFINER, (_width(_LDM_HALF, _HALF, 1280),), _NETWORKS, frozenset({Base.SDXL_REFINER})),
        TraitRule(Trait.IMAGE_TO_VIDEO, (_VIDEO,), _NETWORKS, frozenset({Base.SVD})),
        TraitRule(Trait.INPAINT, (Has("pos_embed_input.proj.weight", dims={1: 17}),), frozenset({Kind.CONTROLNET})),
        TraitRule(Trait.UNION, (Either((Has("task_embedding"), Has("control_type_proj.weight"))),), DIFFUSION),
        TraitRule(Trait.UNION, (Ends((".task_embedding",)),), frozenset({Kind.CONTROLNET})),
    ),
)
