"""Each base of pictures is known by its network's own tensors, under every prefix that programs put before them."""

from __future__ import annotations

import pytest

from catalog.vocabulary import Base, Kind, Trait
from tests.builders import shapes
from tests.recognition.telling import of, reason, told

QWEN = {
    "img_in.weight": (3072, 64),
    "txt_in.weight": (3072, 3584),
    "txt_norm.weight": (3584,),
    "proj_out.weight": (64, 3072),
    "transformer_blocks.0.attn.add_q_proj.weight": (3072, 3072),
    "transformer_blocks.0.img_mlp.net.0.proj.weight": (12288, 3072),
}
Z_IMAGE = {
    "cap_embedder.1.weight": (3840, 2560),
    "x_embedder.weight": (3840, 64),
    "noise_refiner.0.attention.k_norm.weight": (128,),
    "layers.0.attention.qkv.weight": (11520, 3840),
}
NETWORKS: dict[str, tuple[Base, shapes.Shapes]] = {
    "qwen image": (Base.QWEN_IMAGE, QWEN),
    "z-image": (Base.Z_IMAGE, Z_IMAGE),
    "z-image of diffusers": (
        Base.Z_IMAGE,
        {"cap_embedder.1.weight": (3840, 2560), "noise_refiner.0.attention.norm_k.weight": (128,)},
    ),
    "lumina 2": (
        Base.LUMINA_2,
        {"cap_embedder.1.weight": (2304, 2304), "noise_refiner.0.attention.k_norm.weight": (96,)},
    ),
    "lumina 2 of diffusers": (
        Base.LUMINA_2,
        {
            "time_caption_embed.timestep_embedder.linear_1.weight": (1024, 256),
            "noise_refiner.0.attn.to_q.weight": (2304, 2304),
        },
    ),
    "omnigen 2": (
        Base.OMNIGEN_2,
        {
            "time_caption_embed.timestep_embedder.linear_1.weight": (1024, 256),
            "noise_refiner.0.attn.to_q.weight": (2520, 2520),
            "ref_image_refiner.0.attn.to_q.weight": (2520, 2520),
        },
    ),
    "pixart": (
        Base.PIXART,
        {
            "t_block.1.weight": (6912, 1152),
            "y_embedder.y_proj.fc1.weight": (1152, 4096),
            "x_embedder.proj.weight": (1152, 4, 2, 2),
        },
    ),
    "pixart of diffusers": (
        Base.PIXART,
        {
            "adaln_single.emb.timestep_embedder.linear_1.weight": (1152, 256),
            "pos_embed.proj.weight": (1152, 4, 2, 2),
            "caption_projection.linear_1.weight": (1152, 4096),
            "transformer_blocks.0.scale_shift_table": (6, 1152),
        },
    ),
    "sana": (
        Base.SANA,
        {"caption_norm.weight": (2240,), "transformer_blocks.0.ff.conv_depth.weight": (11200, 1, 3, 3)},
    ),
    "auraflow": (
        Base.AURAFLOW,
        {"double_layers.0.attn.w1q.weight": (3072, 3072), "cond_seq_linear.weight": (3072, 2048)},
    ),
    "hidream": (
        Base.HIDREAM,
        {"caption_projection.0.linear.weight": (2560, 4096), "x_embedder.proj.weight": (2560, 64)},
    ),
    "cogview 4": (
        Base.COGVIEW_4,
        {
            "patch_embed.text_proj.weight": (4096, 4096),
            "time_condition_embed.timestep_embedder.linear_1.weight": (512, 4096),
            "transformer_blocks.0.norm1.linear.weight": (49152, 512),
        },
    ),
    "ernie image": (Base.ERNIE_IMAGE, {"layers.0.mlp.linear_fc2.weight": (4096, 12288)}),
    "ideogram 4": (Base.IDEOGRAM_4, {"embed_image_indicator.weight": (2, 4608), "input_proj.weight": (4608, 128)}),
    "krea 2": (Base.KREA_2, {"txtfusion.projector.weight": (1, 12), "first.weight": (6144, 64)}),
    "hunyuan dit": (Base.HUNYUAN_DIT, {"mlp_t5.0.weight": (8192, 2048), "x_embedder.proj.weight": (1408, 4, 2, 2)}),
    "hunyuan 3d": (Base.HUNYUAN_3D, {"latent_in.weight": (1024, 64), "cond_in.weight": (1024, 1536)}),
    "kandinsky 5": (
        Base.KANDINSKY_5,
        {"visual_transformer_blocks.0.cross_attention.key_norm.weight": (64,)},
    ),
    "anima": (
        Base.ANIMA,
        {
            "llm_adapter.blocks.0.cross_attn.q_proj.weight": (1024, 1024),
            "blocks.0.mlp.layer1.weight": (8192, 2048),
            "x_embedder.proj.1.weight": (2048, 68),
        },
    ),
    "stable audio": (
        Base.STABLE_AUDIO,
        {"transformer.rotary_pos_emb.inv_freq": (16,), "to_timestep_embed.0.weight": (1536, 256)},
    ),
    "ace step": (Base.ACE_STEP, {"genre_embedder.weight": (2560, 768)}),
    "stable cascade": (Base.STABLE_CASCADE, {"clf.1.weight": (64, 320, 1, 1), "clip_txt_mapper.weight": (2048, 1280)}),
    "sd 3": (
        Base.SD_3,
        {
            "joint_blocks.0.context_block.attn.qkv.weight": (4608, 1536),
            "x_embedder.proj.weight": (1536, 16, 2, 2),
        },
    ),
    "sd 3 of diffusers": (
        Base.SD_3,
        {
            "transformer_blocks.0.attn.add_q_proj.weight": (1536, 1536),
            "pos_embed.proj.weight": (1536, 16, 2, 2),
            "context_embedder.weight": (1536, 4096),
        },
    ),
    "svd": (
        Base.SVD,
        {
            "input_blocks.0.0.weight": (320, 8, 3, 3),
            "input_blocks.2.1.transformer_blocks.0.attn2.to_k.weight": (320, 1024),
            "input_blocks.1.1.time_stack.0.attn1.to_q.weight": (320, 320),
            "out.2.weight": (4, 320, 3, 3),
        },
    ),
}


@pytest.mark.parametrize("prefix", ["", "model.diffusion_model.", "model."])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_is_known_below_any_prefix(name: str, prefix: str) -> None:
    base, stated = NETWORKS[name]
    found = of(shapes.prefixed(prefix, stated))
    assert (found.kind, found.base) == (Kind.DIFFUSION_MODEL, base)
    assert reason(found, "base")
    assert not [one for one in found.candidates if one.about == "base"]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_with_an_autoencoder_is_a_checkpoint(name: str) -> None:
    base, stated = NETWORKS[name]
    whole = {**shapes.prefixed("model.diffusion_model.", stated), **shapes.prefixed("vae.", shapes.vae(16))}
    found = of(whole)
    assert (found.kind, found.base) == (Kind.CHECKPOINT, base)
    assert not [one for one in found.candidates if one.about == "kind"]


def test_what_is_added_to_qwen_image_is_told() -> None:
    assert of(QWEN).traits == ()
    assert of({**QWEN, "time_text_embed.addition_t_embedding.weight": (2, 3072)}).traits == (Trait.LAYERED,)
    assert of({**QWEN, "__index_timestep_zero__": ()}).traits == (Trait.EDIT,)


def test_lumina_and_z_image_differ_by_their_width_alone() -> None:
    narrow = {**Z_IMAGE, "cap_embedder.1.weight": (2304, 2304)}
    assert of(narrow).base is Base.LUMINA_2
    assert of({**Z_IMAGE, "cap_embedder.1.weight": (1024, 1024)}).base is Base.UNKNOWN


def test_kolors_is_an_sdxl_that_reads_another_encoder() -> None:
    stated = {**shapes.unet_diffusers(2048), "encoder_hid_proj.weight": (2048, 4096)}
    del stated["down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight"]
    assert told(of(stated)) == ("diffusion-model", "kolors")
    assert told(of({**shapes.unet_xl(2048), "label_emb.0.0.weight": (1280, 5632)})) == ("diffusion-model", "kolors")
