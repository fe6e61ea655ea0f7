"""Encoders: text or pictures, CLIP or SigLIP, T5 or UMT5, a whole T5 or its encoder, BERT or CLIP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from catalog.vocabulary import Base, Format, Kind
from tests.builders import shapes
from tests.recognition.telling import of, told

if TYPE_CHECKING:
    from catalog.formats.base import Json

T5_BLOCK = "SelfAttention.relative_attention_bias.weight"
UMT5 = {
    "encoder.block.0.layer.0.SelfAttention.q.weight": (4096, 4096),
    f"encoder.block.0.layer.0.{T5_BLOCK}": (32, 64),
    f"encoder.block.1.layer.0.{T5_BLOCK}": (32, 64),
    "shared.weight": (256384, 4096),
}
SIGLIP = {
    "vision_model.encoder.layers.0.self_attn.q_proj.weight": (1152, 1152),
    "vision_model.embeddings.patch_embedding.bias": (1152,),
    "vision_model.head.probe": (1, 1, 1152),
}
MODERN = {"layers.0.attn.Wqkv.weight": (2304, 768), "embeddings.tok_embeddings.weight": (50368, 768)}
MPNET = {
    "encoder.layer.0.attention.attn.q.weight": (768, 768),
    "embeddings.word_embeddings.weight": (30527, 768),
}


@pytest.mark.parametrize(
    ("stated", "kind", "base"),
    [
        (shapes.clip_text(), Kind.TEXT_ENCODER, Base.CLIP),
        (shapes.clip_text(1280), Kind.TEXT_ENCODER, Base.CLIP),
        (shapes.OPEN_CLIP, Kind.TEXT_ENCODER, Base.CLIP),
        (shapes.CLIP_VISION, Kind.CLIP_VISION, Base.CLIP),
        (SIGLIP, Kind.SIGLIP, Base.SIGLIP),
        (shapes.T5_ENCODER, Kind.TEXT_ENCODER, Base.T5),
        (shapes.T5, Kind.LLM, Base.T5),
        (UMT5, Kind.TEXT_ENCODER, Base.UMT5),
        (
            {"blocks.0.pos_embedding.embedding.weight": (32, 64), "blocks.0.attn.q.weight": (4096, 4096)},
            Kind.TEXT_ENCODER,
            Base.UMT5,
        ),
        (shapes.BERT, Kind.EMBEDDER, Base.BERT),
        (shapes.prefixed("roberta.", shapes.BERT), Kind.EMBEDDER, Base.BERT),
        (MPNET, Kind.EMBEDDER, Base.BERT),
        (MODERN, Kind.EMBEDDER, Base.BERT),
        (
            {"embeddings.mask_token": (1, 768), "encoder.layer.0.layer_scale1.lambda1": (768,)},
            Kind.CLIP_VISION,
            Base.DINO,
        ),
        (
            {
                "multi_modal_projector.linear_1.weight": (4096, 1024),
                "multi_modal_projector.linear_2.weight": (4096, 4096),
            },
            Kind.PROJECTOR,
            Base.UNKNOWN,
        ),
    ],
)
def test_each_is_what_it_reads(stated: shapes.Shapes, kind: Kind, base: Base) -> None:
    found = of(stated)
    assert (found.kind, found.base) == (kind, base)
    assert not [one for one in found.candidates if one.about == "base"]


def test_a_whole_clip_reads_text_and_pictures() -> None:
    found = of({**shapes.clip_text(), **shapes.CLIP_VISION})
    assert told(found) == ("text-encoder", "clip")
    assert ("kind", "clip-vision") in [(one.about, one.value) for one in found.candidates]


def test_a_bert_is_no_clip_and_a_clip_no_bert() -> None:
    assert of(shapes.BERT).base is Base.BERT
    assert of(shapes.clip_text()).base is Base.CLIP


def test_a_folder_of_sentence_transformers_embeds() -> None:
    layers = {
        name.removeprefix("model."): shape for name, shape in shapes.llama_like("self_attn.q_norm.weight").items()
    }
    assert of(layers, {"config.json": {"model_type": "qwen3"}}).kind is Kind.LLM
    configs: dict[str, Json] = {
        "config.json": {"model_type": "qwen3"},
        "config_sentence_transformers.json": {"prompts": {}, "x": 1},
    }
    assert told(of(layers, configs)) == ("embedder", "qwen")


@pytest.mark.parametrize(
    ("inputs", "outputs", "kind", "base"),
    [
        (("input_ids", "attention_mask", "token_type_ids"), ("last_hidden_state",), Kind.EMBEDDER, Base.BERT),
        (("input_ids", "attention_mask"), ("sentence_embedding",), Kind.EMBEDDER, Base.UNKNOWN),
        (("sample", "timestep", "encoder_hidden_states"), ("out_sample",), Kind.DIFFUSION_MODEL, Base.UNKNOWN),
        (("latent_sample",), ("sample",), Kind.VAE, Base.UNKNOWN),
        (("input_ids", "position_ids"), ("logits",), Kind.LLM, Base.UNKNOWN),
        (("pixel_values",), ("logits",), Kind.CLASSIFIER, Base.UNKNOWN),
        (("input", "sr", "state"), ("output", "stateN"), Kind.AUDIO, Base.UNKNOWN),
        (("x",), ("y",), Kind.UNKNOWN, Base.UNKNOWN),
    ],
)
def test_a_graph_is_known_by_what_goes_in_and_out(
    inputs: tuple[str, ...], outputs: tuple[str, ...], kind: Kind, base: Base
) -> None:
    put = {"inputs": dict.fromkeys(inputs), "outputs": dict.fromkeys(outputs)}
    found = of({"onnx::MatMul_123": (384, 384)}, put, container=Format.ONNX)
    assert (found.kind, found.base) == (kind, base)


def test_the_tensors_of_a_graph_say_more_than_its_inputs() -> None:
    put = {"inputs": dict.fromkeys(("sample", "timestep", "encoder_hidden_states"))}
    found = of(shapes.BERT, put, container=Format.ONNX)
    assert told(found) == ("embedder", "bert")
    assert ("kind", "diffusion-model") in [(one.about, one.value) for one in found.candidates]
