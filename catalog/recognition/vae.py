"""Autoencoders of image models. The same names serve every family; only a scaling factor tells one from another."""

from __future__ import annotations

from catalog.recognition.rules import BaseRule, Either, Family, Has, KindRule
from catalog.recognition.scaling import Scaled
from catalog.vocabulary import Base, Kind

_UNDER = ("", "first_stage_model.", "vae.")
_VAE = frozenset({Kind.VAE})

FAMILY = Family(
    kinds=(
        KindRule(
            Kind.VAE,
            (
                Has("decoder.conv_in.weight", _UNDER),
                Either(
                    (
                        Has("encoder.conv_in.weight", _UNDER),
                        Has("decoder.mid.block_1.conv1.weight", _UNDER),
                        Has("decoder.mid_block.resnets.0.conv1.weight", _UNDER),
                    )
                ),
            ),
        ),
    ),
    bases=tuple(
        BaseRule(base, _VAE, (Has("decoder.conv_in.weight", _UNDER, {1: channels}), Scaled(factor)))
        for base, channels, factor in (
            (Base.SD_1, 4, 0.18215),
            (Base.SDXL, 4, 0.13025),
            (Base.FLUX, 16, 0.3611),
            (Base.SD_3, 16, 1.5305),
        )
    ),
)
