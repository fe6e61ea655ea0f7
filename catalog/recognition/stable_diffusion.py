"""Stable Diffusion 1 to 3, in checkpoints and pipelines, and its U-Net or transformer alone.

The widths are those that InvokeAI and ComfyUI go by: the cross attention reads 768 values of SD 1's text encoder, 1024
of SD 2's, 2048 of SDXL's two, 1280 of the refiner's. Where a width says nothing, the text encoder's names speak.
"""

from __future__ import annotations

from catalog.recognition.rules import BaseRule, Begins, Either, Family, Has, KindRule, No, Says
from catalog.vocabulary import Base, Kind

DIFFUSION = frozenset({Kind.CHECKPOINT, Kind.DIFFUSION_MODEL, Kind.CONTROLNET})

LDM = ("model.diffusion_model.", "", "control_model.", "diffusion_model.")
DIFFUSERS = ("", "unet/", "controlnet/")
TRANSFORMER = ("", "transformer/")

_CROSS = "transformer_blocks.0.attn2.to_k.weight"
_LDM_FULL, _FULL = f"input_blocks.2.1.{_CROSS}", f"down_blocks.0.attentions.0.{_CROSS}"
_LDM_HALF, _HALF = f"input_blocks.4.1.{_CROSS}", f"down_blocks.1.attentions.0.{_CROSS}"
_LDM_PROJECTION, _PROJECTION = "input_blocks.2.1.proj_in.weight", "down_blocks.0.attentions.0.proj_in.weight"
_UNET = Has("input_blocks.0.0.weight", LDM)


def _width(ldm: str, diffusers: str, width: int) -> Either:
    return Either((Has(ldm, LDM, {1: width}), Has(diffusers, DIFFUSERS, {1: width})))


FAMILY = Family(
    kinds=(
        KindRule(Kind.DIFFUSION_MODEL, (Begins(("model.diffusion_model.",)),)),
        KindRule(Kind.DIFFUSION_MODEL, (_UNET, Has("out.2.weight", LDM))),
        KindRule(
            Kind.DIFFUSION_MODEL,
            (Has("conv_in.weight"), Begins(("down_blocks.0.resnets.",)), Begins(("up_blocks.0.resnets.",))),
        ),
        KindRule(Kind.DIFFUSION_MODEL, (Has("joint_blocks.0.context_block.attn.qkv.weight", LDM),)),
    ),
    bases=(
        BaseRule(Base.SD_1, DIFFUSION, (_width(_LDM_FULL, _FULL, 768),)),
        BaseRule(Base.SD_2, DIFFUSION, (_width(_LDM_FULL, _FULL, 1024),)),
        BaseRule(Base.SDXL, DIFFUSION, (_width(_LDM_HALF, _HALF, 2048), No(Has(_LDM_FULL, LDM)))),
        BaseRule(Base.SDXL_REFINER, DIFFUSION, (_width(_LDM_HALF, _HALF, 1280), No(Has(_LDM_FULL, LDM)))),
        BaseRule(Base.SD_3, DIFFUSION, (Has("joint_blocks.0.context_block.attn.qkv.weight", LDM),)),
        BaseRule(
            Base.SD_3,
            DIFFUSION,
            (
                Has("transformer_blocks.0.attn.add_q_proj.weight", TRANSFORMER),
                Has("pos_embed.proj.weight", TRANSFORMER),
                No(Begins(tuple(f"{prefix}single_transformer_blocks." for prefix in TRANSFORMER))),
            ),
        ),
        BaseRule(Base.SDXL, DIFFUSION, (Begins(("conditioner.embedders.1.",)), _UNET)),
        BaseRule(Base.SDXL_REFINER, DIFFUSION, (Begins(("conditioner.embedders.0.model.",)), _UNET)),
        BaseRule(Base.SD_2, DIFFUSION, (Begins(("cond_stage_model.model.",)), _UNET)),
        BaseRule(Base.SD_1, DIFFUSION, (Begins(("cond_stage_model.transformer.",)), _UNET)),
        BaseRule(Base.SDXL, DIFFUSION, (Says("model_index.json:_class_name", ("stablediffusionxl",)),)),
        BaseRule(Base.SD_3, DIFFUSION, (Says("model_index.json:_class_name", ("stablediffusion3",)),)),
        # SD 1 projects by a 1 x 1 convolution, SD 2 by a linear layer
        BaseRule(
            Base.SD_1, DIFFUSION, (Either((Has(_PROJECTION, DIFFUSERS, ndim=4), Has(_LDM_PROJECTION, LDM, ndim=4))),)
        ),
        BaseRule(
            Base.SD_2, DIFFUSION, (Either((Has(_PROJECTION, DIFFUSERS, ndim=2), Has(_LDM_PROJECTION, LDM, ndim=2))),)
        ),
    ),
)
