"""Names and true shapes of well-known models: of each a few tensors, those by which people tell them apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Shapes: TypeAlias = "Mapping[str, tuple[int, ...]]"

LDM = "model.diffusion_model."


def unet(context: int, *, channels: int = 4, width: int = 320) -> Shapes:
    """The U-Net of SD 1 (768) or SD 2 (1024) under its original names, without a prefix."""
    projection = (width, width, 1, 1) if context == 768 else (width, width)
    return {
        "input_blocks.0.0.weight": (width, channels, 3, 3),
        "input_blocks.2.1.proj_in.weight": projection,
        "input_blocks.2.1.transformer_blocks.0.attn2.to_k.weight": (width, context),
        "input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight": (width * 2, context),
        "out.2.weight": (4, width, 3, 3),
        "time_embed.0.weight": (width * 4, width),
    }


def unet_xl(context: int) -> Shapes:
    """The U-Net of SDXL (2048) or its refiner (1280)."""
    return {
        "input_blocks.0.0.weight": (320, 4, 3, 3),
        "input_blocks.4.1.transformer_blocks.0.attn2.to_k.weight": (640, context),
        "label_emb.0.0.weight": (1280, 2816),
        "out.2.weight": (4, 320, 3, 3),
    }


def unet_diffusers(context: int) -> Shapes:
    """SD 1 or 2 under diffusers' names."""
    return {
        "conv_in.weight": (320, 4, 3, 3),
        "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight": (320, context),
        "down_blocks.0.resnets.0.conv1.weight": (320, 320, 3, 3),
        "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight": (640, context),
        "up_blocks.0.resnets.0.conv1.weight": (1280, 2560, 3, 3),
        "time_embedding.linear_1.weight": (1280, 320),
    }


def vae(channels: int = 4) -> Shapes:
    """An autoencoder under its original names."""
    return {
        "decoder.conv_in.weight": (512, channels, 3, 3),
        "decoder.mid.block_1.conv1.weight": (512, 512, 3, 3),
        "encoder.conv_in.weight": (128, 3, 3, 3),
        "encoder.conv_out.weight": (channels * 2, 512, 3, 3),
    }


def clip_text(width: int = 768) -> Shapes:
    """CLIP's text model."""
    return {
        "text_model.embeddings.token_embedding.weight": (49408, width),
        "text_model.encoder.layers.0.self_attn.q_proj.weight": (width, width),
        "text_model.final_layer_norm.weight": (width,),
    }


def prefixed(prefix: str, shapes: Shapes) -> dict[str, tuple[int, ...]]:
    """The same below a prefix."""
    return {prefix + name: shape for name, shape in shapes.items()}


SD_1 = {
    **prefixed(LDM, unet(768)),
    **prefixed("first_stage_model.", vae()),
    **prefixed("cond_stage_model.transformer.", clip_text()),
}
SD_2 = {
    **prefixed(LDM, unet(1024)),
    **prefixed("first_stage_model.", vae()),
    "cond_stage_model.model.transformer.resblocks.0.attn.in_proj_weight": (3072, 1024),
}
SDXL = {
    **prefixed(LDM, unet_xl(2048)),
    **prefixed("first_stage_model.", vae()),
    "conditioner.embedders.0.transformer.text_model.final_layer_norm.weight": (768,),
    "conditioner.embedders.1.model.transformer.resblocks.0.attn.in_proj_weight": (3840, 1280),
}
SDXL_REFINER = {
    **prefixed(LDM, unet_xl(1280)),
    **prefixed("first_stage_model.", vae()),
    "conditioner.embedders.0.model.transformer.resblocks.0.attn.in_proj_weight": (3840, 1280),
}
SD_3 = {
    f"{LDM}joint_blocks.0.context_block.attn.qkv.weight": (4608, 1536),
    f"{LDM}joint_blocks.0.x_block.attn.qkv.weight": (4608, 1536),
    **prefixed("first_stage_model.", vae(16)),
}
FLUX = {
    "double_blocks.0.img_attn.norm.key_norm.scale": (128,),
    "double_blocks.0.img_attn.qkv.weight": (9216, 3072),
    "guidance_in.in_layer.weight": (3072, 256),
    "img_in.weight": (3072, 64),
    "single_blocks.0.linear1.weight": (21504, 3072),
}
FLUX_DIFFUSERS = {
    "context_embedder.weight": (3072, 4096),
    "single_transformer_blocks.0.attn.to_q.weight": (3072, 3072),
    "transformer_blocks.0.attn.add_q_proj.weight": (3072, 3072),
    "x_embedder.weight": (3072, 64),
}
FLUX_2 = {
    "double_blocks.0.img_attn.qkv.weight": (18432, 6144),
    "double_stream_modulation_img.lin.weight": (36864, 6144),
    "img_in.weight": (6144, 128),
}
CHROMA = {**FLUX, "distilled_guidance_layer.norms.0.scale": (5120,)}
HUNYUAN_VIDEO = {
    "double_blocks.0.img_attn.qkv.weight": (9216, 3072),
    "txt_in.individual_token_refiner.blocks.0.norm1.weight": (3072,),
}
T5_ENCODER = {
    "encoder.block.0.layer.0.SelfAttention.q.weight": (4096, 4096),
    "shared.weight": (32128, 4096),
}
T5 = {**T5_ENCODER, "decoder.block.0.layer.0.SelfAttention.q.weight": (4096, 4096)}
BERT = {
    "embeddings.position_ids": (1, 512),
    "embeddings.word_embeddings.weight": (30522, 384),
    "encoder.layer.0.attention.self.query.weight": (384, 384),
}
CLIP_VISION = {"vision_model.encoder.layers.0.self_attn.q_proj.weight": (1024, 1024)}
OPEN_CLIP = {"token_embedding.weight": (49408, 1280), "transformer.resblocks.0.attn.in_proj_weight": (3840, 1280)}


def llama_like(*extra: str) -> Shapes:
    """A language model of Llama's build, with further tensors of its first layer."""
    layer = "model.layers.0."
    return {
        "lm_head.weight": (32000, 4096),
        "model.embed_tokens.weight": (32000, 4096),
        f"{layer}mlp.gate_proj.weight": (11008, 4096),
        f"{layer}post_attention_layernorm.weight": (4096,),
        f"{layer}self_attn.q_proj.weight": (4096, 4096),
        **{layer + name: (4096,) for name in extra},
    }


def lora_kohya(context: int, *extra: str, rank: int = 16) -> Shapes:
    """A LoRA of kohya's trainer for a U-Net whose cross attention reads `context` values."""
    name = "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn2_to_k"
    return {
        f"{name}.alpha": (),
        f"{name}.lora_down.weight": (rank, context),
        f"{name}.lora_up.weight": (640, rank),
        **dict.fromkeys(extra, (rank, 64)),
    }
