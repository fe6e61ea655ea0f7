"""What steers an image model from outside: ControlNet, IP-Adapter; and what people put beside it: embeddings."""

from __future__ import annotations

from catalog.recognition.rules import BaseRule, Begins, Either, Family, Few, Has, KindRule, Like
from catalog.vocabulary import Base, Kind

_EMBEDDING = frozenset({Kind.EMBEDDING})
_CONTROL = frozenset({Kind.CONTROLNET})
_PLACEHOLDER = r"<[^/]+>"  # diffusers saves the vector under the word that stands for it

FAMILY = Family(
    kinds=(
        KindRule(
            Kind.CONTROLNET,
            (
                Either(
                    (
                        Begins(("control_model.", "lllite_unet_", "controlnet_blocks.0.")),
                        Has("input_hint_block.0.weight"),
                        Has("controlnet_cond_embedding.conv_in.weight"),
                        Has("controlnet_x_embedder.weight"),
                    )
                ),
            ),
        ),
        KindRule(Kind.IP_ADAPTER, (Begins(("ip_adapter.",)), Begins(("image_proj.",)))),
        KindRule(Kind.EMBEDDING, (Few(2), Has("emb_params"))),
        KindRule(Kind.EMBEDDING, (Few(2), Has("clip_g", ndim=2), Has("clip_l", ndim=2))),
        KindRule(Kind.EMBEDDING, (Few(1), Like(_PLACEHOLDER))),
    ),
    bases=(
        BaseRule(Base.SDXL, _EMBEDDING, (Has("clip_g", dims={1: 1280}), Has("clip_l", dims={1: 768}))),
        BaseRule(Base.SD_1, _EMBEDDING, (Either((Has("emb_params", dims={1: 768}), Like(_PLACEHOLDER, {0: 768}))),)),
        BaseRule(Base.SD_2, _EMBEDDING, (Either((Has("emb_params", dims={1: 1024}), Like(_PLACEHOLDER, {0: 1024}))),)),
        BaseRule(Base.SDXL, _CONTROL, (Like(r"lllite_unet_.*attn2_to_k\.down\.0\.weight", {1: 2048}),)),
    ),
)
