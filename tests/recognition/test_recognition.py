"""What well-known models are recognised as, from their headers alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from catalog.formats import probe_file, probe_set
from catalog.recognition import FAMILIES, Recognised, recognise
from catalog.vocabulary import Base, Kind
from tests.builders import MemorySource, gguf, header_only, safetensors, set_source, shapes, weights

if TYPE_CHECKING:
    from collections.abc import Mapping

LORA = "lora_unet_double_blocks_0_img_attn_qkv"


def of(stated: shapes.Shapes, metadata: dict[str, str] | None = None, dtype: str = "F16") -> Recognised:
    return recognise(probe_file(header_only(stated, dtype, metadata)))


def of_set(stated: shapes.Shapes, configs: Mapping[str, object], weight: str = "model.safetensors") -> Recognised:
    """Of a folder: shapes small, since its bytes are made."""
    small = {name: tuple(min(length, 4) for length in shape) for name, shape in stated.items()}
    files = {name: json.dumps(config).encode() for name, config in configs.items()}
    return recognise(probe_set(set_source({**files, weight: safetensors(weights(small, 1))})))


@pytest.mark.parametrize(
    ("stated", "kind", "base"),
    [
        (shapes.SD_1, Kind.CHECKPOINT, Base.SD_1),
        (shapes.SD_2, Kind.CHECKPOINT, Base.SD_2),
        (shapes.SDXL, Kind.CHECKPOINT, Base.SDXL),
        (shapes.SDXL_REFINER, Kind.CHECKPOINT, Base.SDXL_REFINER),
        (shapes.SD_3, Kind.CHECKPOINT, Base.SD_3),
        (shapes.prefixed(shapes.LDM, shapes.unet(768)), Kind.DIFFUSION_MODEL, Base.SD_1),
        (shapes.unet(768, channels=9), Kind.DIFFUSION_MODEL, Base.SD_1),
        (shapes.unet(1024), Kind.DIFFUSION_MODEL, Base.SD_2),
        (shapes.unet_xl(2048), Kind.DIFFUSION_MODEL, Base.SDXL),
        (shapes.unet_diffusers(768), Kind.DIFFUSION_MODEL, Base.SD_1),
        (shapes.unet_diffusers(1024), Kind.DIFFUSION_MODEL, Base.SD_2),
        (shapes.FLUX, Kind.DIFFUSION_MODEL, Base.FLUX),
        (shapes.prefixed(shapes.LDM, shapes.FLUX), Kind.DIFFUSION_MODEL, Base.FLUX),
        (
            shapes.prefixed(shapes.LDM, shapes.FLUX) | shapes.prefixed("vae.", shapes.vae(16)),
            Kind.CHECKPOINT,
            Base.FLUX,
        ),
        (shapes.FLUX_DIFFUSERS, Kind.DIFFUSION_MODEL, Base.FLUX),
        (shapes.FLUX_2, Kind.DIFFUSION_MODEL, Base.FLUX_2),
        (shapes.CHROMA, Kind.DIFFUSION_MODEL, Base.CHROMA),
        (shapes.HUNYUAN_VIDEO, Kind.DIFFUSION_MODEL, Base.HUNYUAN_VIDEO),
        (shapes.vae(), Kind.VAE, Base.UNKNOWN),
        (shapes.prefixed("first_stage_model.", shapes.vae()), Kind.VAE, Base.UNKNOWN),
        (shapes.clip_text(), Kind.TEXT_ENCODER, Base.CLIP),
        (shapes.OPEN_CLIP, Kind.TEXT_ENCODER, Base.CLIP),
        (shapes.CLIP_VISION, Kind.CLIP_VISION, Base.CLIP),
        ({**shapes.CLIP_VISION, "vision_model.head.probe": (1, 1, 1152)}, Kind.SIGLIP, Base.SIGLIP),
        (shapes.T5_ENCODER, Kind.TEXT_ENCODER, Base.T5),
        (shapes.T5, Kind.LLM, Base.T5),
        (shapes.BERT, Kind.EMBEDDER, Base.BERT),
        (shapes.prefixed("bert.", shapes.BERT), Kind.EMBEDDER, Base.BERT),
        (shapes.llama_like(), Kind.LLM, Base.LLAMA),
        (shapes.llama_like("self_attn.q_proj.bias"), Kind.LLM, Base.QWEN),
        (shapes.llama_like("self_attn.q_norm.weight"), Kind.LLM, Base.QWEN),
        (shapes.llama_like("pre_feedforward_layernorm.weight", "self_attn.q_norm.weight"), Kind.LLM, Base.GEMMA),
        ({"wte.weight": (50257, 768), "h.0.attn.c_attn.weight": (768, 2304)}, Kind.LLM, Base.GPT_2),
        (shapes.lora_kohya(768), Kind.LORA, Base.SD_1),
        (shapes.lora_kohya(1024), Kind.LORA, Base.SD_2),
        (shapes.lora_kohya(2048), Kind.LORA, Base.SDXL),
        ({f"{LORA}.lora_down.weight": (16, 3072), f"{LORA}.lora_up.weight": (9216, 16)}, Kind.LORA, Base.FLUX),
        (
            {
                "transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight": (16, 3072),
                "transformer.single_transformer_blocks.0.attn.to_q.lora_B.weight": (3072, 16),
            },
            Kind.LORA,
            Base.FLUX,
        ),
        (
            {
                "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.weight": (8, 2048),
                "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.lora_B.weight": (640, 8),
            },
            Kind.LORA,
            Base.SDXL,
        ),
        ({"lora_unet_x.lokr_w1": (8, 8), "lora_te2_text_model_x.lokr_w1": (8, 8)}, Kind.LORA, Base.SDXL),
        ({"lora_unet_mid_block_x.hada_w1_a": (8, 8)}, Kind.LORA, Base.UNKNOWN),
        (shapes.prefixed("control_model.", shapes.unet(768)), Kind.CONTROLNET, Base.SD_1),
        (
            {**shapes.unet_diffusers(768), "controlnet_cond_embedding.conv_in.weight": (16, 3, 3, 3)},
            Kind.CONTROLNET,
            Base.SD_1,
        ),
        ({**shapes.FLUX_DIFFUSERS, "controlnet_x_embedder.weight": (3072, 64)}, Kind.CONTROLNET, Base.FLUX),
        (
            {"image_proj.proj.weight": (3072, 1024), "ip_adapter.1.to_k_ip.weight": (320, 768)},
            Kind.IP_ADAPTER,
            Base.SD_1,
        ),
        ({"emb_params": (8, 768)}, Kind.EMBEDDING, Base.SD_1),
        ({"emb_params": (8, 1024)}, Kind.EMBEDDING, Base.SD_2),
        ({"clip_g": (8, 1280), "clip_l": (8, 768)}, Kind.EMBEDDING, Base.SDXL),
        ({"<my-cat>": (768,)}, Kind.EMBEDDING, Base.SD_1),
        ({"model.0.weight": (64, 3, 3, 3), "model.1.sub.0.RDB1.conv1.0.weight": (32, 64, 3, 3)}, Kind.UPSCALER, None),
        ({"conv_first.weight": (64, 3, 3, 3), "body.0.rdb1.conv1.weight": (32, 64, 3, 3)}, Kind.UPSCALER, None),
        ({"W_e.weight": (128, 128), "features.weight": (4, 4)}, Kind.UNKNOWN, Base.UNKNOWN),
        ({}, Kind.UNKNOWN, Base.UNKNOWN),
    ],
)
def test_a_family_is_known_by_its_tensors(stated: shapes.Shapes, kind: Kind, base: Base | None) -> None:
    found = of(stated)
    assert (found.kind, found.base) == (kind, base or Base.UNKNOWN)
    told = {reason.about for reason in found.reasons if reason.text.strip()}
    assert ("kind" in told) is (kind is not Kind.UNKNOWN)
    assert ("base" in told) is (found.base is not Base.UNKNOWN)


@pytest.mark.parametrize(
    ("stated", "base"),
    [
        (shapes.SD_1, Base.SD_1),
        (shapes.SD_2, Base.SD_2),
        (shapes.SDXL, Base.SDXL),
        (shapes.SDXL_REFINER, Base.SDXL_REFINER),
    ],
)
def test_a_checkpoint_of_other_widths_is_known_by_its_text_encoder(stated: shapes.Shapes, base: Base) -> None:
    narrow = {name: tuple(min(length, 64) for length in shape) for name, shape in stated.items()}
    found = of(narrow)
    assert (found.kind, found.base) == (Kind.CHECKPOINT, base)


def test_a_unet_of_other_widths_is_known_by_its_projection() -> None:
    narrow = shapes.unet_diffusers(64)
    name = "down_blocks.0.attentions.0.proj_in.weight"
    assert of({**narrow, name: (32, 32, 1, 1)}).base is Base.SD_1
    assert of({**narrow, name: (32, 32)}).base is Base.SD_2


def test_a_lora_without_telling_widths_is_known_by_its_trainers_words() -> None:
    stated = {"lora_unet_mid_block_x.lora_down.weight": (8, 64), "lora_unet_mid_block_x.lora_up.weight": (64, 8)}
    for metadata, base in (
        ({"ss_base_model_version": "sd_v1"}, Base.SD_1),
        ({"ss_base_model_version": "sdxl_base_v1-0"}, Base.SDXL),
        ({"ss_base_model_version": "flux1"}, Base.FLUX),
        ({"modelspec.architecture": "stable-diffusion-v2-768-v/lora"}, Base.SD_2),
        ({"modelspec.architecture": "stable-diffusion-xl-v1-base/lora"}, Base.SDXL),
        ({}, Base.UNKNOWN),
    ):
        assert of(stated, metadata).base is base


def test_tensors_overrule_the_trainers_words() -> None:
    assert of(shapes.lora_kohya(768), {"ss_base_model_version": "sdxl_base_v1-0"}).base is Base.SD_1


@pytest.mark.parametrize(
    ("model_type", "base"),
    [
        ("llama", Base.LLAMA),
        ("qwen2", Base.QWEN),
        ("qwen3_moe", Base.QWEN),
        ("mistral", Base.MISTRAL),
        ("mixtral", Base.MISTRAL),
        ("gemma3_text", Base.GEMMA),
        ("phi3", Base.PHI),
        ("something-new", Base.UNKNOWN),
    ],
)
def test_a_language_model_is_known_by_its_configuration(model_type: str, base: Base) -> None:
    found = of_set(shapes.llama_like(), {"config.json": {"model_type": model_type}})
    assert (found.kind, found.base) == (Kind.LLM, base)


def test_a_pipeline_is_a_checkpoint() -> None:
    index = {"model_index.json": {"_class_name": "StableDiffusionXLPipeline"}}
    found = of_set(shapes.unet_diffusers(64), index, "unet/diffusion_pytorch_model.safetensors")
    assert (found.kind, found.base) == (Kind.CHECKPOINT, Base.SDXL)


@pytest.mark.parametrize(
    ("channels", "factor", "base"),
    [(4, 0.18215, Base.SD_1), (4, 0.13025, Base.SDXL), (16, 0.3611, Base.FLUX), (16, 1.5305, Base.SD_3)],
)
def test_an_autoencoder_is_known_by_its_scaling_factor(channels: int, factor: float, base: Base) -> None:
    stated = {"decoder.conv_in.weight": (8, channels, 3, 3), "encoder.conv_in.weight": (8, 3, 3, 3)}
    config = json.dumps({"_class_name": "AutoencoderKL", "scaling_factor": factor}).encode()
    files = {"config.json": config, "diffusion_pytorch_model.safetensors": safetensors(weights(stated, 1))}
    found = recognise(probe_set(set_source(files)))
    assert (found.kind, found.base) == (Kind.VAE, base)


@pytest.mark.parametrize(
    ("architecture", "kind", "base"),
    [
        ("llama", Kind.LLM, Base.LLAMA),
        ("qwen3moe", Kind.LLM, Base.QWEN),
        ("gemma3", Kind.LLM, Base.GEMMA),
        ("bert", Kind.EMBEDDER, Base.BERT),
        ("t5encoder", Kind.TEXT_ENCODER, Base.T5),
        ("clip", Kind.CLIP_VISION, Base.CLIP),
        ("flux", Kind.DIFFUSION_MODEL, Base.FLUX),
        ("sdxl", Kind.DIFFUSION_MODEL, Base.SDXL),
        ("brand-new", Kind.LLM, Base.UNKNOWN),
    ],
)
def test_a_gguf_file_is_known_by_its_architecture(architecture: str, kind: Kind, base: Base) -> None:
    content = gguf(
        weights({"token_embd.weight": (4, 32)}, 1),
        {"general.architecture": architecture, "tokenizer.ggml.model": "gpt2"},
    )
    found = recognise(probe_file(MemorySource(content)))
    assert (found.kind, found.base) == (kind, base)


def test_the_folder_speaks_only_where_the_tensors_do_not() -> None:
    nothing, lora = probe_file(header_only({"x": (4,)})), probe_file(header_only(shapes.lora_kohya(768)))
    assert recognise(nothing, path=b"models/VAE/x.safetensors").kind is Kind.VAE
    assert recognise(nothing, path=b"loras/vae/x.safetensors").kind is Kind.VAE
    assert recognise(nothing, path=b"models/ESRGAN/sub/x.safetensors").kind is Kind.UPSCALER
    assert recognise(nothing, path=b"vae.safetensors").kind is Kind.UNKNOWN
    assert recognise(nothing, path=b"models/VAE/x", hint=Kind.LLM).kind is Kind.LLM
    assert recognise(lora, path=b"models/VAE/x.safetensors").kind is Kind.LORA


def test_every_base_rule_can_be_reached_by_a_kind() -> None:
    given = {rule.kind for family in FAMILIES for rule in family.kinds}
    for family in FAMILIES:
        for rule in family.bases:
            assert rule.kinds & given
            assert rule.markers
