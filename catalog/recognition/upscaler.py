"""Upscalers and other menders of pictures, by the tensors that spandrel knows their architectures by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from catalog.recognition.base import Sign
from catalog.recognition.markers import Begins, Either, Has, No
from catalog.recognition.rules import Family, KindRule
from catalog.vocabulary import Kind

if TYPE_CHECKING:
    from catalog.recognition.facts import Facts
    from catalog.recognition.rules import Marker

_UNDER = ("", "params_ema.", "params.", "netG.", "generator.")
_WINDOW = "layers.0.residual_group."


def _has(name: str) -> Has:
    return Has(name, _UNDER)


ARCHITECTURES: tuple[tuple[str, tuple[Marker, ...]], ...] = (
    (
        "ESRGAN",
        (
            Either(
                (
                    _has("model.1.sub.0.RDB1.conv1.0.weight"),
                    _has("RRDB_trunk.0.RDB1.conv1.weight"),
                    _has("body.0.rdb1.conv1.weight"),
                    _has("body.0.rdb1.conv1.0.weight"),
                )
            ),
        ),
    ),
    ("HAT", (Begins((f"{_WINDOW}overlap_attn.", f"params_ema.{_WINDOW}overlap_attn.")),)),
    ("ATD", (_has(f"{_WINDOW}layers.0.attn_atd.scale"),)),
    ("Swin2SR", (_has(f"{_WINDOW}blocks.0.attn.logit_scale"),)),
    ("SwinIR", (_has(f"{_WINDOW}blocks.0.attn.qkv.weight"), No(_has(f"{_WINDOW}blocks.0.attn.logit_scale")))),
    ("DAT", (_has("layers.0.blocks.0.attn.qkv.weight"), _has("before_RG.1.weight"))),
    ("SPAN", (_has("block_1.c1_r.eval_conv.weight"), _has("conv_cat.weight"))),
    ("OmniSR", (_has("residual_layer.0.residual_layer.0.layer.0.fn.0.weight"),)),
    ("PLKSR", (_has("feats.0.weight"), _has("feats.1.refine.weight"))),
    ("RCAN", (Either((_has("body.0.body.0.body.3.conv_du.0.weight"), _has("body.0.rcab.0.conv_du.0.weight"))),)),
    ("Real-CUGAN", (_has("unet1.conv1.conv.0.weight"), _has("unet2.conv1.conv.0.weight"))),
    ("SCUNet", (_has("m_head.0.weight"), _has("m_tail.0.weight"), _has("m_body.0.conv1_1.weight"))),
    ("NAFNet", (_has("intro.weight"), _has("ending.weight"), _has("middle_blks.0.beta"))),
    ("LaMa", (Either((_has("model.model.1.bn_l.running_mean"), _has("model.1.bn_l.running_mean"))),)),
    ("AuraSR", (Begins(("upsampler.", "gigagan.")), Begins(("style_network.", "to_rgbs.")))),
    ("LTX latent upscaler", (_has("initial_conv.weight"), _has("res_blocks.0.conv1.weight"), Begins(("upsampler.",)))),
)
"""The name of an architecture, and tensors which all together are its own."""


@dataclass(frozen=True, slots=True)
class Built:
    """Nothing to find, and a word for people on what is found beside it."""

    name: str
    sign: ClassVar[Sign] = Sign.TENSORS

    def found(self, _facts: Facts) -> str:
        return f"built like {self.name}"


_COMPACT = (
    Has("body.0.weight", _UNDER, {1: 3, 2: 3, 3: 3}),
    Has("body.1.weight", _UNDER, ndim=1),
    Has("body.2.weight", _UNDER, ndim=4),
)
"""A first convolution, the slopes of a PReLU, the next convolution, and so on."""

FAMILY = Family(
    kinds=(
        *(KindRule(Kind.UPSCALER, (*markers, Built(name))) for name, markers in ARCHITECTURES),
        KindRule(Kind.UPSCALER, (*_COMPACT, Built("Real-ESRGAN's compact network"))),
    ),
)
