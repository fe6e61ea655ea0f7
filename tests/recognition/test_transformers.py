"""`model_type` names the architecture; the widest table there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from catalog.vocabulary import Base, Kind, Trait
from tests.recognition.telling import of

if TYPE_CHECKING:
    from catalog.formats.base import Json


@pytest.mark.parametrize(
    ("model_type", "kind", "base"),
    [
        ("llama", Kind.LLM, Base.LLAMA),
        ("mllama", Kind.LLM, Base.LLAMA),
        ("qwen2_5_vl", Kind.LLM, Base.QWEN),
        ("mixtral", Kind.LLM, Base.MISTRAL),
        ("gemma3_text", Kind.LLM, Base.GEMMA),
        ("phi3", Kind.LLM, Base.PHI),
        ("gpt2", Kind.LLM, Base.GPT_2),
        ("gpt_oss", Kind.LLM, Base.GPT_OSS),
        ("gpt_neox", Kind.LLM, Base.GPT_NEOX),
        ("deepseek_v3", Kind.LLM, Base.DEEPSEEK),
        ("granitemoe", Kind.LLM, Base.GRANITE),
        ("falcon", Kind.LLM, Base.FALCON),
        ("falcon_mamba", Kind.LLM, Base.FALCON),
        ("cohere2", Kind.LLM, Base.COMMAND_R),
        ("glm4_moe", Kind.LLM, Base.GLM),
        ("olmo2", Kind.LLM, Base.OLMO),
        ("starcoder2", Kind.LLM, Base.STARCODER),
        ("smollm3", Kind.LLM, Base.SMOLLM),
        ("mamba2", Kind.LLM, Base.MAMBA),
        ("bert", Kind.EMBEDDER, Base.BERT),
        ("xlm-roberta", Kind.EMBEDDER, Base.BERT),
        ("mpnet", Kind.EMBEDDER, Base.BERT),
        ("t5", Kind.LLM, Base.T5),
        ("umt5", Kind.TEXT_ENCODER, Base.UMT5),
        ("clip_text_model", Kind.TEXT_ENCODER, Base.CLIP),
        ("clip_vision_model", Kind.CLIP_VISION, Base.CLIP),
        ("siglip_vision_model", Kind.SIGLIP, Base.SIGLIP),
        ("whisper", Kind.AUDIO, Base.WHISPER),
        ("wav2vec2", Kind.AUDIO, Base.WAV2VEC_2),
        ("sam2", Kind.DETECTOR, Base.SAM),
        ("yolos", Kind.DETECTOR, Base.YOLO),
        ("depth_anything", Kind.PREPROCESSOR, Base.UNKNOWN),
        ("vit", Kind.CLASSIFIER, Base.UNKNOWN),
        ("never_heard_of", Kind.UNKNOWN, Base.UNKNOWN),
    ],
)
def test_the_type_names_kind_and_base(model_type: str, kind: Kind, base: Base) -> None:
    found = of({"x.weight": (4, 4)}, {"config.json": {"model_type": model_type}})
    assert (found.kind, found.base) == (kind, base)


def test_an_encoder_alone_says_so_in_its_class() -> None:
    config: dict[str, Json] = {"model_type": "t5", "architectures": ["T5EncoderModel"]}
    found = of({"x.weight": (4, 4)}, {"config.json": config})
    assert (found.kind, found.base) == (Kind.TEXT_ENCODER, Base.T5)


def test_experts_and_eyes_are_told() -> None:
    assert of({"x": (4,)}, {"config.json": {"model_type": "qwen3_moe"}}).traits == (Trait.MOE,)
    assert of({"x": (4,)}, {"config.json": {"model_type": "qwen2_5_vl"}}).traits == (Trait.VISION,)
