"""GGUF states its architecture in words (gguf's `MODEL_ARCH_NAMES`; stable-diffusion.cpp and ComfyUI add theirs)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.recognition.rules import BaseRule, Family, Has, KindRule, Says
from catalog.vocabulary import Base, Kind

if TYPE_CHECKING:
    from catalog.recognition.facts import Facts

_ARCHITECTURES: tuple[tuple[Kind, Base, tuple[str, ...]], ...] = (
    (Kind.LLM, Base.LLAMA, ("llama", "llama4", "deci")),
    (Kind.LLM, Base.QWEN, ("qwen", "qwen2", "qwen2moe", "qwen2vl", "qwen3", "qwen3moe", "qwen3vl", "qwen3next")),
    (Kind.LLM, Base.MISTRAL, ("mistral", "mistral3")),
    (Kind.LLM, Base.GEMMA, ("gemma", "gemma2", "gemma3", "gemma3n")),
    (Kind.LLM, Base.PHI, ("phi2", "phi3", "phimoe")),
    (Kind.LLM, Base.GPT_2, ("gpt2",)),
    (Kind.LLM, Base.T5, ("t5",)),
    (Kind.TEXT_ENCODER, Base.T5, ("t5encoder",)),
    (Kind.TEXT_ENCODER, Base.BERT, ("bert", "nomic-bert", "jina-bert-v2", "modern-bert")),
    (Kind.CLIP_VISION, Base.CLIP, ("clip",)),
    (Kind.DIFFUSION_MODEL, Base.SD_1, ("sd1",)),
    (Kind.DIFFUSION_MODEL, Base.SDXL, ("sdxl",)),
    (Kind.DIFFUSION_MODEL, Base.SD_3, ("sd3",)),
    (Kind.DIFFUSION_MODEL, Base.FLUX, ("flux",)),
)


@dataclass(frozen=True, slots=True)
class Architecture:
    """`general.architecture` is one of `words`, exactly."""

    words: tuple[str, ...]

    def found(self, facts: Facts) -> str:
        stated = facts.header.get("general.architecture")
        return f"the header's general.architecture is {stated}" if stated in self.words else ""


FAMILY = Family(
    kinds=(
        *(KindRule(kind, (Architecture(words),)) for kind, _, words in _ARCHITECTURES),
        KindRule(Kind.LLM, (Has("token_embd.weight"), Says("tokenizer.ggml.model", ("",)))),
    ),
    bases=tuple(BaseRule(base, frozenset(Kind), (Architecture(words),)) for _, base, words in _ARCHITECTURES),
)
