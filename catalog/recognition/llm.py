"""Language models under transformers' names; a configuration names the architecture, else the layers' names do."""

from __future__ import annotations

from catalog.recognition.rules import BaseRule, Either, Family, Has, KindRule, No, Says
from catalog.vocabulary import Base, Kind

LANGUAGE = frozenset({Kind.LLM})

_UNDER = ("model.", "", "model.language_model.", "language_model.model.")
_LAYER = Either(
    (
        Has("layers.0.self_attn.q_proj.weight", _UNDER),
        Has("layers.0.self_attn.q_proj.qweight", _UNDER),
        Has("layers.0.self_attn.qkv_proj.weight", _UNDER),
    )
)
_WORDS = Has("embed_tokens.weight", _UNDER)
_GPT_2 = Has("h.0.attn.c_attn.weight", ("", "transformer."))
_TYPE = "config.json:model_type"
_STATED = Says(_TYPE, ("",))  # whatever it is

FAMILY = Family(
    kinds=(
        KindRule(Kind.LLM, (_LAYER, _WORDS)),
        KindRule(Kind.LLM, (_GPT_2,)),
        KindRule(Kind.LLM, (Says("config.json:architectures", ("llamafor", "mistralfor", "qwen", "gemma", "phi")),)),
    ),
    bases=(
        *(
            BaseRule(base, LANGUAGE, (Says(_TYPE, words),))
            for base, words in (
                (Base.LLAMA, ("llama", "mllama")),
                (Base.QWEN, ("qwen",)),
                (Base.MISTRAL, ("mistral", "mixtral", "ministral")),
                (Base.GEMMA, ("gemma", "paligemma")),
                (Base.PHI, ("phi",)),
            )
        ),
        BaseRule(Base.GPT_2, LANGUAGE, (_GPT_2, No(_STATED))),
        BaseRule(Base.GPT_2, LANGUAGE, (Says(_TYPE, ("gpt2",)),)),
        # without a configuration: what each family added to Llama's layer
        BaseRule(
            Base.GEMMA,
            LANGUAGE,
            (Has("layers.0.pre_feedforward_layernorm.weight", _UNDER), No(_STATED)),
        ),
        BaseRule(
            Base.QWEN,
            LANGUAGE,
            (
                Either(
                    (Has("layers.0.self_attn.q_proj.bias", _UNDER), Has("layers.0.self_attn.q_norm.weight", _UNDER))
                ),
                Has("layers.0.mlp.gate_proj.weight", _UNDER),
                No(_STATED),
            ),
        ),
        BaseRule(
            Base.LLAMA,
            LANGUAGE,
            (
                Has("layers.0.mlp.gate_proj.weight", _UNDER),
                Has("layers.0.self_attn.q_proj.weight", _UNDER),
                Has("layers.0.post_attention_layernorm.weight", _UNDER),
                No(_STATED),
            ),
        ),
    ),
)
