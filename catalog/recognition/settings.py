"""What changes the meaning of equal weights, in the same words whatever file states it.

Two models are not joined when both state a setting and state it differently, so a setting is only given where it is
stated, and in one spelling: 1e4 and 10000.0 are 10000, `v` is `v_prediction`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

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
}
"""Keys below the architecture of a GGUF header -> the word of transformers for the same."""

_PREDICTIONS: Mapping[str, str] = {"v": "v_prediction", "v-prediction": "v_prediction", "eps": "epsilon"}


def settings(facts: Facts, kind: Kind) -> dict[str, Json]:
    """Every setting that the header, a configuration or a marker tensor states."""
    found: dict[str, Json] = {}
    for name, value in (*_transformers(facts), *_of_gguf(facts), *_diffusion(facts), *_lora(facts, kind)):
        if value is not None:
            found.setdefault(name, _plain(value))
    return found


def _transformers(facts: Facts) -> Iterator[tuple[str, Json]]:
    config = facts.config("config.json")
    for key in _CONFIG:
        yield key, config.get(key)
    scaling = config.get("rope_scaling")
    if isinstance(scaling, dict):
        yield "rope_scaling", scaling.get("rope_type", scaling.get("type"))
        yield "rope_scaling_factor", scaling.get("factor")


def _of_gguf(facts: Facts) -> Iterator[tuple[str, Json]]:
    architecture = facts.header.get("general.architecture")
    if isinstance(architecture, str):
        for key, name in _GGUF.items():
            value = facts.header.get(f"{architecture}.{key}")
            yield name, None if isinstance(value, (dict, list)) else value


def _diffusion(facts: Facts) -> Iterator[tuple[str, Json]]:
    """What the network predicts; NoobAI and its kin say it by an empty tensor beside the weights."""
    for path in ("modelspec.prediction_type", "scheduler/scheduler_config.json:prediction_type"):
        stated = facts.says(path)
        if isinstance(stated, str) and stated:
            yield "prediction_type", _PREDICTIONS.get(stated.lower(), stated.lower())
    if Has("v_pred").found(facts):
        yield "prediction_type", "v_prediction"
    if Has("ztsnr").found(facts):
        yield "zero_terminal_snr", True
    scheduler = facts.config("scheduler/scheduler_config.json")
    if scheduler.get("rescale_betas_zero_snr"):
        yield "zero_terminal_snr", True
    yield "scaling_factor", facts.says("config.json:scaling_factor")


def _lora(facts: Facts, kind: Kind) -> Iterator[tuple[str, Json]]:
    if kind is not Kind.LORA:
        return
    yield "alpha", _number(facts.says("ss_network_alpha"))
    yield "alpha", facts.says("adapter_config.json:lora_alpha")
    yield "alpha", facts.says("adapter.lora.alpha")
    yield "rank", _number(facts.says("ss_network_dim"))
    yield "rank", facts.says("adapter_config.json:r")
    yield "rank", _rank(facts)
    if Ends((".dora_scale", ".lora_magnitude_vector")).found(facts):
        yield "dora", True


def _rank(facts: Facts) -> int | None:
    """The rank that all low matrices share, if they do."""
    low = (".lora_down.weight", ".lora_A.weight", ".lora_A.default.weight", ".lora.down.weight")
    ranks = {tensor.shape[0] for tensor in facts.probe.tensors if tensor.name.endswith(low) and tensor.shape}
    return ranks.pop() if len(ranks) == 1 else None


def _number(value: Json) -> Json:
    """kohya's headers hold numbers as text, or `Dynamic`."""
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return None


def _plain(value: Json) -> Json:
    """Whole numbers as such; NaN and infinities are no settings anyone meant."""
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        return int(value) if value.is_integer() else value
    return value
