"""Upscalers: ESRGAN in its old and its new names, and the window transformers."""

from __future__ import annotations

from catalog.recognition.rules import Either, Family, Has, KindRule
from catalog.vocabulary import Kind

_UNDER = ("", "params_ema.", "params.")

FAMILY = Family(
    kinds=(
        KindRule(
            Kind.UPSCALER,
            (
                Either(
                    (
                        Has("model.1.sub.0.RDB1.conv1.0.weight"),
                        Has("body.0.rdb1.conv1.weight", _UNDER),
                        Has("layers.0.residual_group.blocks.0.attn.qkv.weight", _UNDER),
                    )
                ),
            ),
        ),
    ),
)
