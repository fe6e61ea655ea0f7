"""Upscalers: the reason names the architecture."""

from __future__ import annotations

import pytest

from catalog.vocabulary import Kind
from tests.builders import shapes
from tests.recognition.telling import of, reason

WINDOW = "layers.0.residual_group."
FILES: dict[str, shapes.Shapes] = {
    "ESRGAN": {"model.0.weight": (64, 3, 3, 3), "model.1.sub.0.RDB1.conv1.0.weight": (32, 64, 3, 3)},
    "HAT": {f"{WINDOW}overlap_attn.qkv.weight": (540, 180), f"{WINDOW}blocks.0.attn.qkv.weight": (540, 180)},
    "SwinIR": {f"{WINDOW}blocks.0.attn.qkv.weight": (540, 180), "conv_first.weight": (180, 3, 3, 3)},
    "Swin2SR": {f"{WINDOW}blocks.0.attn.qkv.weight": (540, 180), f"{WINDOW}blocks.0.attn.logit_scale": (6, 1, 1)},
    "DAT": {"before_RG.1.weight": (180,), "layers.0.blocks.0.attn.qkv.weight": (540, 180)},
    "SPAN": {"block_1.c1_r.eval_conv.weight": (48, 48, 3, 3), "conv_cat.weight": (48, 192, 1, 1)},
    "PLKSR": {"feats.0.weight": (64, 3, 3, 3), "feats.1.refine.weight": (64, 64, 1, 1)},
    "Real-CUGAN": {"unet1.conv1.conv.0.weight": (32, 3, 3, 3), "unet2.conv1.conv.0.weight": (32, 3, 3, 3)},
    "SCUNet": {
        "m_head.0.weight": (64, 3, 3, 3),
        "m_body.0.conv1_1.weight": (64, 64, 1, 1),
        "m_tail.0.weight": (3, 64, 3, 3),
    },
    "Real-ESRGAN's compact network": {
        "body.0.weight": (64, 3, 3, 3),
        "body.1.weight": (64,),
        "body.2.weight": (64, 64, 3, 3),
    },
}


@pytest.mark.parametrize("wrapper", ["", "params_ema.", "module."])
@pytest.mark.parametrize("name", FILES)
def test_each_architecture_is_named(name: str, wrapper: str) -> None:
    found = of(shapes.prefixed(wrapper, FILES[name]))
    assert found.kind is Kind.UPSCALER
    assert f"built like {name}" in reason(found, "kind")
    assert not found.candidates


def test_the_body_of_another_network_is_no_compact_one() -> None:
    assert of({"body.0.weight": (64, 64), "body.1.weight": (64,)}).kind is Kind.UNKNOWN
