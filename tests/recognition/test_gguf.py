"""GGUF's own word for the architecture is enough; unknown words tell nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from catalog.vocabulary import Base, Format, Kind, Trait
from tests.recognition.telling import of

if TYPE_CHECKING:
    from catalog.formats.base import Json

WORDS = {"token_embd.weight": (32000, 4096), "blk.0.attn_q.weight": (4096, 4096)}


@pytest.mark.parametrize(
    ("word", "kind", "base"),
    [
        ("llama", Kind.LLM, Base.LLAMA),
        ("llama4", Kind.LLM, Base.LLAMA),
        ("qwen35moe", Kind.LLM, Base.QWEN),
        ("gemma3n", Kind.LLM, Base.GEMMA),
        ("gemma-embedding", Kind.EMBEDDER, Base.GEMMA),
        ("nomic-bert-moe", Kind.EMBEDDER, Base.BERT),
        ("phi3", Kind.LLM, Base.PHI),
        ("gpt-oss", Kind.LLM, Base.GPT_OSS),
        ("deepseek2", Kind.LLM, Base.DEEPSEEK),
        ("granitehybrid", Kind.LLM, Base.GRANITE),
        ("falcon-h1", Kind.LLM, Base.FALCON),
        ("mpt", Kind.LLM, Base.MPT),
        ("starcoder2", Kind.LLM, Base.STARCODER),
        ("command-r", Kind.LLM, Base.COMMAND_R),
        ("glm4moe", Kind.LLM, Base.GLM),
        ("olmo2", Kind.LLM, Base.OLMO),
        ("smollm3", Kind.LLM, Base.SMOLLM),
        ("mamba2", Kind.LLM, Base.MAMBA),
        ("rwkv7", Kind.LLM, Base.RWKV),
        ("t5", Kind.LLM, Base.T5),
        ("t5encoder", Kind.TEXT_ENCODER, Base.T5),
        ("arctic", Kind.LLM, Base.UNKNOWN),
        ("flux", Kind.DIFFUSION_MODEL, Base.FLUX),
        ("wan", Kind.DIFFUSION_MODEL, Base.WAN),
        ("qwen_image", Kind.DIFFUSION_MODEL, Base.QWEN_IMAGE),
        ("hyvid", Kind.DIFFUSION_MODEL, Base.HUNYUAN_VIDEO),
        ("ltxv", Kind.DIFFUSION_MODEL, Base.LTX_VIDEO),
        ("lumina2", Kind.DIFFUSION_MODEL, Base.LUMINA_2),
        ("sd3", Kind.DIFFUSION_MODEL, Base.SD_3),
    ],
)
def test_the_word_for_the_architecture_is_enough(word: str, kind: Kind, base: Base) -> None:
    found = of({"x.weight": (4, 4)}, {"general.architecture": word}, container=Format.GGUF)
    assert (found.kind, found.base) == (kind, base)


def test_another_word_with_a_vocabulary_is_some_language_model() -> None:
    found = of(WORDS, {"general.architecture": "new", "tokenizer.ggml.model": "gpt2"}, container=Format.GGUF)
    assert (found.kind, found.base) == (Kind.LLM, Base.UNKNOWN)


def test_what_ties_pictures_to_words_is_a_projector() -> None:
    clip = {"general.architecture": "clip"}
    assert of({"mm.0.weight": (4096, 1024), "v.blk.0.attn_q.weight": (8, 8)}, clip).kind is Kind.PROJECTOR
    assert of({"v.blk.0.attn_q.weight": (8, 8)}, {**clip, "general.type": "mmproj"}).kind is Kind.PROJECTOR
    assert of({"v.blk.0.attn_q.weight": (8, 8)}, clip).kind is Kind.CLIP_VISION


def test_a_language_model_that_pools_embeds() -> None:
    said: dict[str, Json] = {"general.architecture": "qwen3", "qwen3.pooling_type": 3}
    found = of(WORDS, said, container=Format.GGUF)
    assert (found.kind, found.base, found.candidates) == (Kind.EMBEDDER, Base.QWEN, ())
    assert of(WORDS, {**said, "qwen3.pooling_type": 0}, container=Format.GGUF).kind is Kind.LLM


def test_experts_are_told() -> None:
    found = of(WORDS, {"general.architecture": "qwen3moe"}, container=Format.GGUF)
    assert Trait.MOE in found.traits
    mixtral = {**WORDS, "blk.0.ffn_gate_exps.weight": (8, 14336, 4096)}
    assert of(mixtral, {"general.architecture": "llama"}, container=Format.GGUF).traits == (Trait.MOE,)


def test_networks_of_pictures_without_a_word_are_known_by_their_tensors() -> None:
    stated = {"double_blocks.0.img_attn.qkv.weight": (9216, 3072), "img_in.weight": (3072, 64)}
    assert of(stated, {"general.architecture": "unheard"}, container=Format.GGUF).base is Base.FLUX
