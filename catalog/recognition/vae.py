"""Autoencoders. Those of SD 1, SDXL, FLUX and SD 3 share their names: only a scaling factor tells one from another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.recognition.base import Sign
from catalog.recognition.markers import Begins, Either, Has, No
from catalog.recognition.rules import BaseRule, Family, KindRule
from catalog.recognition.scaling import Scaled
from catalog.vocabulary import Base, Kind

if TYPE_CHECKING:
    from catalog.recognition.rules import Marker

_UNDER = ("", "first_stage_model.", "vae.", "vae/")
_VAE = frozenset({Kind.VAE})
_APPROX = frozenset({Kind.VAE_APPROX})
_LATENT = "decoder.conv_in.weight"

_OWN: tuple[tuple[tuple[Base, ...], tuple[Marker, ...]], ...] = (
    ((Base.FLUX_2,), (Has(_LATENT, _UNDER, {1: 32}, ndim=4), Has("bn.running_mean", _UNDER))),
    ((Base.HUNYUAN_IMAGE,), (Has(_LATENT, _UNDER, {1: 64}, ndim=4), Has("encoder.conv_in.weight", _UNDER))),
    ((Base.HUNYUAN_IMAGE,), (Has(_LATENT, _UNDER, {1: 32}, ndim=5),)),
    ((Base.SVD,), (Has("decoder.mid.block_1.mix_factor", _UNDER),)),
    (
        (Base.WAN,),
        (
            Either(
                (
                    Has("decoder.upsamples.0.upsamples.0.residual.2.weight", _UNDER),
                    Has("conv2.weight", _UNDER, {0: 48}, ndim=5),
                )
            ),
        ),
    ),
    (
        (Base.WAN, Base.QWEN_IMAGE),
        (Has("decoder.middle.0.residual.0.gamma", _UNDER), Has("conv2.weight", _UNDER, {0: 16}, ndim=5)),
    ),
    ((Base.WAN, Base.QWEN_IMAGE), (Has("decoder.mid_block.resnets.0.norm1.gamma", _UNDER),)),
    ((Base.LTX_VIDEO,), (Has("decoder.up_blocks.0.res_blocks.0.conv1.conv.weight", _UNDER),)),
    ((Base.LTX_VIDEO,), (Has("decoder.conv_in.conv.weight", _UNDER, {1: 128}),)),
    (
        (Base.HUNYUAN_VIDEO,),
        (
            Has("decoder.conv_in.conv.weight", _UNDER, {1: (16, 32)}),
            No(Has("decoder.up_blocks.0.res_blocks.0.conv1.conv.weight", _UNDER)),
            No(Has("decoder.mid_block.resnets.0.norm1.conv_y.conv.weight", _UNDER)),
        ),
    ),
    ((Base.COGVIDEOX,), (Has("decoder.mid_block.resnets.0.norm1.conv_y.conv.weight", _UNDER),)),
    (
        (Base.MOCHI,),
        (
            Either(
                (
                    Has("blocks.2.blocks.3.stack.5.weight", ("", "decoder.", "vae.decoder.")),
                    Has("layers.4.layers.1.attn_block.attn.qkv.weight", ("", "encoder.", "vae.encoder.")),
                )
            ),
        ),
    ),
    ((Base.COSMOS,), (Has("decoder.unpatcher3d.wavelets", _UNDER),)),
    ((Base.STABLE_CASCADE,), (Has("vquantizer.codebook.weight", _UNDER),)),
    ((Base.STABLE_CASCADE,), (Has("backbone.1.0.block.0.1.num_batches_tracked", ("", "encoder.")),)),
    ((Base.STABLE_AUDIO,), (Has("decoder.layers.1.layers.0.beta", ("", "pretransform.model.", "vae.")),)),
    ((Base.ACE_STEP,), (Has("vocoder.backbone.channel_layers.0.0.bias", ("", "vae.")),)),
    ((Base.SEEDVR_2,), (Has("decoder.up_blocks.2.upsamplers.0.upscale_conv.weight", _UNDER),)),
    ((Base.SANA,), (Has("decoder.project_in.conv.weight", _UNDER), Begins(("encoder.stages.",)))),
)
"""Tensors that only the autoencoders of these bases have."""

_PICTURES = (
    Has(_LATENT, _UNDER),
    Either(
        (
            Has("encoder.conv_in.weight", _UNDER),
            Has("decoder.mid.block_1.conv1.weight", _UNDER),
            Has("decoder.mid_block.resnets.0.conv1.weight", _UNDER),
        )
    ),
    No(Begins(("fuse_convs_dict.",))),
)
_TINY = Either(
    (
        Has("taesd_decoder.1.weight"),
        Has("taesd_encoder.0.weight"),
        Has("decoder.layers.0.weight", dims={0: 64, 2: 3, 3: 3}),
        Has("decoder.layers.1.weight", dims={0: 64, 2: 3, 3: 3}),
    )
)
_TINY_ALONE = Either(
    (
        Has("1.weight", dims={0: 64, 2: 3, 3: 3}),
        Has("0.weight", dims={0: 64, 1: 3, 2: 3, 3: 3}),
        Has("decoder.1.weight", dims={0: (64, 256), 2: 3, 3: 3}),
    )
)
_TINY_BLOCKS = Begins(("3.conv.0.", "1.conv.0.", "decoder.3.conv.0."))
_CHEAP = (Has("conv1.weight", dims={0: 8, 1: (4, 16), 2: 7, 3: 7}), Has("conv8.weight", dims={0: 3}))
"""The eight convolutions that A1111 previews with."""

FAMILY = Family(
    kinds=(
        KindRule(Kind.VAE_APPROX, (_TINY,)),
        KindRule(Kind.VAE_APPROX, (_TINY_ALONE, _TINY_BLOCKS)),
        KindRule(Kind.VAE_APPROX, _CHEAP),
        KindRule(Kind.VAE, _PICTURES),
        *(KindRule(Kind.VAE, markers) for _, markers in _OWN),
    ),
    bases=(
        *(BaseRule(base, _VAE, markers) for bases, markers in _OWN for base in bases),
        *(
            BaseRule(base, _VAE, (Has(_LATENT, _UNDER, {1: channels}), Scaled(factor)))
            for base, channels, factor in (
                (Base.SD_1, 4, 0.18215),
                (Base.SDXL, 4, 0.13025),
                (Base.FLUX, 16, 0.3611),
                (Base.SD_3, 16, 1.5305),
            )
        ),
        BaseRule(Base.HUNYUAN_VIDEO, _APPROX, (Has("decoder.1.weight", dims={0: 256}),), Sign.LIKENESS),
    ),
)
