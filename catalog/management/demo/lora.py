"""A LoRA for the tiny Stable Diffusion, as kohya's trainer names and describes one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from catalog.management.demo import sd1
from catalog.management.demo.arrays import Array, Shape, Tensors, weights

if TYPE_CHECKING:
    from collections.abc import Mapping

RANK, ALPHA = 8, 4

METADATA: Mapping[str, str] = {
    "modelspec.architecture": "stable-diffusion-v1/lora",
    "modelspec.title": "Demo Style",
    "ss_base_model_version": "sd_v1",
    "ss_network_alpha": str(float(ALPHA)),
    "ss_network_dim": str(RANK),
    "ss_network_module": "networks.lora",
    "ss_output_name": "demo-style",
    "ss_v2": "False",
}


def tensors(seed: int) -> Tensors:
    """Down, up and alpha for each attention layer of the U-Net and of the text encoder."""
    shapes: dict[str, Shape] = {}
    targets = _targets()
    for name, (out, width) in targets.items():
        shapes[f"{name}.lora_down.weight"] = (RANK, width)
        shapes[f"{name}.lora_up.weight"] = (out, RANK)
    alphas: dict[str, Array] = {f"{name}.alpha": np.array(ALPHA, np.float32) for name in targets}
    return dict(sorted((weights(shapes, seed) | alphas).items()))


def _targets() -> dict[str, tuple[int, int]]:
    """Every attention matrix by kohya's name, with its shape."""
    found = {}
    for prefix, parts in (("lora_unet", sd1.unet()), ("lora_te", sd1.text_encoder())):
        for tensor in parts:
            stem = tensor.diffusers.removesuffix(".weight")
            if len(tensor.shape) == 2 and stem != tensor.diffusers and "attn" in stem:
                found[f"{prefix}_{stem.replace('.', '_')}"] = (tensor.shape[0], tensor.shape[1])
    return found
