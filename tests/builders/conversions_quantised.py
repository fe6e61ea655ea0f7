"""The same weights quantised: int8 as several tools keep it, and GGUF of every type under llama.cpp's names."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tests.builders import HALF, Packed, gguf
from tests.builders.conversions_layout import turned

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.builders import Array, Tensors, Value
    from tests.builders.networks import Network

Quantiser = "Callable[[Array, str], Packed]"

LLAMA = {
    "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
}  # fmt: skip
BERT = {
    "attention.self.query": "attn_q", "attention.self.key": "attn_k", "attention.self.value": "attn_v",
    "attention.output.dense": "attn_output", "attention.output.LayerNorm": "attn_output_norm",
    "intermediate.dense": "ffn_up", "output.dense": "ffn_down", "output.LayerNorm": "layer_output_norm",
}  # fmt: skip
ENDS = {
    "model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output",
    "embeddings.word_embeddings": "token_embd", "embeddings.position_embeddings": "position_embd",
    "embeddings.token_type_embeddings": "token_types", "embeddings.LayerNorm": "token_embd_norm",
}  # fmt: skip
BLOCKS = {"Q4_0": 32, "Q4_1": 32, "Q5_0": 32, "Q5_1": 32, "Q8_0": 32, "IQ4_NL": 32}
FALLBACK = "Q8_0"


class Levels(NamedTuple):
    """Integers and what they count."""

    integers: Array
    scale: Array


def int8(values: Array, *, by_row: bool) -> Levels:
    """Symmetric: the largest value is 127."""
    wide = values.astype(np.float32)
    largest = np.abs(wide).max(axis=1, keepdims=True) if by_row else np.abs(wide).max()
    scale = np.maximum(largest, 1e-12).astype(np.float32) / np.float32(127)
    return Levels(np.clip(np.rint(wide / scale), -127, 127).astype(np.int8), np.asarray(scale, np.float32))


def int8_beside_scales(tensors: Mapping[str, Array], *, by_row: bool) -> Tensors:
    """compressed-tensors' W8A8: I8 `weight` and `weight_scale`."""
    found: Tensors = {}
    for name, array in tensors.items():
        if array.ndim == 2 and array.dtype == np.float32 and name.endswith(".weight"):
            made = int8(array, by_row=by_row)
            found[name] = made.integers
            found[f"{name}_scale"] = made.scale.reshape(-1, 1) if by_row else made.scale.reshape(1)
        else:
            found[name] = array
    return found


def onnx_int8(tensors: Mapping[str, Array]) -> Tensors:
    """ONNX Runtime's dynamic quantisation: matrices turned, as U8 with scale and zero point, f32 for the rest."""
    found: Tensors = {}
    for name, array in tensors.items():
        if array.ndim == 2 and array.dtype == np.float32:
            values = turned(array).astype(np.float32)
            low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
            scale = np.float32((high - low) / 255)
            zero = np.uint8(np.clip(np.rint(-low / scale), 0, 255))
            found[f"{name}_quantized"] = np.clip(np.rint(values / scale) + zero, 0, 255).astype(np.uint8)
            found[f"{name}_scale"] = np.array(scale, np.float32)
            found[f"{name}_zero_point"] = np.array(zero, np.uint8)
        else:
            found[name] = array
    return found


def gguf_tensors(network: Network) -> Tensors:
    """What llama.cpp's converter makes of it: its names, rotary halves interleaved, no pooler, no ids."""
    found: Tensors = {}
    for name, array in network.tensors.items():
        called = gguf_name(name)
        if called:
            found[called] = _rotated(name, array, network)
    return found


def gguf_name(name: str) -> str:
    """llama.cpp's name of a tensor of transformers; "" for what it does not take."""
    stem, _, kind = name.rpartition(".")
    if stem in ENDS:
        return f"{ENDS[stem]}.{kind}"
    for before, parts in (("model.layers.", LLAMA), ("encoder.layer.", BERT)):
        number, _, part = stem.removeprefix(before).partition(".")
        if stem.startswith(before) and part in parts:
            return f"blk.{number}.{parts[part]}.{kind}"
    return ""


def _rotated(name: str, array: Array, network: Network) -> Array:
    heads = {"q_proj.weight": network.heads, "k_proj.weight": network.kv_heads}
    count = next((number for ending, number in heads.items() if name.endswith(ending)), 0)
    if not count:
        return array
    rows, columns = array.shape
    halves = array.reshape(count, 2, rows // count // 2, columns)
    return np.ascontiguousarray(halves.swapaxes(1, 2)).reshape(rows, columns)


def gguf_file(network: Network, pack: Callable[[str, Array], Array | Packed], file_type: int = 0) -> bytes:
    """A GGUF file of it; `pack` turns each tensor into its stored form."""
    header: dict[str, Value] = {**network.header, "general.name": network.name, "general.file_type": file_type}
    return gguf({name: pack(name, array) for name, array in gguf_tensors(network).items()}, header)


def gguf_of(network: Network, kind: str, quantise: Callable[[Array, str], Packed], *, half: bool = False) -> bytes:
    """Quantised to one type; rows that its blocks do not fill as Q8_0, or f16; norms and biases in f32.

    `half`: from an f16 file, as llama.cpp's two steps do it.
    """

    def pack(_: str, array: Array) -> Array | Packed:
        if array.ndim < 2:
            return array
        values = array.astype(HALF).astype(np.float32) if half else array
        for one in (kind, FALLBACK):
            if values.shape[-1] % BLOCKS.get(one, 256) == 0:
                return quantise(values, one)
        return values.astype(HALF)

    return gguf_file(network, pack)


def gguf_mixed(network: Network, quantise: Callable[[Array, str], Packed]) -> bytes:
    """Q4_K_M: half of the values and downward projections, and the embedding, in Q6_K, the rest in Q4_K."""

    def pack(name: str, array: Array) -> Array | Packed:
        if array.ndim < 2:
            return array
        better = name.startswith("token_embd") or (("attn_v" in name or "ffn_down" in name) and ".0." in name)
        kind = "Q6_K" if better else "Q4_K"
        return quantise(array, kind if array.shape[-1] % 256 == 0 else FALLBACK)

    return gguf_file(network, pack, 15)
