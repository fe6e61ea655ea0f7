"""Language models by their layers where no configuration speaks, and what the configuration changes."""

from __future__ import annotations

import pytest

from catalog.vocabulary import Base, Kind, Trait
from tests.builders import shapes
from tests.recognition.telling import of

PHI_3 = {
    "model.embed_tokens.weight": (32064, 3072),
    "model.layers.0.self_attn.qkv_proj.weight": (9216, 3072),
    "model.layers.0.mlp.gate_up_proj.weight": (16384, 3072),
}
COHERE = {name: shape for name, shape in shapes.llama_like("input_layernorm.weight").items() if "post_att" not in name}


@pytest.mark.parametrize(
    ("stated", "base"),
    [
        (shapes.llama_like(), Base.LLAMA),
        (shapes.llama_like("self_attn.q_proj.bias"), Base.QWEN),
        (shapes.llama_like("self_attn.q_norm.weight"), Base.QWEN),
        (shapes.llama_like("pre_feedforward_layernorm.weight"), Base.GEMMA),
        (shapes.llama_like("self_attn.sinks"), Base.GPT_OSS),
        (shapes.llama_like("self_attn.kv_a_proj_with_mqa.weight"), Base.DEEPSEEK),
        (shapes.llama_like("post_self_attn_layernorm.weight", "input_layernorm.weight"), Base.GLM),
        (shapes.llama_like("post_feedforward_layernorm.weight"), Base.OLMO),
        (COHERE, Base.COMMAND_R),
        (PHI_3, Base.PHI),
        ({"wte.weight": (50257, 768), "h.0.attn.c_attn.weight": (768, 2304)}, Base.GPT_2),
        ({"gpt_neox.layers.0.attention.query_key_value.weight": (1536, 512)}, Base.GPT_NEOX),
        ({"transformer.h.0.self_attention.query_key_value.weight": (4672, 4544)}, Base.FALCON),
        ({"transformer.blocks.0.attn.Wqkv.weight": (12288, 4096)}, Base.MPT),
        (
            {"transformer.h.0.attn.q_proj.weight": (4096, 4096), "transformer.h.0.mlp.fc_in.weight": (16384, 4096)},
            Base.GPT_J,
        ),
        (
            {
                "decoder.embed_positions.weight": (2050, 768),
                "decoder.layers.0.self_attn.q_proj.weight": (768, 768),
            },
            Base.OPT,
        ),
        (
            {"word_embeddings_layernorm.weight": (1024,), "h.0.self_attention.query_key_value.weight": (3072, 1024)},
            Base.BLOOM,
        ),
        ({"transformer.encoder.layers.0.self_attention.query_key_value.weight": (4608, 4096)}, Base.GLM),
        ({"backbone.layers.0.mixer.A_log": (1536, 16)}, Base.MAMBA),
        ({"blocks.0.att.time_decay": (2048,)}, Base.RWKV),
    ],
)
def test_layers_tell_the_family(stated: shapes.Shapes, base: Base) -> None:
    found = of(stated)
    assert (found.kind, found.base) == (Kind.LLM, base)
    assert not found.candidates


def test_a_configuration_says_more_than_a_likeness() -> None:
    found = of(shapes.llama_like(), {"config.json": {"model_type": "mistral"}})
    assert found.base is Base.MISTRAL
    assert not found.candidates
    assert of(shapes.llama_like(), {"config.json": {"model_type": "brand_new"}}).base is Base.UNKNOWN


def test_experts_and_eyes_are_told() -> None:
    expert = {"model.layers.0.mlp.experts.0.gate_proj.weight": (768, 2048)}
    assert of({**shapes.llama_like("self_attn.q_norm.weight"), **expert}).traits == (Trait.MOE,)
    stated = {**shapes.llama_like("self_attn.q_proj.bias"), "visual.blocks.0.attn.qkv.weight": (3840, 1280)}
    assert of(stated).traits == (Trait.VISION,)


@pytest.mark.parametrize("ending", ["qweight", "q_weight", "trellis", "weight_packed"])
def test_packed_layers_are_layers_too(ending: str) -> None:
    stated = {"model.embed_tokens.weight": (32000, 4096), f"model.layers.0.self_attn.q_proj.{ending}": (512, 4096, 64)}
    assert of(stated).kind is Kind.LLM
