"""Small files beside an image model: none of them is taken for another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from catalog.vocabulary import Base, Kind, Trait
from tests.recognition.telling import of, told

if TYPE_CHECKING:
    from tests.builders import shapes

KEYS = "ip_adapter.1.to_k_ip.weight"
TEMPORAL = "motion_modules.0.temporal_transformer.proj_in.weight"

FILES: dict[str, tuple[Kind, Base, shapes.Shapes]] = {
    "ip-adapter": (Kind.IP_ADAPTER, Base.SD_1, {"image_proj.proj.weight": (3072, 1024), KEYS: (320, 768)}),
    "ip-adapter of sdxl": (Kind.IP_ADAPTER, Base.SDXL, {"image_proj.latents": (1, 16, 1280), KEYS: (640, 2048)}),
    "ip-adapter of flux": (
        Kind.IP_ADAPTER,
        Base.FLUX,
        {
            "double_blocks.0.processor.ip_adapter_double_stream_k_proj.weight": (3072, 4096),
            "ip_adapter_proj_model.proj.weight": (16384, 768),
        },
    ),
    "pulid": (Kind.IP_ADAPTER, Base.FLUX, {"pulid_ca.0.norm1.weight": (2048,), "pulid_encoder.latents": (1, 32, 1024)}),
    "redux": (Kind.STYLE_MODEL, Base.FLUX, {"redux_down.weight": (4096, 12288), "redux_up.weight": (12288, 1152)}),
    "style model": (
        Kind.STYLE_MODEL,
        Base.SD_1,
        {"style_embedding": (1, 8, 1024), "proj": (1024, 768), "transformer_layes.0.attn.in_proj_weight": (3072, 1024)},
    ),
    "t2i-adapter": (
        Kind.T2I_ADAPTER,
        Base.SD_1,
        {"conv_in.weight": (320, 192, 3, 3), "body.0.block1.weight": (320, 320, 3, 3)},
    ),
    "t2i-adapter of diffusers": (
        Kind.T2I_ADAPTER,
        Base.SDXL,
        {"adapter.conv_in.weight": (320, 768, 3, 3), "adapter.body.0.resnets.0.block1.weight": (320, 320, 3, 3)},
    ),
    "motion module": (
        Kind.MOTION_MODULE,
        Base.SD_1,
        {f"down_blocks.0.{TEMPORAL}": (320, 320), f"down_blocks.3.{TEMPORAL}": (1280, 1280)},
    ),
    "motion module of sdxl": (
        Kind.MOTION_MODULE,
        Base.SDXL,
        {f"down_blocks.0.{TEMPORAL}": (320, 320), f"down_blocks.2.{TEMPORAL}": (1280, 1280)},
    ),
    "gligen": (
        Kind.GLIGEN,
        Base.SD_1,
        {
            "position_net.linears.0.weight": (512, 832),
            "position_net.linears.4.weight": (768, 512),
            "input_blocks.1.1.transformer_blocks.0.fuser.alpha_attn": (),
        },
    ),
    "photomaker": (
        Kind.PHOTOMAKER,
        Base.SDXL,
        {
            "id_encoder.visual_projection_2.weight": (1280, 1024),
            "id_encoder.fuse_module.mlp1.fc1.weight": (2048, 4096),
            "lora_weights.unet.down_blocks.1.attentions.0.proj_in.lora.down.weight": (64, 640),
        },
    ),
    "hypernetwork": (
        Kind.HYPERNETWORK,
        Base.SD_1,
        {"768.0.linear.0.weight": (1536, 768), "320.0.linear.0.weight": (640, 320)},
    ),
    "embedding": (Kind.EMBEDDING, Base.SD_1, {"emb_params": (8, 768)}),
    "embedding of a1111": (Kind.EMBEDDING, Base.SD_2, {"string_to_param.*": (8, 1024)}),
    "embedding of sdxl": (Kind.EMBEDDING, Base.SDXL, {"clip_g": (8, 1280), "clip_l": (8, 768)}),
    "embedding of sd 3": (Kind.EMBEDDING, Base.SD_3, {"clip_g": (8, 1280), "clip_l": (8, 768), "t5xxl": (8, 4096)}),
    "embedding of flux": (Kind.EMBEDDING, Base.FLUX, {"clip_l": (8, 768), "t5xxl": (8, 4096)}),
    "embedding of diffusers": (Kind.EMBEDDING, Base.SD_1, {"<my-cat>": (768,)}),
    "two vectors of diffusers": (Kind.EMBEDDING, Base.SD_2, {"<my-dog>": (2, 1024)}),
}


@pytest.mark.parametrize("name", FILES)
def test_each_is_what_it_is(name: str) -> None:
    kind, base, stated = FILES[name]
    found = of(stated)
    assert (found.kind, found.base) == (kind, base)
    assert not found.candidates


@pytest.mark.parametrize(
    ("name", "trait"),
    [("ip-adapter of sdxl", Trait.PLUS), ("redux", Trait.REDUX), ("pulid", Trait.FACE_ID)],
)
def test_its_traits_are_told(name: str, trait: Trait) -> None:
    assert trait in of(FILES[name][2]).traits


def test_a_face_is_read_from_512_values() -> None:
    stated = {
        "image_proj.proj.0.weight": (1024, 512),
        KEYS: (320, 768),
        "ip_adapter.1.to_k_lora.down.weight": (128, 320),
    }
    found = of(stated)
    assert (found.kind, found.traits) == (Kind.IP_ADAPTER, (Trait.FACE_ID,))


@pytest.mark.parametrize(
    "stated",
    [
        {"weight": (768,)},
        {"clip_l": (768,)},
        {"<a>": (768,), **{f"layer.{number}.weight": (8, 8) for number in range(9)}},
        {"emb_params": (8, 768), **{f"layer.{number}.weight": (8, 8) for number in range(9)}},
    ],
)
def test_what_only_looks_like_an_embedding_is_none(stated: shapes.Shapes) -> None:
    assert of(stated).kind is Kind.UNKNOWN


def test_an_embedding_of_an_unknown_width_has_no_base() -> None:
    assert told(of({"emb_params": (8, 333)})) == ("embedding", "unknown")
