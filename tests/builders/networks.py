"""Random networks with the names, shapes and values of real ones, small enough to convert in every way in a test."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.builders import Array, Shape, Tensors, Value

Floats: TypeAlias = "np.typing.NDArray[np.float32]"


@dataclass(frozen=True)
class Network:
    """One model in float32. `heads` and `kv_heads`: of its attention, 0 where nothing is rotated."""

    name: str
    tensors: Tensors
    heads: int = 0
    kv_heads: int = 0
    header: Mapping[str, Value] = field(default_factory=dict)


def drawn(shapes: Mapping[str, Shape], seed: int) -> Tensors:
    """Values as training leaves them, for each name: they depend on the seed and the name alone.

    Matrices are normal with a few outliers, of some rows more than of others; scales of norms lie about one, half of
    the biases are zero, variances positive, some values tie, and one matrix in eight has a few exact zeros.
    """
    return {
        name: _drawn(name, shape, np.random.default_rng([seed, zlib.crc32(name.encode())]))
        for name, shape in shapes.items()
    }


def _drawn(name: str, shape: Shape, random: np.random.Generator) -> Array:
    values = random.standard_normal(shape, dtype=np.float32)
    if len(shape) > 1:
        return _matrix(values, random)
    if name.endswith("running_var"):
        return np.float32(0.1) + np.abs(values)
    if _is_scale(name):
        return np.float32(1) + values * np.float32(0.08)
    if name.endswith("bias") and random.random() < 0.5:
        return np.zeros(shape, np.float32)
    return values * np.float32(0.03)


def _is_scale(name: str) -> bool:
    last = name.rpartition(".")[0].rpartition(".")[2]
    return name.endswith("weight") and ("norm" in last.lower() or last.startswith(("ln", "bn")))


def _matrix(values: Floats, random: np.random.Generator) -> Array:
    values *= np.float32(0.5 / np.sqrt(values[0].size))
    values *= random.uniform(0.6, 1.6, (len(values), *[1] * (values.ndim - 1))).astype(np.float32)
    flat = values.reshape(-1)
    count = max(flat.size // 2000, 1)
    flat[random.integers(0, flat.size, count)] *= np.float32(12)
    flat[random.integers(0, flat.size, count)] = flat[random.integers(0, flat.size, count)]
    if random.random() < 0.125:
        flat[random.integers(0, flat.size, count)] = 0
    return values


def llama(
    seed: int,
    *,
    hidden: int = 256,
    inner: int = 512,
    layers: int = 3,
    tokens: int = 320,
    heads: int = 4,
    kv_heads: int = 2,
) -> Network:
    """A language model of Llama's build with grouped queries, under transformers' names; its embedding is tied."""
    narrow = hidden * kv_heads // heads
    part: dict[str, Shape] = {
        "input_layernorm": (hidden,),
        "self_attn.q_proj": (hidden, hidden),
        "self_attn.k_proj": (narrow, hidden),
        "self_attn.v_proj": (narrow, hidden),
        "self_attn.o_proj": (hidden, hidden),
        "post_attention_layernorm": (hidden,),
        "mlp.gate_proj": (inner, hidden),
        "mlp.up_proj": (inner, hidden),
        "mlp.down_proj": (hidden, inner),
    }
    shapes: dict[str, Shape] = {"model.embed_tokens.weight": (tokens, hidden), "model.norm.weight": (hidden,)}
    for number in range(layers):
        shapes |= {f"model.layers.{number}.{name}.weight": shape for name, shape in part.items()}
    header: dict[str, Value] = {
        "general.architecture": "llama",
        "llama.block_count": layers,
        "llama.embedding_length": hidden,
        "llama.feed_forward_length": inner,
        "llama.attention.head_count": heads,
        "llama.attention.head_count_kv": kv_heads,
    }
    return Network("llama", drawn(shapes, seed), heads, kv_heads, header)


def bert(seed: int, *, hidden: int = 96, inner: int = 384, layers: int = 4, tokens: int = 700) -> Network:
    """A sentence encoder of MiniLM's build with its pooler and position ids; rows are no multiple of 256."""
    shapes: dict[str, Shape] = {
        "embeddings.word_embeddings.weight": (tokens, hidden),
        "embeddings.position_embeddings.weight": (128, hidden),
        "embeddings.token_type_embeddings.weight": (2, hidden),
        **_layer("embeddings.LayerNorm", (hidden,)),
        **_layer("pooler.dense", (hidden, hidden)),
    }
    for number in range(layers):
        block = f"encoder.layer.{number}"
        for name in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
            shapes |= _layer(f"{block}.{name}", (hidden, hidden))
        shapes |= _layer(f"{block}.attention.output.LayerNorm", (hidden,))
        shapes |= _layer(f"{block}.intermediate.dense", (inner, hidden))
        shapes |= _layer(f"{block}.output.dense", (hidden, inner))
        shapes |= _layer(f"{block}.output.LayerNorm", (hidden,))
    ids: Array = np.arange(128, dtype=np.int64).reshape(1, 128)
    header: dict[str, Value] = {
        "general.architecture": "bert",
        "bert.block_count": layers,
        "bert.attention.head_count": 4,
    }
    return Network("bert", {**drawn(shapes, seed), "embeddings.position_ids": ids}, header=header)


def convnet(seed: int, *, width: int = 32, blocks: int = 4, classes: int = 40) -> Network:
    """A small residual network with batch norms and their counters."""
    shapes: dict[str, Shape] = {
        "conv1.weight": (width, 3, 7, 7),
        **_norm("bn1", width),
        **_layer("fc", (classes, width * 2)),
    }
    for number in range(blocks):
        name, wide = f"layer{number // 2 + 1}.{number % 2}", width * (1 + number // 2)
        before = width if number <= blocks // 2 else wide
        shapes[f"{name}.conv1.weight"] = (wide, before, 3, 3)
        shapes[f"{name}.conv2.weight"] = (wide, wide, 3, 3)
        shapes |= {**_norm(f"{name}.bn1", wide), **_norm(f"{name}.bn2", wide)}
        if before != wide:
            shapes[f"{name}.downsample.0.weight"] = (wide, before, 1, 1)
    counters = {f"{name}num_batches_tracked": np.array(1234, np.int64) for name in _norms(shapes)}
    return Network("convnet", {**drawn(shapes, seed), **counters})


def _norms(shapes: Mapping[str, Shape]) -> list[str]:
    return [name.removesuffix("running_var") for name in shapes if name.endswith("running_var")]


def _layer(name: str, shape: Shape) -> dict[str, Shape]:
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def _norm(name: str, width: int) -> dict[str, Shape]:
    return {f"{name}.{part}": (width,) for part in ("weight", "bias", "running_mean", "running_var")}
