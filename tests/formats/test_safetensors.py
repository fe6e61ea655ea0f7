"""The safetensors reader: every rule of the format, and never laxer than the format's own library."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import MalformedFile
from catalog.formats import safetensors
from catalog.vocabulary import FindingCode, Format, Outcome
from tests.builders import BRAIN, HALF, MemorySource, Tensors, header_only
from tests.builders import safetensors as write
from tests.builders.oracles import safetensors_library

F32 = '{"dtype":"F32","shape":[2],"data_offsets":[0,8]}'


def file_of(header: str | bytes, data: bytes = b"\0" * 8) -> bytes:
    text = header.encode() if isinstance(header, str) else header
    return struct.pack("<Q", len(text)) + text + data


def refuse(content: bytes) -> MalformedFile:
    with pytest.raises(MalformedFile) as caught:
        safetensors.read(MemorySource(content))
    assert str(caught.value)
    return caught.value


def test_a_sound_file_is_indexed_by_name_with_offsets_in_the_file() -> None:
    tensors: Tensors = {"b": np.ones((2, 3), np.float32), "a": np.ones(4, HALF), "scalar": np.array(1, np.int64)}
    content = write(tensors, {"format": "pt"})
    probe = safetensors.read(MemorySource(content))
    assert (probe.format, probe.outcome, probe.metadata) == (Format.SAFETENSORS, Outcome.OK, {"format": "pt"})
    assert [(t.name, t.dtype, t.shape) for t in probe.tensors] == [
        ("a", "F16", (4,)),
        ("b", "F32", (2, 3)),
        ("scalar", "I64", ()),
    ]
    for tensor in probe.tensors:
        assert content[tensor.offset : tensor.offset + tensor.nbytes] == tensors[tensor.name].tobytes()
    assert probe.body == 8 + struct.unpack("<Q", content[:8])[0]


def test_only_the_header_is_read() -> None:
    source = header_only({f"layer.{number}.weight": (4096, 4096) for number in range(200)}, "F32")
    assert source.size > 13_000_000_000
    assert len(safetensors.read(source).tensors) == 200
    assert source.bytes_read < 40_000


def test_there_are_twenty_two_dtypes() -> None:
    assert len(safetensors.BITS) == 22


@pytest.mark.parametrize("dtype", sorted(safetensors.BITS))
def test_every_dtype_that_the_library_knows_is_read(dtype: str) -> None:
    bits = safetensors.BITS[dtype]
    header = json.dumps({"x": {"dtype": dtype, "shape": [8, 3], "data_offsets": [0, 3 * bits]}})
    content = file_of(header, bytes(3 * bits))
    assert safetensors_library(content)
    assert safetensors.read(MemorySource(content)).tensors[0].nbytes == 3 * bits


def test_a_size_that_is_no_whole_byte_is_refused() -> None:
    error = refuse(file_of('{"x":{"dtype":"F4","shape":[3],"data_offsets":[0,1]}}', b"\0"))
    assert "whole number of bytes" in str(error)


def test_an_empty_file_is_empty() -> None:
    assert refuse(b"").code is FindingCode.EMPTY


def test_a_file_without_tensors_is_sound() -> None:
    for header in ("{}", "{}      ", '{"__metadata__":{}}', '{"__metadata__":{"a":"b"}}  '):
        content = file_of(header, b"")
        assert safetensors_library(content) == []
        assert safetensors.read(MemorySource(content)).tensors == ()


def test_a_cut_file_says_what_was_promised_and_what_is_there() -> None:
    content = file_of(f'{{"x":{F32}}}')
    error = refuse(content[:-1])
    assert error.code is FindingCode.TRUNCATED
    assert error.params == {"expected": f"{len(content)} bytes", "actual": f"{len(content) - 1} bytes"}


def test_sizes_that_look_alike_are_told_in_bytes() -> None:
    source = header_only({"x": (1_000_000_000,)})
    source.size -= 1
    with pytest.raises(MalformedFile) as caught:
        safetensors.read(source)
    assert caught.value.params["expected"] != caught.value.params["actual"]


def test_a_header_longer_than_the_file_is_truncated() -> None:
    assert refuse(struct.pack("<Q", 5000) + b"{}").code is FindingCode.TRUNCATED


def test_a_header_beyond_the_limit_is_too_large() -> None:
    for length in (100_000_001, 1 << 40, (1 << 64) - 1):
        error = refuse(struct.pack("<Q", length) + b"{}")
        assert error.code is FindingCode.HEADER_TOO_LARGE
        assert error.params["allowed"] == "100 MB"


@pytest.mark.parametrize(
    ("header", "words"),
    [
        (f' {{"x":{F32}}}', "brace"),
        (f'\ufeff{{"x":{F32}}}', "brace"),
        (f'{{"x":{F32}}}\n', "after the header"),
        (f'{{"x":{F32}}} x', "after the header"),
        ("[]", "brace"),
        ("", "brace"),
        ("{", "text"),
        (f'{{"x":{F32}', "No"),
        (f'{{"x":{F32},}}', "text"),
        (f'{{"x":{F32},"x":{F32}}}', "bytes"),
        ('{"x":["F32",[2],[0,8]]}', "no object"),
        ('{"x":null}', "no object"),
        ('{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"extra":1}}', "exactly"),
        ('{"x":{"dtype":"F32","shape":[2]}}', "exactly"),
        ('{"x":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}', "alike"),
        ('{"x":{"dtype":"F99","shape":[2],"data_offsets":[0,8]}}', "dtype"),
        ('{"x":{"dtype":"F32","shape":[-0],"data_offsets":[0,8]}}', "alike"),
        ('{"x":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}', "alike"),
        ('{"x":{"dtype":"F32","shape":[2.0],"data_offsets":[0,8]}}', "whole number"),
        ('{"x":{"dtype":"F32","shape":[true,2],"data_offsets":[0,8]}}', "whole number"),
        ('{"x":{"dtype":"F32","shape":[02],"data_offsets":[0,8]}}', "whole numbers"),
        ('{"x":{"dtype":"F32","shape":[2,],"data_offsets":[0,8]}}', "whole numbers"),
        ('{"x":{"dtype":"F32","shape":[NaN],"data_offsets":[0,8]}}', "whole number"),
        ('{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,NaN]}}', "whole number"),
        ('{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8,8]}}', "exactly"),
        ('{"x":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}', "need 12"),
        ('{"x":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}', "no tensor"),
        ('{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}', "no tensor"),
        ('{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', "after the last tensor"),
        (
            '{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"y":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}',
            "share bytes",
        ),
        ('{"x":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}', "64 bits"),
        ('{"x":{"dtype":"F32","shape":[9223372036854775808,4,0],"data_offsets":[0,0]}}', "64 bits"),
        ('{"x":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,8]}}', "64 bits"),
        (f'{{"x":{{"dtype":"F32","shape":[{"9" * 5000}],"data_offsets":[0,8]}}}}', "whole numbers"),
        (f'{{"x":{{"shape":[{"9" * 5000}],"dtype":"F32","data_offsets":[0,8]}}}}', "alike"),
        (f'{{"\\ud800":{F32}}}', "surrogate"),
        (f'{{"__metadata__":{{"a":"\\ud800"}},"x":{F32}}}', "surrogate"),
        (f'{{"__metadata__":null,"x":{F32}}}', "No {"),
        (f'{{"__metadata__":{{"a":1}},"x":{F32}}}', "No text"),
        (f'{{"__metadata__":{{"a":"1","a":"2"}},"x":{F32}}}', "twice"),
        (f'{{"__metadata__":{{}},"__metadata__":{{}},"x":{F32}}}', "twice"),
        (f'{{"__metadata__":{F32}}}', "twice"),
        ('{"x":' + "[" * 50_000, "no object"),
        ('{"x":{"dtype":' + "[" * 50_000 + "}", "alike"),
        ('{"x":{"dtype":' + '{"a":' * 50_000 + "1" + "}" * 50_000, "without an end"),
        ('{"x":{"dtype":' + '{"a":' * 5_000 + "1" + "}" * 5_000, "alike"),
        ('{"x":{"dtype":"' + "F" * 70_000, "without an end"),
    ],
)
def test_what_the_format_forbids_is_refused(header: str, words: str) -> None:
    error = refuse(file_of(header))
    assert error.code in {FindingCode.MALFORMED, FindingCode.TRUNCATED}
    assert words in str(error)


def test_one_name_twice_is_refused_though_both_fit() -> None:
    header = '{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"x":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}}'
    assert "twice" in str(refuse(file_of(header)))


def test_a_header_that_is_not_utf_8_is_refused() -> None:
    assert "UTF-8" in str(refuse(file_of(b'{"\xff":{}}')))


def test_fields_in_another_order_white_space_and_escapes_are_read() -> None:
    header = (
        '{ "a\\u0062" :\t{"data_offsets":[ 0 , 8 ], "shape":[2 ], "dtype":"F32"} ,\n'
        '"c": {"shape":[],"dtype":"U8","data_offsets":[8,9]}}'
    )
    content = file_of(header, bytes(9))
    assert safetensors_library(content)
    assert [t.name for t in safetensors.read(MemorySource(content)).tensors] == ["ab", "c"]


def test_a_zero_byte_in_a_name_stays_visible_and_names_stay_different() -> None:
    header = "{" + ",".join(f'"{name}":{_empty()}' for name in ("a\\u0000", "a\u2400", "a\u24000")) + "}"
    names = [t.name for t in safetensors.read(MemorySource(file_of(header, b""))).tensors]
    assert len(set(names)) == 3
    assert not any("\0" in name for name in names)


def _empty() -> str:
    return '{"dtype":"U8","shape":[0],"data_offsets":[0,0]}'


def test_metadata_is_fit_for_a_database() -> None:
    content = file_of('{"__metadata__":{"a\\u0000":"b\\u0000c"}}', b"")
    assert safetensors.read(MemorySource(content)).metadata == {"a\u2400": "b\u2400c"}


def test_an_endless_value_is_cut_with_a_mark() -> None:
    content = file_of(json.dumps({"__metadata__": {"a": "x" * 5_000_000}}), b"")
    value = str(safetensors.read(MemorySource(content)).metadata["a"])
    assert len(value) < 4_200_000
    assert value.endswith("(5,000,000 characters)")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: "{" + ",".join(f'"{n}":{_empty()}' for n in range(150_001)) + "}", "150,000 tensors"),
        (lambda: '{"__metadata__":{' + ",".join(f'"{n}":""' for n in range(100_001)) + "}}", "100,000 entries"),
        (lambda: '{"' + "n" * 9000 + f'":{_empty()}}}', "9,000 characters"),
    ],
)
def test_more_than_any_model_has_is_refused(make: object, words: str) -> None:
    assert callable(make)
    assert words in str(refuse(file_of(str(make()), b"")))


@given(
    st.dictionaries(
        st.text(max_size=12).filter(lambda name: name != "__metadata__"),
        st.tuples(
            st.sampled_from([np.dtype(np.float32), HALF, BRAIN, np.dtype(np.uint8), np.dtype(np.int64)]),
            st.lists(st.integers(0, 4), max_size=3),
        ),
        max_size=6,
    ),
    st.dictionaries(st.text(max_size=8), st.text(max_size=20), max_size=3),
)
def test_whatever_is_written_is_read_back(
    stated: dict[str, tuple[np.dtype[np.generic], list[int]]], metadata: dict[str, str]
) -> None:
    content = write({name: np.zeros(shape, dtype) for name, (dtype, shape) in stated.items()}, metadata)
    probe = safetensors.read(MemorySource(content))
    assert len(probe.tensors) == len(stated)
    assert sum(t.nbytes for t in probe.tensors) == len(content) - (probe.body or 0)
    found = safetensors_library(content)
    assert {(t.dtype, t.shape) for t in probe.tensors} == {(dtype, shape) for _, dtype, shape in found}
