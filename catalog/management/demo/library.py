"""The demo library: one model in four shapes, its kin and its troubles, so that the catalog has something to tell."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from catalog.management.demo import llama, lora, sd1
from catalog.management.demo.arrays import BRAIN, HALF, Array, Tensors, cast, weights
from catalog.management.demo.writers import gguf, safetensors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SEED = 20_250_101
COMPLETE = ".demo-complete"
"""Written last, with the version of the library below it."""

VERSION = "1"
TITLE = "Demo Diffusion 1.5"

_CHECKPOINTS = "Stable-diffusion"
_SHARDS = 3

File: TypeAlias = "tuple[str, bytes]"
"""A path relative to the library, and what stands there."""


def make_demo(folder: Path) -> None:
    """Write the demo library below `folder`, about 150 MB, once: a complete one is left as it is.

    Raises `OSError` when the folder cannot be written.
    """
    done = folder / COMPLETE
    if done.exists() and done.read_text() == VERSION:
        return
    for path, content in _files():
        _write(folder / path, content)
    _write(done, VERSION.encode())


def _files() -> Iterator[File]:
    yield from _diffusion()
    yield from _language()
    yield "Lora/demo-style.safetensors", safetensors(lora.tensors(SEED), lora.METADATA)


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all: a scan that runs meanwhile passes over `.part` files."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(content)
    os.replace(part, path)


def _diffusion() -> Iterator[File]:
    """A checkpoint in three precisions, one half download, and a diffusers folder of the same weights."""
    full = checkpoint(SEED)
    metadata = {
        "modelspec.title": TITLE,
        "modelspec.architecture": "stable-diffusion-v1",
        "modelspec.prediction_type": "epsilon",
    }
    yield f"{_CHECKPOINTS}/demo-diffusion-fp32.safetensors", safetensors(full, metadata)
    yield f"{_CHECKPOINTS}/demo-diffusion-bf16.safetensors", safetensors(cast(full, BRAIN), metadata)
    half = cast(full, HALF)
    content = safetensors(half, metadata)
    yield f"{_CHECKPOINTS}/demo-diffusion-fp16.safetensors", content
    yield f"{_CHECKPOINTS}/half-a-download.safetensors", content[:3_000_000]
    for path, data in diffusers_folder(half).items():
        yield f"diffusers/demo-diffusion/{path}", data


def checkpoint(seed: int) -> Tensors:
    """Every tensor of the tiny Stable Diffusion 1.5 in float32, under the names of a checkpoint."""
    shapes = {
        prefix + tensor.ldm: tensor.ldm_shape
        for prefix, parts in zip(_PREFIXES, (sd1.unet(), sd1.vae(), sd1.text_encoder()), strict=True)
        for tensor in parts
    }
    betas = np.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=np.float32) ** 2
    return {
        **weights(shapes, seed),
        f"{_PREFIXES[2]}text_model.embeddings.position_ids": np.arange(77, dtype=np.int64).reshape(1, 77),
        "betas": betas,
        "alphas_cumprod": np.cumprod(1 - betas),
    }


_PREFIXES = ("model.diffusion_model.", "first_stage_model.", "cond_stage_model.transformer.")
"""The three parts of a checkpoint: U-Net, autoencoder, text encoder."""


def diffusers_folder(tensors: Mapping[str, Array]) -> dict[str, bytes]:
    """The files of a diffusers folder with the weights of a checkpoint, by relative path."""
    files: dict[str, bytes] = {}
    parts = (
        ("unet", "diffusion_pytorch_model", sd1.unet()),
        ("vae", "diffusion_pytorch_model", sd1.vae()),
        ("text_encoder", "model", sd1.text_encoder()),
    )
    for (folder, stem, named), prefix in zip(parts, _PREFIXES, strict=True):
        part = {item.diffusers: tensors[prefix + item.ldm].reshape(item.shape) for item in sorted(named)}
        files[f"{folder}/{stem}.safetensors"] = safetensors(part, {"format": "pt"})
    return files | {path: json.dumps(config, indent=2).encode() for path, config in _CONFIGS.items()}


_CONFIGS: Mapping[str, Mapping[str, object]] = {
    "model_index.json": {
        "_class_name": "StableDiffusionPipeline",
        "_diffusers_version": "0.35.2",
        "scheduler": ["diffusers", "PNDMScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    },
    "scheduler/scheduler_config.json": {
        "_class_name": "PNDMScheduler",
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "beta_start": 0.00085,
        "num_train_timesteps": 1000,
        "prediction_type": "epsilon",
    },
    "text_encoder/config.json": {
        "architectures": ["CLIPTextModel"],
        "hidden_act": "quick_gelu",
        "hidden_size": sd1.CONTEXT,
        "intermediate_size": sd1.TEXT_INNER,
        "model_type": "clip_text_model",
        "num_attention_heads": 12,
        "num_hidden_layers": sd1.TEXT_LAYERS,
        "vocab_size": sd1.TOKENS,
    },
    "tokenizer/tokenizer_config.json": {"model_max_length": 77, "tokenizer_class": "CLIPTokenizer"},
    "tokenizer/vocab.json": {f"<{number}>": number for number in range(sd1.TOKENS)},
    "unet/config.json": {
        "_class_name": "UNet2DConditionModel",
        "attention_head_dim": 8,
        "block_out_channels": list(sd1.WIDTHS),
        "cross_attention_dim": sd1.CONTEXT,
        "in_channels": sd1.LATENTS,
        "out_channels": sd1.LATENTS,
    },
    "vae/config.json": {
        "_class_name": "AutoencoderKL",
        "block_out_channels": list(sd1.VAE_WIDTHS),
        "latent_channels": sd1.LATENTS,
        "scaling_factor": 0.18215,
    },
}


def _language() -> Iterator[File]:
    """A tiny Llama in shards, the same quantised as a GGUF, and that once more elsewhere."""
    tensors = cast(weights(llama.shapes(), SEED), BRAIN)
    for path, content in sharded(tensors, _SHARDS).items():
        yield f"llm/demo-llama/{path}", content
    yield "llm/demo-llama/config.json", json.dumps(llama.CONFIG, indent=2).encode()
    quantised = gguf(llama.to_gguf(tensors), llama.gguf_metadata("Demo Llama"))
    yield "llm/demo-llama-Q8_0.gguf", quantised
    yield "downloads/demo-llama-Q8_0 (1).gguf", quantised


def sharded(tensors: Mapping[str, Array], count: int, stem: str = "model") -> dict[str, bytes]:
    """The tensors in `count` shards with their index, by file name."""
    names = list(tensors)
    length = -(-len(names) // count)
    files: dict[str, bytes] = {}
    weight_map: dict[str, str] = {}
    for number in range(count):
        shard = f"{stem}-{number + 1:05d}-of-{count:05d}.safetensors"
        part = {name: tensors[name] for name in names[number * length : (number + 1) * length]}
        files[shard] = safetensors(part, {"format": "pt"})
        weight_map |= dict.fromkeys(part, shard)
    total = sum(array.nbytes for array in tensors.values())
    index = {"metadata": {"total_size": total}, "weight_map": weight_map}
    return {**files, f"{stem}.safetensors.index.json": json.dumps(index, indent=2).encode()}
