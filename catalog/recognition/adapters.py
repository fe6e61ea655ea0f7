"""What people put beside an image model: IP-Adapter, style models, motion modules, embeddings and their kin."""

from __future__ import annotations

from catalog.recognition.markers import Begins, Either, Few, Has, Like, No
from catalog.recognition.rules import BaseRule, Family, KindRule, TraitRule
from catalog.vocabulary import Base, Kind, Trait

_EMBEDDING = frozenset({Kind.EMBEDDING})
_IP = frozenset({Kind.IP_ADAPTER})
_T2I = frozenset({Kind.T2I_ADAPTER})
_STYLE = frozenset({Kind.STYLE_MODEL})
_MOTION = frozenset({Kind.MOTION_MODULE})
_GLIGEN = frozenset({Kind.GLIGEN})
_HYPER = frozenset({Kind.HYPERNETWORK})
_PHOTO = frozenset({Kind.PHOTOMAKER})

_PLACEHOLDER = r"<[^/]+>"  # diffusers saves the vector under the word that stands for it
_WORD = Like(_PLACEHOLDER)
_A1111 = Has("string_to_param.*")
_MIXED = "emb_params"
_G, _T5 = Has("clip_g"), Has("t5xxl")
_FLUX_IP = "double_blocks.0.processor.ip_adapter_double_stream_k_proj.weight"
_KEYS = ("ip_adapter.1.to_k_ip.weight", "ip_adapter.0.to_k_ip.weight")
_SETTINGS = ("linear.0.weight", "linear1.weight")
_TEMPORAL = "motion_modules.0.temporal_transformer.proj_in.weight"
_FIRST, _LAST = f"down_blocks.0.{_TEMPORAL}", f"down_blocks.3.{_TEMPORAL}"
_T2I_BODY = ("body.0.in_conv.weight", "body.0.block1.weight", "body.0.resnets.0.block1.weight")
_T2I_UNDER = ("", "adapter.")
_SIGHT = Either((Has("visual_projection_2.weight", ("", "id_encoder.")), Begins(("id_encoder.visual_projection_2.",))))


def _keys(*widths: int) -> Either:
    """The text that the cross attention read first has these widths."""
    return Either(tuple(Has(name, dims={1: widths}) for name in _KEYS))


def _vectors(*widths: int) -> Either:
    """An embedding's vectors have one of these widths, alone or one below another."""
    return Either(
        (
            Has(_MIXED, dims={1: widths}),
            Has("string_to_param.*", dims={1: widths}),
            Like(_PLACEHOLDER, {1: widths}),
            Like(_PLACEHOLDER, {0: widths}),
        )
    )


def _either(names: tuple[str, ...], under: tuple[str, ...] = ("",)) -> Either:
    return Either(tuple(Has(name, under) for name in names))


FAMILY = Family(
    kinds=(
        KindRule(Kind.PHOTOMAKER, (_SIGHT, Begins(("fuse_module.", "id_encoder.fuse_module.")))),
        KindRule(Kind.IP_ADAPTER, (Begins(("ip_adapter.",)), Begins(("image_proj.", "image_proj_model.")))),
        KindRule(Kind.IP_ADAPTER, (Has(_FLUX_IP),)),
        KindRule(Kind.IP_ADAPTER, (Begins(("pulid_ca.", "pulid_encoder.")),)),
        KindRule(Kind.T2I_ADAPTER, (_either(_T2I_BODY, _T2I_UNDER), Has("conv_in.weight", _T2I_UNDER))),
        KindRule(Kind.T2I_ADAPTER, (_either(_T2I_BODY[:2], _T2I_UNDER), Begins(("body.", "adapter.body.")))),
        KindRule(Kind.STYLE_MODEL, (Has("redux_down.weight"), Has("redux_up.weight"))),
        KindRule(Kind.STYLE_MODEL, (Has("style_embedding"), Has("transformer_layes.0.attn.in_proj_weight"))),
        KindRule(Kind.MOTION_MODULE, (_either((_FIRST,)),)),
        KindRule(Kind.GLIGEN, (Has("position_net.linears.0.weight"),)),
        KindRule(
            Kind.HYPERNETWORK,
            (Either(tuple(Has(f"{width}.0.{name}") for width in (320, 640, 768, 1024, 1280) for name in _SETTINGS)),),
        ),
        KindRule(Kind.EMBEDDING, (Few(4), Has(_MIXED, ndim=2))),
        KindRule(Kind.EMBEDDING, (Few(4), _A1111)),
        KindRule(Kind.EMBEDDING, (Few(4), Has("clip_l", ndim=2))),
        KindRule(Kind.EMBEDDING, (Few(4), Has("clip_g", ndim=2))),
        KindRule(Kind.EMBEDDING, (Few(2), _WORD)),
    ),
    bases=(
        BaseRule(Base.SD_3, _EMBEDDING, (Has("clip_g", dims={1: 1280}), Has("clip_l", dims={1: 768}), Has("t5xxl"))),
        BaseRule(Base.FLUX, _EMBEDDING, (Has("clip_l", dims={1: 768}), Has("t5xxl", dims={1: 4096}), No(_G))),
        BaseRule(Base.SDXL, _EMBEDDING, (Has("clip_g", dims={1: 1280}), Has("clip_l", dims={1: 768}), No(_T5))),
        BaseRule(Base.SDXL_REFINER, _EMBEDDING, (Few(1), Has("clip_g", dims={1: 1280}))),
        BaseRule(Base.SD_1, _EMBEDDING, (_vectors(768),)),
        BaseRule(Base.SD_2, _EMBEDDING, (_vectors(1024),)),
        BaseRule(Base.SDXL, _EMBEDDING, (_vectors(1280),)),
        BaseRule(Base.FLUX, _IP, (Has(_FLUX_IP),)),
        BaseRule(Base.FLUX, _IP, (Begins(("pulid_ca.", "pulid_encoder.")),)),
        BaseRule(Base.SD_1, _IP, (_keys(768),)),
        BaseRule(Base.SD_2, _IP, (_keys(1024),)),
        BaseRule(Base.SDXL, _IP, (_keys(2048),)),
        BaseRule(Base.SD_3, _IP, (_keys(2432),)),
        BaseRule(Base.FLUX, _IP, (_keys(3072, 4096),)),
        BaseRule(Base.SD_1, _T2I, (Has("conv_in.weight", _T2I_UNDER, {0: 320, 1: (64, 192)}),)),
        BaseRule(Base.SDXL, _T2I, (Has("conv_in.weight", _T2I_UNDER, {0: 320, 1: (256, 768)}),)),
        BaseRule(Base.FLUX, _STYLE, (Has("redux_down.weight", dims={0: 4096}),)),
        BaseRule(Base.SD_1, _STYLE, (Has("proj", dims={1: 768}),)),
        BaseRule(Base.SD_1, _MOTION, (Has(_FIRST, dims={0: 320}), Has(_LAST))),
        BaseRule(
            Base.SDXL,
            _MOTION,
            (Has(_FIRST, dims={0: 320}), Has("down_blocks.2.motion_modules.0.temporal_transformer.proj_in.weight")),
        ),
        BaseRule(Base.SD_1, _GLIGEN, (Has("position_net.linears.4.weight", dims={0: 768}),)),
        BaseRule(Base.SD_1, _HYPER, (_either(tuple(f"768.0.{name}" for name in _SETTINGS)),)),
        BaseRule(Base.SD_2, _HYPER, (_either(tuple(f"1024.0.{name}" for name in _SETTINGS)),)),
        BaseRule(Base.SDXL, _PHOTO, (_SIGHT,)),
    ),
    traits=(
        TraitRule(Trait.REDUX, (Has("redux_down.weight"),), _STYLE),
        TraitRule(Trait.PLUS, (Has("image_proj.latents"),), _IP),
        TraitRule(Trait.FACE_ID, (Has("image_proj.proj.0.weight", dims={1: 512}),), _IP),
        TraitRule(Trait.FACE_ID, (Has("image_proj.perceiver_resampler.proj_in.weight"),), _IP),
        TraitRule(Trait.FACE_ID, (Begins(("pulid_",)),), _IP),
    ),
)
