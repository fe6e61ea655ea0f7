"""Language models by their layers, where no configuration names the architecture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.recognition.base import Sign
from catalog.recognition.markers import Begins, Either, Has, No, Says
from catalog.recognition.rules import BaseRule, Family, KindRule, TraitRule
from catalog.vocabulary import Base, Kind, Trait

if TYPE_CHECKING:
    from catalog.recognition.rules import Marker

LANGUAGE = frozenset({Kind.LLM, Kind.EMBEDDER, Kind.TEXT_ENCODER})

_UNDER = ("model.", "", "model.language_model.", "language_model.model.", "text_model.", "transformer.model.")
_ATTENTION = "layers.0.self_attn."
_LAYER = Either(
    tuple(
        Has(f"{_ATTENTION}{name}", _UNDER)
        for name in (
            "q_proj.weight",
            "q_proj.qweight",
            "q_proj.q_weight",
            "q_proj.trellis",
            "q_proj.weight_packed",
            "qkv_proj.weight",
            "qkv_proj.qweight",
            "q_a_proj.weight",
        )
    )
)
_WORDS = Has("embed_tokens.weight", _UNDER)
_GPT_2 = Has("h.0.attn.c_attn.weight", ("", "transformer."))


def _layer(name: str) -> Has:
    return Has(f"layers.0.{name}", _UNDER)


_GATE = Either((_layer("mlp.gate_proj.weight"), _layer("mlp.gate_proj.qweight")))

OTHERS: tuple[tuple[Base, tuple[Marker, ...]], ...] = (
    (Base.GPT_2, (_GPT_2,)),
    (Base.GPT_NEOX, (Has("layers.0.attention.query_key_value.weight", ("gpt_neox.", "")),)),
    (
        Base.FALCON,
        (
            Has("transformer.h.0.self_attention.query_key_value.weight"),
            No(Has("word_embeddings_layernorm.weight", ("", "transformer."))),
        ),
    ),
    (Base.BLOOM, (Has("word_embeddings_layernorm.weight", ("", "transformer.")),)),
    (Base.MPT, (Has("blocks.0.attn.Wqkv.weight", ("transformer.",)),)),
    (Base.GPT_J, (Has("transformer.h.0.attn.q_proj.weight"), Has("transformer.h.0.mlp.fc_in.weight"))),
    (
        Base.OPT,
        (
            Has("decoder.embed_positions.weight", ("model.", "")),
            Has("decoder.layers.0.self_attn.q_proj.weight", ("model.", "")),
            No(Begins(("encoder.", "model.encoder."))),
        ),
    ),
    (Base.GLM, (Has("transformer.encoder.layers.0.self_attention.query_key_value.weight"),)),
    (Base.MAMBA, (Either((Has("backbone.layers.0.mixer.A_log"), Has("model.layers.0.mixer.A_log"))),)),
    (
        Base.RWKV,
        (Either((Has("blocks.0.att.time_decay"), Has("rwkv.blocks.0.attention.time_decay"), Has("blocks.0.att.w0"))),),
    ),
    (Base.JAMBA, (Has("model.layers.0.mamba.A_log"),)),
)
"""Language models that have names of their own."""

LIKE_LLAMA: tuple[tuple[Base, tuple[Marker, ...]], ...] = (
    (Base.GPT_OSS, (_layer("self_attn.sinks"),)),
    (Base.DEEPSEEK, (_layer("self_attn.kv_a_proj_with_mqa.weight"),)),
    (Base.GEMMA, (_layer("pre_feedforward_layernorm.weight"),)),
    (Base.GLM, (_layer("post_self_attn_layernorm.weight"),)),
    (Base.OLMO, (_layer("post_feedforward_layernorm.weight"), No(_layer("input_layernorm.weight")))),
    (Base.QWEN, (_layer("linear_attn.A_log"),)),
    (Base.PHI, (_layer("self_attn.qkv_proj.weight"), _layer("mlp.gate_up_proj.weight"))),
    (Base.PHI, (_layer("self_attn.dense.weight"), _layer("mlp.fc1.weight"))),
    (Base.MISTRAL, (Has("layers.0.block_sparse_moe.gate.weight", _UNDER),)),
    (
        Base.QWEN,
        (
            Either((_layer("self_attn.q_proj.bias"), _layer("self_attn.q_norm.weight"))),
            _GATE,
            No(_layer("pre_feedforward_layernorm.weight")),
        ),
    ),
    (Base.QWEN, (_layer("self_attn.q_norm.weight"), _layer("mlp.gate.weight"))),
    (Base.COMMAND_R, (_layer("input_layernorm.weight"), _GATE, No(_layer("post_attention_layernorm.weight")))),
    (Base.LLAMA, (_GATE, _LAYER, _layer("post_attention_layernorm.weight"))),
)
"""What each family added to Llama's layer."""

_EXPERTS = Either(
    (
        _layer("mlp.experts.0.gate_proj.weight"),
        Has("layers.3.mlp.experts.0.gate_proj.weight", _UNDER),
        Has("layers.1.mlp.experts.0.gate_proj.weight", _UNDER),
        Has("layers.0.block_sparse_moe.gate.weight", _UNDER),
        _layer("mlp.router.weight"),
        Has("blk.0.ffn_gate_exps.weight"),
        Has("blk.3.ffn_gate_exps.weight"),
        Has("blk.1.ffn_gate_exps.weight"),
    )
)
_EYES = Begins(
    ("visual.", "model.visual.", "vision_tower.", "model.vision_tower.", "vision_model.", "model.vision_model.")
)

_UNSTATED = No(Says("config.json:model_type", ("",)))  # who states another type is another

FAMILY = Family(
    kinds=(
        KindRule(Kind.LLM, (_LAYER, _WORDS)),
        *(KindRule(Kind.LLM, markers) for _, markers in OTHERS),
    ),
    bases=(
        *(BaseRule(base, LANGUAGE, markers) for base, markers in OTHERS),
        *(BaseRule(base, LANGUAGE, (*markers, _UNSTATED), Sign.LIKENESS) for base, markers in LIKE_LLAMA),
    ),
    traits=(
        TraitRule(Trait.MOE, (_EXPERTS,), LANGUAGE),
        TraitRule(Trait.VISION, (_EYES,), LANGUAGE),
    ),
)
