"""A LoRA for the small Stable Diffusion 1.5, as kohya's trainer, diffusers and PEFT each write it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from tests.builders import networks_diffusion, safetensors
from tests.builders.networks import drawn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.builders import Array, Shape, Tensors

RANK = 8


def targets() -> dict[str, tuple[int, int]]:
    """The attention matrices of the U-Net by their names in diffusers: (outputs, inputs)."""
    found = {}
    for twin in networks_diffusion.unet(networks_diffusion.SD_1):
        stem = twin.diffusers.removesuffix(".weight")
        if len(twin.shape) == 2 and stem != twin.diffusers and ".attn" in stem:
            found[stem] = (twin.shape[0], twin.shape[1])
    return found


def pairs(seed: int, rank: int = RANK) -> dict[str, tuple[Array, Array]]:
    """Of each matrix its down (rank, inputs) and up (outputs, rank), in f32, both trained."""
    shapes: dict[str, Shape] = {}
    for name, (outputs, inputs) in targets().items():
        shapes |= {f"{name}.down": (rank, inputs), f"{name}.up": (outputs, rank)}
    values = drawn(shapes, seed)
    return {name: (values[f"{name}.down"], values[f"{name}.up"]) for name in targets()}


def kohya(found: Mapping[str, tuple[Array, Array]], alpha: float | None = RANK) -> Tensors:
    """`lora_unet_..._attn1_to_q.lora_down.weight` and so on; with its alpha, if any."""
    tensors: Tensors = {}
    for name, (down, up) in found.items():
        stem = f"lora_unet_{name.replace('.', '_')}"
        if alpha is not None:
            tensors[f"{stem}.alpha"] = np.array(alpha, down.dtype)
        tensors |= {f"{stem}.lora_down.weight": down, f"{stem}.lora_up.weight": up}
    return tensors


def diffusers(found: Mapping[str, tuple[Array, Array]]) -> Tensors:
    """`unet....to_q.lora_A.weight`, which has no alpha: it is the rank, unless a note in the header says otherwise."""
    tensors: Tensors = {}
    for name, (down, up) in found.items():
        tensors |= {f"unet.{name}.lora_A.weight": down, f"unet.{name}.lora_B.weight": up}
    return tensors


def peft(found: Mapping[str, tuple[Array, Array]], alpha: float = RANK, rank: int = RANK) -> dict[str, bytes]:
    """A folder with `adapter_model.safetensors` and the configuration that holds the alpha."""
    tensors: Tensors = {}
    for name, (down, up) in found.items():
        tensors |= {f"base_model.model.{name}.lora_A.weight": down, f"base_model.model.{name}.lora_B.weight": up}
    config = {
        "peft_type": "LORA",
        "r": rank,
        "lora_alpha": alpha,
        "target_modules": ["to_q", "to_k", "to_v", "to_out.0"],
    }
    return {
        "adapter_model.safetensors": safetensors(tensors, {"format": "pt"}),
        "adapter_config.json": json.dumps(config).encode(),
    }


def rescaled(found: Mapping[str, tuple[Array, Array]], factor: float) -> dict[str, tuple[Array, Array]]:
    """The same with its effect so many times as strong, in the weights themselves; by powers of two exactly."""
    return {
        name: (down, (up.astype(np.float32) * np.float32(factor)).astype(up.dtype))
        for name, (down, up) in found.items()
    }
