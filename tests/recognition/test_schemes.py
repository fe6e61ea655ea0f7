"""Schemes of quantisation: each is named, its weights are counted as they were, what lies beside them is left out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from catalog.vocabulary import Format, Precision
from tests.recognition.telling import of, reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.formats.base import Json
    from catalog.recognition import Recognised

Stated = dict[str, tuple[str, tuple[int, ...]]]
SIZE = 4096 * 1024
FLOAT = {"norm.weight": ("BF16", (1024,))}

FILES: dict[str, tuple[str, Precision, str, Stated]] = {
    "nf4": (
        "bitsandbytes nf4",
        Precision.INT4,
        "NF4",
        {
            "l.weight": ("U8", (SIZE // 2, 1)),
            "l.weight.absmax": ("U8", (SIZE // 64,)),
            "l.weight.nested_absmax": ("F32", (SIZE // 64 // 256,)),
            "l.weight.nested_quant_map": ("F32", (256,)),
            "l.weight.quant_map": ("F32", (16,)),
            "l.weight.quant_state.bitsandbytes__nf4": ("U8", (80,)),
        },
    ),
    "fp4": (
        "bitsandbytes fp4",
        Precision.FP4,
        "F4",
        {
            "l.weight": ("U8", (SIZE // 2, 1)),
            "l.weight.absmax": ("F32", (SIZE // 64,)),
            "l.weight.quant_state.bitsandbytes__fp4": ("U8", (80,)),
        },
    ),
    "int8": (
        "bitsandbytes int8",
        Precision.INT8,
        "I8",
        {"l.weight": ("I8", (4096, 1024)), "l.SCB": ("F32", (4096,)), "l.weight_format": ("U8", ())},
    ),
    **{
        f"gptq {bits}": (
            "GPTQ",
            Precision(f"int{bits}"),
            f"I{bits}",
            {
                "l.qweight": ("I32", (4096 * bits // 32, 1024)),
                "l.qzeros": ("I32", (32, 1024 * bits // 32)),
                "l.scales": ("F16", (32, 1024)),
                "l.g_idx": ("I32", (4096,)),
            },
        )
        for bits in (2, 3, 4, 8)
    },
    "awq": (
        "AWQ",
        Precision.INT4,
        "I4",
        {
            "l.qweight": ("I32", (4096, 128)),
            "l.qzeros": ("I32", (32, 128)),
            "l.scales": ("F16", (32, 1024)),
        },
    ),
    "exl2": (
        "EXL2",
        Precision.INT4,
        "I4",
        {
            "l.q_weight": ("I32", (540, 1024)),
            "l.q_invperm": ("I16", (4096,)),
            "l.q_scale": ("I32", (32, 128)),
            "l.q_scale_max": ("F16", (32,)),
            "l.q_groups": ("I16", (64,)),
        },
    ),
    "exl3": (
        "EXL3",
        Precision.INT3,
        "I3",
        {"l.trellis": ("I16", (256, 64, 48)), "l.suh": ("F16", (4096,)), "l.svh": ("F16", (1024,))},
    ),
    "hqq": (
        "HQQ",
        Precision.INT4,
        "I4",
        {"l.W_q": ("U8", (SIZE // 2,)), "l.scale": ("F16", (65536, 1)), "l.zero": ("F16", (65536, 1))},
    ),
    "compressed": (
        "compressed-tensors",
        Precision.INT4,
        "I4",
        {
            "l.weight_packed": ("I32", (4096, 128)),
            "l.weight_scale": ("BF16", (4096, 8)),
            "l.weight_shape": ("I64", (2,)),
        },
    ),
    "nvfp4 of compressed-tensors": (
        "compressed-tensors",
        Precision.FP4,
        "F4",
        {
            "l.weight_packed": ("U8", (4096, 512)),
            "l.weight_scale": ("F8_E4M3", (4096, 64)),
            "l.weight_global_scale": ("F32", (1,)),
        },
    ),
    "nvfp4": (
        "nvfp4",
        Precision.FP4,
        "F4",
        {
            "l.weight": ("U8", (4096, 512)),
            "l.weight_scale": ("F8_E4M3", (4096, 64)),
            "l.weight_scale_2": ("F32", ()),
            "l.input_scale": ("F32", ()),
        },
    ),
    "mxfp4": (
        "mxfp4",
        Precision.FP4,
        "F4",
        {"l.gate_up_proj_blocks": ("U8", (4096, 32, 16)), "l.gate_up_proj_scales": ("U8", (4096, 32))},
    ),
    "mxfp8": (
        "mxfp8",
        Precision.FP8_E4M3,
        "F8_E4M3",
        {"l.weight": ("F8_E4M3", (4096, 1024)), "l.weight_scale": ("F8_E8M0", (4096, 32))},
    ),
    "fp8 with a mark": (
        "fp8 scaled",
        Precision.FP8_E4M3,
        "F8_E4M3",
        {"l.weight": ("F8_E4M3", (4096, 1024)), "l.scale_weight": ("F32", ()), "scaled_fp8": ("F8_E4M3", (2,))},
    ),
    "fp8 without": (
        "fp8 scaled",
        Precision.FP8_E5M2,
        "F8_E5M2",
        {"l.weight": ("F8_E5M2", (4096, 1024)), "l.weight_scale": ("F32", ())},
    ),
    "fp8 in blocks": (
        "fp8 block-scaled",
        Precision.FP8_E4M3,
        "F8_E4M3",
        {"l.weight": ("F8_E4M3", (4096, 1024)), "l.weight_scale_inv": ("F32", (32, 8))},
    ),
    "svdquant": (
        "SVDQuant",
        Precision.INT4,
        "I4",
        {
            "l.qweight": ("I8", (4096, 512)),
            "l.wscales": ("BF16", (16, 4096)),
            "l.smooth": ("BF16", (1024,)),
            "l.proj_down": ("BF16", (1024, 32)),
            "l.proj_up": ("BF16", (4096, 32)),
        },
    ),
    "quanto": (
        "quanto",
        Precision.INT8,
        "I8",
        {"l.weight._data": ("I8", (4096, 1024)), "l.weight._scale": ("BF16", (4096, 1))},
    ),
}


def found(
    stated: Stated, metadata: Mapping[str, Json] | None = None, container: Format = Format.SAFETENSORS
) -> Recognised:
    """What a file with these dtypes and shapes is."""
    return of(
        {name: shape for name, (_, shape) in stated.items()},
        metadata,
        dtypes={name: dtype for name, (dtype, _) in stated.items()},
        container=container,
    )


@pytest.mark.parametrize("name", FILES)
def test_each_scheme_is_named_and_its_weights_are_counted(name: str) -> None:
    scheme, word, sort, stated = FILES[name]
    told = found({**stated, **FLOAT})
    assert (told.quantisation, told.precision, told.bits) == (scheme, word, int("".join(filter(str.isdigit, word[:4]))))
    assert dict(told.dtypes) == {sort: SIZE, "BF16": 1024}
    assert told.parameters == SIZE + 1024
    assert reason(told, "quantisation")
    assert reason(told, "parameters") == f"{SIZE + 1024:,} values in 2 weight tensors"


@pytest.mark.parametrize(
    ("config", "dtype", "shape", "scheme", "count"),
    [
        ({"quant_method": "gptq", "bits": 4}, "F16", (8, 8), "GPTQ", 64),
        ({"quant_method": "bitnet"}, "U8", (2, 8), "BitNet", 64),
        ({"quant_method": "sdnq", "weights_dtype": "uint4"}, "U8", (4, 8), "SDNQ", 64),
        ({"quant_method": "torchao"}, "I8", (8, 8), "torchao", 64),
        ({"quant_method": "aqlm"}, "F16", (8, 8), "AQLM", 64),
        ({"quant_method": "next-years-method"}, "I8", (8, 8), "next-years-method", 64),
    ],
)
def test_a_configuration_names_the_scheme(
    config: dict[str, Json], dtype: str, shape: tuple[int, ...], scheme: str, count: int
) -> None:
    told = found({"l.weight": (dtype, shape)}, {"config.json": {"quantization_config": config}})
    assert (told.quantisation, told.parameters) == (scheme, count)
    assert "quant_method" in reason(told, "quantisation")


def test_hqq_and_compressed_tensors_take_their_bits_from_the_configuration() -> None:
    config: Json = {"quant_config": {"weight_quant_params": {"nbits": 2}}}
    told = found({"l.W_q": ("U8", (64,))}, {"config.json": {"quantization_config": config}})
    assert (told.parameters, told.precision) == (256, Precision.INT2)
    config = {"config_groups": {"group_0": {"weights": {"num_bits": 8}}}}
    told = found({"l.weight_packed": ("I32", (8, 8))}, {"config.json": {"quantization_config": config}})
    assert (told.parameters, told.precision) == (256, Precision.INT8)


@pytest.mark.parametrize("bits", [0, 99, -1, True, "4", 1e300, float("inf"), None, [4]])
def test_widths_that_cannot_be_are_not_believed(bits: Json) -> None:
    config: Json = {"quant_method": "gptq", "bits": bits}
    told = found({"l.qweight": ("I32", (8, 8))}, {"config.json": {"quantization_config": config}})
    assert (told.quantisation, told.parameters, told.precision) == ("GPTQ", 512, Precision.INT4)


def test_an_order_that_does_not_fit_its_weights_is_not_believed() -> None:
    stated: Stated = {"l.q_weight": ("I32", (1, 8)), "l.q_invperm": ("I16", (1 << 20,)), "l.q_scale": ("I32", (1, 1))}
    assert found(stated).parameters == 8


def test_comfyui_lists_the_format_of_each_layer() -> None:
    layers = {"layers": {"a": {"format": "nvfp4"}, "b": {"format": "float8_e4m3fn"}}}
    stated: Stated = {
        "a.weight": ("U8", (64, 32)),
        "a.weight_scale": ("F8_E4M3", (64, 4)),
        "a.weight_scale_2": ("F32", ()),
        "b.weight": ("F8_E4M3", (64, 64)),
        "b.weight_scale": ("F32", ()),
    }
    told = found(stated, {"_quantization_metadata": json.dumps(layers)})
    assert told.quantisation == "fp8 scaled + nvfp4"
    assert dict(told.dtypes) == {"F4": 4096, "F8_E4M3": 4096}
    for broken in ("{", "[" * 100_000, "[]", json.dumps({"layers": [1]})):
        assert found(stated, {"_quantization_metadata": broken}).quantisation == "nvfp4"


def test_weights_of_onnx_are_unpacked_too() -> None:
    four: Stated = {"MatMul_1_Q4": ("U8", (64, 2, 16)), "MatMul_1_scales": ("F32", (128,))}
    told = found(four, container=Format.ONNX)
    assert (told.quantisation, told.parameters, told.precision) == ("ONNX 4-bit blocks", 4096, Precision.INT4)
    eight: Stated = {
        "MatMul_1_quantized": ("I8", (64, 64)),
        "MatMul_1_scale": ("F32", ()),
        "MatMul_1_zero_point": ("I8", ()),
    }
    told = found(eight, container=Format.ONNX)
    assert (told.quantisation, told.parameters, told.precision) == ("ONNX int8", 4096, Precision.INT8)


@pytest.mark.parametrize(
    ("dtype", "word"),
    [("U8", Precision.INT8), ("I4", Precision.INT4), ("U4", Precision.INT4), ("F6_E2M3", Precision.FP6)],
)
def test_integers_without_a_scheme_are_their_width(dtype: str, word: Precision) -> None:
    told = found({"l.weight": (dtype, (8, 8))})
    assert (told.precision, told.quantisation) == (word, "")


def test_a_scheme_whose_weights_are_the_lesser_part_is_mixed() -> None:
    stated: Stated = {
        "l.weight": ("F8_E4M3", (4, 8)),
        "l.weight_scale": ("F32", ()),
        "x.weight": ("BF16", (30,)),
        "y": ("F32", (10,)),
    }
    told = found(stated)
    assert (told.quantisation, told.precision) == ("fp8 scaled", Precision.MIXED)
    assert "44.4 % F8_E4M3, 41.7 % BF16, 13.9 % F32" in reason(told, "precision")


def test_names_like_those_of_a_scheme_alone_are_none() -> None:
    assert found({"l.scales": ("F32", (8,)), "l.weight": ("F32", (8, 8))}).quantisation == ""
    assert found({"l.qweight": ("I32", (8, 8))}).quantisation == ""


def test_copies_with_averaged_values_do_not_count() -> None:
    told = found({"a.weight": ("F32", (8, 8)), "model_ema.a.weight": ("F32", (8, 8))})
    assert reason(told, "parameters") == "64 values in one weight tensor; EMA copies left out"
