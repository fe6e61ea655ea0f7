"""How weights are stored: by nine values in ten, by scheme, by the file type of a GGUF."""

from __future__ import annotations

import numpy as np
import pytest

from catalog.formats import probe_file
from catalog.recognition import Recognised, recognise
from catalog.vocabulary import Precision
from tests.builders import MemorySource, Packed, Value, gguf, header_only, shapes


def of(stated: shapes.Shapes, dtype: str = "F16", **dtypes: str) -> Recognised:
    return recognise(probe_file(header_only(stated, dtype, dtypes=dtypes)))


def of_gguf(metadata: dict[str, Value], **tensors: Packed) -> Recognised:
    return recognise(probe_file(MemorySource(gguf(tensors, metadata))))


@pytest.mark.parametrize(
    ("dtype", "word", "bits"),
    [
        ("F64", Precision.FP64, 64),
        ("F32", Precision.FP32, 32),
        ("F16", Precision.FP16, 16),
        ("BF16", Precision.BF16, 16),
        ("F8_E4M3", Precision.FP8_E4M3, 8),
        ("F8_E5M2", Precision.FP8_E5M2, 8),
        ("I8", Precision.INT8, 8),
        ("F4", Precision.FP4, 4),
        ("C64", Precision.UNKNOWN, 0),
    ],
)
def test_each_dtype_has_its_word(dtype: str, word: Precision, bits: int) -> None:
    found = of({"a": (8, 8)}, dtype)
    assert (found.precision, found.bits, found.quantisation, found.parameters) == (word, bits, "", 64)


def test_nine_values_in_ten_are_enough_and_fewer_are_mixed() -> None:
    assert of({"a": (90,), "b": (10,)}, "F16", b="F32").precision == Precision.FP16
    assert of({"a": (89,), "b": (11,)}, "F16", b="F32").precision == Precision.MIXED
    reasons = {reason.about: reason.text for reason in of({"a": (89,), "b": (11,)}, "F16", b="F32").reasons}
    assert reasons["precision"] == "values: 89 % F16, 11 % F32"


def test_what_is_no_weight_does_not_count() -> None:
    found = of(
        {
            "a": (10,),
            "alphas_cumprod": (1000,),
            "model_ema.a": (100,),
            "x.num_batches_tracked": (),
            "x.position_ids": (1, 77),
        },
        "F32",
        a="F16",
        **{"x.num_batches_tracked": "I64", "x.position_ids": "I64"},
    )
    assert (found.precision, found.parameters) == (Precision.FP16, 10)


def test_nothing_is_unknown() -> None:
    assert of({}).precision == Precision.UNKNOWN


@pytest.mark.parametrize(
    ("stated", "dtypes", "scheme", "word"),
    [
        (
            {"w": (64, 64), "scaled_fp8": (2,)},
            {"w": "F8_E4M3", "scaled_fp8": "F8_E4M3"},
            "fp8 scaled",
            Precision.FP8_E4M3,
        ),
        ({"w": (64, 64), "w.weight_scale": ()}, {"w": "F8_E5M2"}, "fp8 scaled", Precision.FP8_E5M2),
        ({"w": (64, 64)}, {"w": "F8_E4M3"}, "", Precision.FP8_E4M3),
        (
            {"w.weight": (64, 1), "w.weight.quant_state.bitsandbytes__nf4": (80,)},
            {"w.weight": "U8", "w.weight.quant_state.bitsandbytes__nf4": "U8"},
            "bitsandbytes nf4",
            Precision.INT4,
        ),
        ({"w.weight": (64, 64), "w.SCB": (64,)}, {"w.weight": "I8"}, "bitsandbytes int8", Precision.INT8),
        ({"w.qweight": (8, 64), "w.qzeros": (1, 8), "w.g_idx": (64,)}, {"w.qweight": "I32"}, "GPTQ", Precision.INT4),
        ({"w.qweight": (64, 8), "w.qzeros": (1, 8)}, {"w.qweight": "I32"}, "AWQ", Precision.INT4),
    ],
)
def test_a_scheme_is_known_by_the_tensors_that_it_adds(
    stated: shapes.Shapes, dtypes: dict[str, str], scheme: str, word: Precision
) -> None:
    found = of(stated, "F16", **dtypes)
    assert (found.quantisation, found.precision) == (scheme, word)


@pytest.mark.parametrize(
    ("file_type", "name", "bits"),
    [
        (15, "Q4_K_M", 4),
        (7, "Q8_0", 8),
        (23, "IQ3_XXS", 3),
        (36, "TQ1_0", 1),
        (38, "MXFP4", 4),
        (15 + 1024, "Q4_K_M", 4),
    ],
)
def test_a_gguf_file_is_called_by_its_file_type(file_type: int, name: str, bits: int) -> None:
    found = of_gguf({"general.file_type": file_type}, w=Packed("Q6_K", (1, 256), bytes(210)))
    assert (found.precision, found.bits, found.quantisation, found.parameters) == (name, bits, name, 256)


def test_a_gguf_file_without_a_file_type_is_called_by_its_most_common_type() -> None:
    small, large = Packed("F32", (8,), bytes(32)), Packed("Q5_K", (2, 256), bytes(352))
    for metadata in ({}, {"general.file_type": 9999}):
        found = of_gguf(dict(metadata), a=small, b=large)
        assert (found.precision, found.quantisation) == ("Q5_K", "Q5_K")


def test_an_unquantised_gguf_file_has_the_usual_words() -> None:
    found = of_gguf({"general.file_type": 1}, w=Packed("F16", (4,), np.zeros(4, np.float16).tobytes()))
    assert (found.precision, found.bits, found.quantisation) == (Precision.FP16, 16, "")
    found = of_gguf({}, w=Packed("BF16", (4,), bytes(8)))
    assert (found.precision, found.quantisation) == (Precision.BF16, "")
