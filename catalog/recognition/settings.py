"""What changes the meaning of equal weights, in the same words whatever file states it.

Two models are not joined when both state a setting and state it differently, so a setting is only given where it is
stated, and in one spelling: 1e4 and 10000.0 are 10000, `v` is `v_prediction`.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from catalog.recognition.layers import LOW
from catalog.recognition.markers import Ends, Has
from catalog.vocabulary import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from catalog.formats.base import Json
    from catalog.recognition.facts import Facts

_CONFIG: tuple[str, ...] = (
    "model_type",
    "hidden_act",
    "num_attention_heads",
    "num_key_value_heads",
    "rms_norm_eps",
    "layer_norm_eps",
    "rope_theta",
    "sliding_window",
    "partial_rotary_factor",
    "rope_local_base_freq",
    "num_experts_per_tok",
    "attn_logit_softcapping",
    "final_logit_softcapping",
    "embedding_multiplier",
    "residual_multiplier",
    "attention_multiplier",
    "logits_scaling",
)
"""Keys of a transformers configuration that change what the weights compute."""

_GGUF: Mapping[str, str] = {
    "attention.head_count": "num_attention_heads",
    "attention.head_count_kv": "num_key_value_heads",
    "attention.layer_norm_rms_epsilon": "rms_norm_eps",
    "attention.layer_norm_epsilon": "layer_norm_eps",
    "rope.freq_base": "rope_theta",
    "rope.scaling.type": "rope_scaling",
    "rope.scaling.factor": "rope_scaling_factor",
    "attention.sliding_window": "sliding_window",
    "expert_used_count": "num_experts_per_tok",
    "attn_logit_softcapping": "attn_logit_softcapping",
    "final_logit_softcapping": "final_logit_softcapping",
}
"""Keys below the architecture of a GGUF header -> the word of transformers for the same."""

_PREDICTIONS: Mapping[str, str] = {
    "v": "v_prediction",
    "v-prediction": "v_prediction",
    "v_pred": "v_prediction",
    "eps": "epsilon",
    "flow": "flow_prediction",
    "rectified_flow": "flow_prediction",
}

_SCHEDULER = "scheduler/scheduler_config.json"
_ADAPTER = "adapter_config.json"
SAVED_ADAPTER = "lora_adapter_metadata"
"""Where diffusers keeps PEFT's configurations in a header: JSON, each key below its part's name."""

_LONGEST = 1 << 20
_WORDY = 200
_MOST_PATTERNS = 64


def settings(facts: Facts, kind: Kind) -> dict[str, Json]:
    """Every setting that the header, a configuration or a marker tensor states."""
    found: dict[str, Json] = {}
    for name, value in (*_transformers(facts), *_of_gguf(facts), *_diffusion(facts), *_lora(facts, kind)):
        plain = _plain(value)
        if plain is not None:
            found.setdefault(name, plain)
    return found


def _transformers(facts: Facts) -> Iterator[tuple[str, Json]]:
    config = facts.config("config.json")
    inner = config.get("text_config")
    for found in (config, inner if isinstance(inner, dict) else {}):
        for key in _CONFIG:
            yield key, found.get(key)
        yield from _rope(found)


def _rope(config: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    """Up to version 4 `rope_scaling`; from version 5 on all of it in `rope_parameters`."""
    for key in ("rope_parameters", "rope_scaling"):
        scaling = config.get(key)
        if isinstance(scaling, dict):
            yield "rope_theta", scaling.get("rope_theta")
            kind = scaling.get("rope_type", scaling.get("type"))
            yield "rope_scaling", None if kind == "default" else kind
            yield "rope_scaling_factor", scaling.get("factor")


def _of_gguf(facts: Facts) -> Iterator[tuple[str, Json]]:
    architecture = facts.header.get("general.architecture")
    if isinstance(architecture, str):
        for key, name in _GGUF.items():
            value = facts.header.get(f"{architecture}.{key}")
            yield name, None if isinstance(value, (dict, list)) else value


def _diffusion(facts: Facts) -> Iterator[tuple[str, Json]]:
    """What the network predicts; NoobAI and its kin say it by an empty tensor beside the weights."""
    for path in ("modelspec.prediction_type", f"{_SCHEDULER}:prediction_type", "prediction_type"):
        stated = facts.says(path)
        if isinstance(stated, str) and stated:
            yield "prediction_type", _PREDICTIONS.get(stated.lower(), stated.lower())
    if Has("v_pred").found(facts):
        yield "prediction_type", "v_prediction"
    if str(facts.says("ss_v_parameterization")).lower() == "true":
        yield "prediction_type", "v_prediction"
    if Has("ztsnr").found(facts) or facts.says(f"{_SCHEDULER}:rescale_betas_zero_snr"):
        yield "zero_terminal_snr", True
    if str(facts.says("ss_zero_terminal_snr")).lower() == "true":
        yield "zero_terminal_snr", True
    yield "flow_shift", facts.says(f"{_SCHEDULER}:shift")
    yield "flow_shift", facts.says(f"{_SCHEDULER}:flow_shift")
    yield "scaling_factor", facts.says("config.json:scaling_factor")
    yield "shift_factor", facts.says("config.json:shift_factor")


def _lora(facts: Facts, kind: Kind) -> Iterator[tuple[str, Json]]:
    if kind not in {Kind.LORA, Kind.CONTROL_LORA}:
        return
    yield "alpha", _number(facts.says("ss_network_alpha"))
    yield "alpha", facts.says("adapter.lora.alpha")
    yield "rank", _number(facts.says("ss_network_dim"))
    for adapter in _adapters(facts):
        yield "alpha", adapter.get("lora_alpha")
        yield "rank", adapter.get("r")
        yield "rslora", adapter.get("use_rslora") or None
        for key in ("alpha_pattern", "rank_pattern"):
            pattern = adapter.get(key)
            yield key, pattern if isinstance(pattern, dict) and 0 < len(pattern) <= _MOST_PATTERNS else None
    yield "rank", _rank(facts)
    if Ends((".dora_scale", ".lora_magnitude_vector", ".lora_magnitude_vector.weight")).found(facts):
        yield "dora", True
    if Ends((".alpha",)).found(facts):
        yield "alphas", "stored as tensors"


def _adapters(facts: Facts) -> Iterator[Mapping[str, Json]]:
    """PEFT's configurations: a file beside the weights, or the parts of one that diffusers keeps in the header."""
    yield facts.config(_ADAPTER)
    for _, config in saved_adapters(facts.says(SAVED_ADAPTER)):
        yield config


def saved_adapters(text: Json) -> Iterator[tuple[str, dict[str, Json]]]:
    """PEFT's configuration of each part, out of what diffusers writes: one object with every key below the name of its
    part (`unet.lora_alpha`). A key below none belongs to the part "".
    """
    if not isinstance(text, str) or len(text) > _LONGEST:
        return
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return
    rows = told.items() if isinstance(told, dict) else ()
    parts = [(part, key, value) for name, value in rows for part, _, key in [name.rpartition(".")]]
    for part in sorted({part for part, _, _ in parts}):
        yield part, {key: value for of, key, value in parts if of == part}


def _rank(facts: Facts) -> int | None:
    """The rank that all low matrices share, if they do."""
    lows = tuple(low for low in LOW if facts.ends(low))
    if not lows:
        return None
    ranks = {tensor.shape[0] for tensor in facts.probe.tensors if tensor.name.endswith(lows) and tensor.shape}
    return ranks.pop() if len(ranks) == 1 else None


def _number(value: Json) -> Json:
    """kohya's headers hold numbers as text, or `Dynamic`."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return None


def _plain(value: Json) -> Json:
    """Whole numbers as such; NaN, infinities, lists and long texts are no settings anyone meant."""
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(value) if value.is_integer() else value
    if isinstance(value, dict):
        return value if all(isinstance(number, int | float) for number in value.values()) else None
    return None if isinstance(value, list) or (isinstance(value, str) and len(value) > _WORDY) else value
