"""Schemes of quantisation: the tensors or the configuration that betray each, and what it puts beside the weights."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.recognition import packed
from catalog.recognition.markers import Closes, Either, Ends, Has, No
from catalog.recognition.rules import evidence
from catalog.vocabulary import Format

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.formats.base import Json
    from catalog.recognition.facts import Facts
    from catalog.recognition.packed import Packer
    from catalog.recognition.rules import Marker

MAX_NAME = 48
_LONGEST = 4 << 20
_MARK = "_quantization_metadata"

_SCALES = ".weight_scale .scale_weight .input_scale .scale_input .weight_scale_2 .weight_scale_inv .comfy_quant"
_SCALES += " .weight_global_scale .input_global_scale .weight_zero_point .weight_shape .weight_g_idx scaled_fp8"


@dataclass(frozen=True, slots=True)
class Scheme:
    """`beside` are endings of tensors that are no weights; `packer` counts those that are."""

    name: str
    markers: tuple[Marker, ...]
    beside: tuple[str, ...] = ()
    packer: Packer | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A scheme and what betrays it."""

    scheme: Scheme
    text: str


_FOUR = tuple(f".quant_state.bitsandbytes__{sort}" for sort in ("nf4", "fp4"))
_BNB = (".absmax", ".quant_map", ".nested_absmax", ".nested_quant_map", *_FOUR)
_INT = (".qzeros", ".scales", ".g_idx", ".bias_scales")
_SVD = (
    ".wscales",
    ".wcscales",
    ".wtscale",
    ".wzeros",
    ".smooth",
    ".smooth_orig",
    ".smooth_factor",
    ".smooth_factor_orig",
)
_LOW_RANK = (".proj_down", ".proj_up", ".lora_down", ".lora_up")
_EXL2 = (".q_invperm", ".q_perm", ".q_scale", ".q_scale_max", ".q_groups", ".q_group_map")
_ANY_SCALE = tuple(_SCALES.split())
_FP8 = Has("scaled_fp8", ("", "model.diffusion_model.", "text_encoders."))

SCHEMES: tuple[Scheme, ...] = (
    Scheme("bitsandbytes nf4", (Ends(_FOUR[:1]),), _BNB, packed.bitsandbytes),
    Scheme("bitsandbytes fp4", (Ends(_FOUR[1:]),), _BNB, packed.bitsandbytes),
    Scheme("bitsandbytes int8", (Ends((".SCB",)),), (".SCB", ".weight_format")),
    Scheme("SVDQuant", (Ends((".qweight",)), Ends((".wscales",))), (*_SVD, *_LOW_RANK), packed.nunchaku),
    Scheme("GPTQ", (Ends((".qweight",)), Ends((".g_idx",))), _INT, packed.gptq),
    Scheme("AWQ", (Ends((".qweight",)), Ends((".qzeros",)), No(Ends((".g_idx",)))), _INT, packed.awq),
    Scheme("GPTQ", (Ends((".qweight",)), Ends((".scales",)), No(Ends((".qzeros",)))), _INT, packed.gptq),
    Scheme("EXL2", (Ends((".q_weight",)), Ends((".q_scale",))), _EXL2, packed.exl2),
    Scheme("EXL3", (Ends((".trellis",)),), (".suh", ".svh", ".su", ".sv", ".mcg", ".mul1"), packed.exl3),
    Scheme(
        "HQQ", (Ends((".W_q",)),), (".meta", ".scale", ".zero", ".nbits", ".group_size", ".axis", ".shape"), packed.hqq
    ),
    Scheme("compressed-tensors", (Ends((".weight_packed",)),), _ANY_SCALE, packed.compressed),
    Scheme("nvfp4", (Ends((".weight_scale_2",)),), _ANY_SCALE, packed.two_a_byte),
    Scheme("mxfp4", (Closes(("_blocks",)), Closes(("_scales",))), ("_scales",), packed.two_a_byte),
    Scheme("fp8 block-scaled", (Ends((".weight_scale_inv",)),), _ANY_SCALE),
    Scheme("fp8 scaled", (_FP8,), _ANY_SCALE),
    Scheme("fp8 scaled", (Ends((".scaled_fp8",)),), _ANY_SCALE),
    Scheme(
        "quanto",
        (Ends((".weight._data", "._data._data")),),
        ("._scale", "._shift", ".input_scale", ".output_scale"),
        packed.quanto,
    ),
    Scheme(
        "torchao",
        (Either((Closes((":qdata", "_weight_qdata")), Ends((".weight_qdata",)))),),
        (":scale", "_weight_scale", ":zero_point"),
    ),
)
"""By the names of their tensors, the surer first."""

_SCALED = Scheme("fp8 scaled", (Ends((".weight_scale", ".scale_weight")),), _ANY_SCALE)
_MX = Scheme("mxfp8", (Ends((".weight_scale",)),), _ANY_SCALE)
_MX_4 = Scheme("mxfp4", (Ends((".weight_scale",)),), _ANY_SCALE, packed.two_a_byte)
_INT_8 = Scheme("int8 scaled", (Ends((".weight_scale",)),), _ANY_SCALE)
_ONNX = (
    Scheme("ONNX 4-bit blocks", (Closes(("_Q4", "_Q4G32")),), ("_scales", "_zero_points"), packed.onnx_blocks),
    Scheme("ONNX int8", (Closes(("_quantized",)), Closes(("_scale",))), ("_scale", "_zero_point", "_scale_mul")),
)
_STATED: Mapping[str, Scheme] = {
    "gptq": Scheme("GPTQ", (), _INT, packed.gptq),
    "awq": Scheme("AWQ", (), _INT, packed.awq),
    "compressed-tensors": Scheme("compressed-tensors", (), _ANY_SCALE, packed.compressed),
    "fp8": _SCALED,
    "fbgemm_fp8": Scheme("FBGEMM fp8", (), _ANY_SCALE),
    "mxfp4": Scheme("mxfp4", (), ("_scales", *_ANY_SCALE), packed.two_a_byte),
    "hqq": SCHEMES[9],
    "exl2": SCHEMES[7],
    "exl3": SCHEMES[8],
    "bitnet": Scheme("BitNet", (), (".weight_scale",), packed.bitnet),
    "sdnq": Scheme("SDNQ", (), (".scale", ".zero_point", ".svd_up", ".svd_down"), packed.bytes_of_bits),
    "quanto": Scheme("quanto", (), ("._scale", "._shift"), packed.quanto),
    "torchao": Scheme("torchao", ()),
    "modelopt": Scheme("ModelOpt", (), _ANY_SCALE, packed.two_a_byte),
    "aqlm": Scheme("AQLM", ()),
    "vptq": Scheme("VPTQ", ()),
    "spqr": Scheme("SpQR", ()),
    "higgs": Scheme("HIGGS", ()),
    "eetq": Scheme("EETQ", (), (".weight_scales",)),
    "quark": Scheme("Quark", (), _ANY_SCALE),
    "auto-round": Scheme("AutoRound", (), _INT, packed.gptq),
    "intel/auto-round": Scheme("AutoRound", (), _INT, packed.gptq),
}
"""`quantization_config.quant_method` of a transformers or diffusers configuration."""


def scheme_of(facts: Facts) -> Found | None:
    """The scheme that the names, the dtypes, the header or a configuration betray."""
    for scheme in SCHEMES if facts.probe.format is not Format.ONNX else _ONNX:
        words = evidence(scheme.markers, facts)
        if words:
            return _listed(facts) or Found(scheme, words)
    return _listed(facts) or _scaled(facts) or _stated(facts)


def _scaled(facts: Facts) -> Found | None:
    """Scales beside weights: what is scaled is told by the dtypes of both."""
    words = evidence(_SCALED.markers, facts)
    if not words:
        return None
    pairs = {_pair(facts, name) for name in facts.ordered if name.endswith((".weight_scale", ".scale_weight"))}
    scheme = next(
        (scheme for weight, scale, scheme in _PAIRS if any(_told(pair, weight, scale) for pair in pairs)), None
    )
    return Found(scheme, words) if scheme else None


_PAIRS: tuple[tuple[str, str, Scheme], ...] = (
    ("F8", "F8_E8M0", _MX),
    ("F8", "U8", _MX),
    ("U8", "F8_E8M0", _MX_4),
    ("U8", "U8", _MX_4),
    ("F8", "", _SCALED),
    ("I8", "", _INT_8),
)
"""How the dtypes of a weight and of its scale begin."""


def _pair(facts: Facts, scale: str) -> tuple[str, str]:
    stem = scale.rpartition(".")[0]
    weight = facts.tensors.get(f"{stem}.weight") or facts.tensors.get(stem)
    return weight.dtype if weight is not None else "", facts.tensors[scale].dtype


def _told(pair: tuple[str, str], weight: str, scale: str) -> bool:
    return pair[0].startswith(weight) and pair[1].startswith(scale)


def _listed(facts: Facts) -> Found | None:
    """ComfyUI lists the format of every layer in the header."""
    formats = _formats(facts.header.get(_MARK))
    if not formats:
        return None
    named = sorted({_COMFY.get(word, word) for word in formats})
    packer = packed.two_a_byte if {"nvfp4", "mxfp4"} & set(named) else None
    name = " + ".join(named)[:MAX_NAME]
    return Found(Scheme(name, (), _ANY_SCALE, packer), f"the header's {_MARK} lists {', '.join(sorted(formats))[:200]}")


_COMFY: Mapping[str, str] = {
    "float8_e4m3fn": "fp8 scaled",
    "float8_e5m2": "fp8 scaled",
    "int8_tensorwise": "int8 scaled",
}


def _formats(text: Json) -> set[str]:
    if not isinstance(text, str) or len(text) > _LONGEST:
        return set()
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return set()
    layers = told.get("layers") if isinstance(told, dict) else None
    rows = layers.values() if isinstance(layers, dict) else []
    return {row["format"] for row in rows if isinstance(row, dict) and isinstance(row.get("format"), str)}


def _stated(facts: Facts) -> Found | None:
    for path in ("config.json", "transformer/config.json", "unet/config.json"):
        config = facts.says(f"{path}:quantization_config")
        method = config.get("quant_method") if isinstance(config, dict) else None
        if isinstance(method, str) and method:
            scheme = _STATED.get(method.lower()) or Scheme(method[:MAX_NAME], ())
            return Found(scheme, f"{path} states quant_method {method[:MAX_NAME]}")
    return None
