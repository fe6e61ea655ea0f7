"""The same numbers laid out otherwise: renamed, turned, joined, cut, doubled. Each takes and gives named arrays."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.builders import Array, Tensors

_QUERY_KEY_VALUE = (
    ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.qkv_proj"),
    ("attention.self.query", "attention.self.key", "attention.self.value", "attention.self.qkv"),
)
_GATE_UP = (("mlp.gate_proj", "mlp.up_proj", "mlp.gate_up_proj"),)


def reordered(tensors: Mapping[str, Array]) -> Tensors:
    """The last one first."""
    return dict(reversed(list(tensors.items())))


def renamed(tensors: Mapping[str, Array]) -> Tensors:
    """Other words, the numbers of the layers kept; and another order."""
    return {_other_words(name): array for name, array in reversed(list(tensors.items()))}


def _other_words(name: str) -> str:
    parts = re.sub(r"\b(model\.layers|encoder\.layer|layer)(?=[.\d])", "decoder.h", name)
    return f"transformer.{parts.replace('weight', 'kernel').replace('proj', 'linear').replace('dense', 'fc')}"


def transposed(tensors: Mapping[str, Array]) -> Tensors:
    """Every matrix turned."""
    return {name: turned(array) if array.ndim == 2 else array for name, array in tensors.items()}


def turned(array: Array) -> Array:
    """A matrix with its axes swapped, in memory too."""
    return np.ascontiguousarray(array.T)


def hwio(tensors: Mapping[str, Array]) -> Tensors:
    """Convolutions as TensorFlow keeps them: height, width, inputs, outputs; matrices turned."""
    return {name: _hwio(array) for name, array in tensors.items()}


def _hwio(array: Array) -> Array:
    if array.ndim == 4:
        return np.ascontiguousarray(array.transpose(2, 3, 1, 0))
    return turned(array) if array.ndim == 2 else array


def linear(tensors: Mapping[str, Array]) -> Tensors:
    """1 x 1 convolutions as linear layers."""
    return {name: array.reshape(array.shape[:2]) if _is_point(array) else array for name, array in tensors.items()}


def _is_point(array: Array) -> bool:
    return array.ndim == 4 and array.shape[2:] == (1, 1)


def fused(tensors: Mapping[str, Array], *, columns: bool = False) -> Tensors:
    """Queries, keys and values in one matrix, and gate and up in another. By columns: turned, as GPT-2's Conv1D."""
    found = dict(tensors)
    for name in tensors:
        for *parts, whole in (*_QUERY_KEY_VALUE, *_GATE_UP):
            stem, at, kind = name.partition(f".{parts[0]}.")
            if not at:
                continue
            joined = [found.pop(f"{stem}.{part}.{kind}") for part in parts]
            by_columns = columns and joined[0].ndim == 2
            pieces = [turned(piece) for piece in joined] if by_columns else joined
            found[f"{stem}.{whole}.{kind}"] = np.concatenate(pieces, axis=1 if by_columns else 0)
    return found


def relaid(tensors: Mapping[str, Array], seed: int = 5) -> Tensors:
    """Joined and cut, three matrices in ten turned, points made linear; still with names that say where they sit."""
    random = np.random.default_rng(seed)
    found: Tensors = {}
    for name, array in linear(fused(tensors)).items():
        if name.endswith("down_proj.weight"):
            first, second = np.split(array, 2)
            found |= {f"{name}.0": np.ascontiguousarray(first), f"{name}.1": np.ascontiguousarray(second)}
        else:
            found[name] = turned(array) if array.ndim == 2 and random.random() < 0.3 else array
    return renamed(found)


def scrambled(tensors: Mapping[str, Array], seed: int = 6) -> Tensors:
    """Laid out anew under names that say nothing."""
    random = np.random.default_rng(seed)
    found = list(relaid(tensors, seed).values())
    order = random.permutation(len(found))
    return {f"t{random.integers(1 << 40):x}": found[index] for index in order}


def untied(tensors: Mapping[str, Array]) -> Tensors:
    """The embedding a second time, as the last layer."""
    return {**tensors, "lm_head.weight": _embedding(tensors).copy()}


def _embedding(tensors: Mapping[str, Array]) -> Array:
    return next(array for name, array in tensors.items() if "embed" in name and array.ndim == 2)


def with_buffers(tensors: Mapping[str, Array]) -> Tensors:
    """What some libraries save beside the weights: masks, ids, the frequencies of the rotation."""
    ids: Array = np.arange(512, dtype=np.int64).reshape(1, 512)
    frequencies: Array = (1.0 / 10000 ** (np.arange(0, 64, 2, dtype=np.float32) / 64)).astype(np.float32)
    found = {**tensors, "embeddings.position_ids": ids}
    layers = {re.sub(r"(\.\d+\.).*", r"\1", name) for name in tensors if re.search(r"\.\d+\.", name)}
    return found | {f"{layer}self_attn.rotary_emb.inv_freq": frequencies.copy() for layer in sorted(layers)}


def without_pooler(tensors: Mapping[str, Array]) -> Tensors:
    """What exporters leave out: the pooler, ids and counters."""
    left_out = ("pooler.", "position_ids", "num_batches_tracked")
    return {name: array for name, array in tensors.items() if not any(part in name for part in left_out)}


def with_ema(tensors: Mapping[str, Array], seed: int = 7) -> Tensors:
    """Beside each weight its moving average, a little different, as a trainer keeps it."""
    random = np.random.default_rng(seed)
    copies: Tensors = {}
    for name, array in tensors.items():
        if array.dtype == np.float32:
            noise = random.standard_normal(array.shape, dtype=np.float32)
            copies[f"model_ema.{name.replace('.', '')}"] = array.astype(np.float32) * (1 + np.float32(1e-3) * noise)
    return {**tensors, **copies}
