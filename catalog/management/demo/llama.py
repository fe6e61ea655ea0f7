"""A tiny Llama: its tensors under transformers' names, and the same converted for llama.cpp and quantised to Q8_0."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from catalog.management.demo.writers import Packed, Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.management.demo.arrays import Array, Shape

HIDDEN, INNER, LAYERS, HEADS, KV_HEADS, TOKENS = 256, 704, 4, 8, 4, 2048
ROPE_THETA, EPSILON, CONTEXT = 500000.0, 1e-05, 2048

CONFIG: Mapping[str, object] = {
    "architectures": ["LlamaForCausalLM"],
    "hidden_act": "silu",
    "hidden_size": HIDDEN,
    "intermediate_size": INNER,
    "max_position_embeddings": CONTEXT,
    "model_type": "llama",
    "num_attention_heads": HEADS,
    "num_hidden_layers": LAYERS,
    "num_key_value_heads": KV_HEADS,
    "rms_norm_eps": EPSILON,
    "rope_theta": ROPE_THETA,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
    "vocab_size": TOKENS,
}

_GGUF_PARTS: Mapping[str, str] = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}
"""transformers' part of a layer -> llama.cpp's."""


def shapes() -> dict[str, Shape]:
    """Every tensor by its name in transformers."""
    narrow = HIDDEN * KV_HEADS // HEADS
    layer: dict[str, Shape] = {
        "input_layernorm": (HIDDEN,),
        "self_attn.q_proj": (HIDDEN, HIDDEN),
        "self_attn.k_proj": (narrow, HIDDEN),
        "self_attn.v_proj": (narrow, HIDDEN),
        "self_attn.o_proj": (HIDDEN, HIDDEN),
        "post_attention_layernorm": (HIDDEN,),
        "mlp.gate_proj": (INNER, HIDDEN),
        "mlp.up_proj": (INNER, HIDDEN),
        "mlp.down_proj": (HIDDEN, INNER),
    }
    found: dict[str, Shape] = {"model.embed_tokens.weight": (TOKENS, HIDDEN)}
    for number in range(LAYERS):
        found |= {f"model.layers.{number}.{part}.weight": shape for part, shape in layer.items()}
    return {**found, "model.norm.weight": (HIDDEN,), "lm_head.weight": (TOKENS, HIDDEN)}


def to_gguf(tensors: Mapping[str, Array]) -> dict[str, Array | Packed]:
    """What llama.cpp's converter makes of them: its names, rotary halves interleaved, matrices as Q8_0."""
    found: dict[str, Array | Packed] = {}
    for name, tensor in tensors.items():
        array: Array = tensor.astype(np.float32)
        if name.endswith("q_proj.weight"):
            array = _interleave(array, HEADS)
        if name.endswith("k_proj.weight"):
            array = _interleave(array, KV_HEADS)
        found[_gguf_name(name)] = q8_0(array) if array.ndim > 1 else array
    return found


def gguf_metadata(name: str) -> dict[str, Value]:
    """The keys of a GGUF header for this model."""
    return {
        "general.architecture": "llama",
        "general.type": "model",
        "general.name": name,
        "general.file_type": 7,
        "general.quantization_version": 2,
        "llama.context_length": CONTEXT,
        "llama.embedding_length": HIDDEN,
        "llama.block_count": LAYERS,
        "llama.feed_forward_length": INNER,
        "llama.attention.head_count": HEADS,
        "llama.attention.head_count_kv": KV_HEADS,
        "llama.attention.layer_norm_rms_epsilon": EPSILON,
        "llama.rope.freq_base": ROPE_THETA,
        "llama.rope.dimension_count": HIDDEN // HEADS,
        "llama.vocab_size": TOKENS,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.tokens": [f"<{number}>" for number in range(TOKENS)],
        "tokenizer.ggml.token_type": [1] * TOKENS,
    }


def q8_0(array: Array) -> Packed:
    """Blocks of 32 values: a 16-bit scale, then each value in units of it (ggml-quants.c, quantize_row_q8_0_ref)."""
    blocks = array.astype(np.float32).reshape(-1, 32)
    scale = np.abs(blocks).max(axis=1, keepdims=True) / np.float32(127)
    steps = np.divide(blocks, scale, out=np.zeros_like(blocks), where=scale > 0)
    rounded = np.trunc(steps + np.copysign(np.float32(0.5), steps)).astype(np.int8)
    raw = np.concatenate([scale.astype(np.float16).view(np.int8), rounded], axis=1)
    return Packed("Q8_0", array.shape, raw.tobytes())


def _interleave(array: Array, heads: int) -> Array:
    rows, columns = array.shape
    return array.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def _gguf_name(name: str) -> str:
    ends = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}
    stem = name.removesuffix(".weight")
    if stem in ends:
        return f"{ends[stem]}.weight"
    number, _, part = stem.removeprefix("model.layers.").partition(".")
    return f"blk.{number}.{_GGUF_PARTS[part]}.weight"
