"""The GGUF reader: the rules of ggml's own, bounded by the bytes that are left."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING

import gguf as oracle
import numpy as np
import pytest

from catalog.errors import MalformedFile, UnsupportedFormat
from catalog.formats import gguf
from catalog.formats.ggml import FILE_TYPES, TYPES
from catalog.vocabulary import FindingCode, Format, Outcome
from tests.builders import HALF, Array, MemorySource, Packed, Value
from tests.builders import gguf as write

if TYPE_CHECKING:
    from pathlib import Path

MATRIX: dict[str, Array | Packed] = {"a.weight": np.ones((2, 64), np.float32), "b.weight": np.ones(3, HALF)}


def refuse(content: bytes, size: int | None = None) -> MalformedFile:
    with pytest.raises(MalformedFile) as caught:
        gguf.read(MemorySource(content, size=size))
    assert str(caught.value)
    return caught.value


def text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(raw)) + raw


def head(tensors: int = 0, keys: int = 0, version: int = 3) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, keys)


def tensor(name: str | bytes = "t", dims: tuple[int, ...] = (4,), kind: int = 0, offset: int = 0) -> bytes:
    return text(name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, kind, offset)


def filled(content: bytes) -> bytes:
    return content + bytes(4096)


@pytest.mark.parametrize("version", [2, 3])
def test_a_sound_file_is_indexed_as_the_reference_reader_does(tmp_path: Path, version: int) -> None:
    metadata: dict[str, Value] = {
        "general.architecture": "llama",
        "general.name": "Tiny",
        "general.tags": ["a", "b"],
        "n": 7,
        "f": 1e-05,
    }
    content = write(MATRIX, metadata, version=version)
    probe = gguf.read(MemorySource(content))
    assert (probe.format, probe.outcome, probe.metadata) == (Format.GGUF, Outcome.OK, metadata)
    path = tmp_path / "x.gguf"
    path.write_bytes(content)
    reference = {t.name: t for t in oracle.GGUFReader(path).tensors}
    assert [t.name for t in probe.tensors] == sorted(reference)
    for found in probe.tensors:
        expected = reference[found.name]
        assert found.offset == expected.data_offset
        assert found.nbytes == expected.n_bytes
        assert found.shape == tuple(reversed(expected.shape.tolist()))
        assert found.dtype == expected.tensor_type.name


def test_the_blocks_are_those_of_ggml() -> None:
    reference = {int(kind): (kind.name, *oracle.GGML_QUANT_SIZES[kind]) for kind in oracle.GGMLQuantizationType}
    assert {number: tuple(block) for number, block in TYPES.items() if number in reference} == reference
    assert {block.name for number, block in TYPES.items() if number not in reference} <= {"Q2_0"}, (
        "newer than the library"
    )


def test_the_file_types_are_those_of_llama_cpp() -> None:
    reference = {
        int(kind): kind.name.removeprefix("MOSTLY_").removeprefix("ALL_").removesuffix("_MOE")
        for kind in oracle.LlamaFileType
        if kind is not oracle.LlamaFileType.GUESSED
    }
    assert {number: name for number, name in FILE_TYPES.items() if number in reference} == reference
    assert set(FILE_TYPES) - set(reference) <= {41}, "newer than the library"


def test_quantised_tensors_take_whole_blocks() -> None:
    content = write({"q": Packed("Q4_K", (3, 512), bytes(3 * 2 * 144))}, {})
    found = gguf.read(MemorySource(content)).tensors[0]
    assert (found.dtype, found.shape, found.nbytes) == ("Q4_K", (3, 512), 864)


def test_what_ggml_reads_and_its_python_library_does_not_is_read() -> None:
    single = gguf.read(MemorySource(filled(head(1) + tensor(dims=(), kind=30)))).tensors[0]
    assert (single.dtype, single.shape, single.nbytes) == ("BF16", (), 2)
    assert gguf.read(MemorySource(head(0, 1) + text("GGUF.version") + struct.pack("<IB", 0, 7))).metadata == {
        "GGUF.version": 7
    }


def test_keys_that_differ_in_a_zero_byte_are_two() -> None:
    keys = b"".join(text(key) + struct.pack("<IB", 0, number) for number, key in enumerate(["a\0b", "a\u2400b"]))
    assert gguf.read(MemorySource(head(0, 2) + keys)).metadata == {"a\u24000b": 0, "a\u2400\u2400b": 1}


def test_a_long_vocabulary_is_passed_over() -> None:
    words = [f"word {number}" for number in range(150_000)]
    content = write(MATRIX, {"tokenizer.ggml.tokens": words, "tokenizer.ggml.scores": [0.5] * 150_000, "after": True})
    probe = gguf.read(MemorySource(content))
    assert probe.metadata == {
        "tokenizer.ggml.tokens": {"list_of": "string", "length": 150_000},
        "tokenizer.ggml.scores": {"list_of": "f32", "length": 150_000},
        "after": True,
    }
    assert len(probe.tensors) == 2


def test_long_texts_in_a_long_list_are_not_read() -> None:
    one = struct.pack("<Q", 2_000_000)
    content = head(0, 1) + text("k") + struct.pack("<IIQ", 9, 8, 100) + (one + bytes(2_000_000)) * 100
    source = MemorySource(content)
    assert gguf.read(source).metadata == {"k": {"list_of": "string", "length": 100}}
    assert source.bytes_read < 8_000_000


def test_every_type_of_value_is_read() -> None:
    kinds: dict[str, tuple[int, str, float]] = {
        "u8": (0, "<B", 200),
        "i8": (1, "<b", -5),
        "u16": (2, "<H", 60_000),
        "i16": (3, "<h", -6),
    }
    kinds |= {"u32": (4, "<I", 1 << 31), "i32": (5, "<i", -7), "f32": (6, "<f", 0.1), "bool": (7, "<B", 1)}
    kinds |= {"u64": (10, "<Q", (1 << 64) - 1), "i64": (11, "<q", -8), "f64": (12, "<d", 0.1)}
    parts = (
        text(key) + struct.pack("<I", kind) + struct.pack(form, value) for key, (kind, form, value) in kinds.items()
    )
    body = b"".join(parts)
    probe = gguf.read(MemorySource(filled(head(0, len(kinds)) + body)))
    assert probe.metadata == {key: value for key, (_, _, value) in kinds.items()}
    assert probe.metadata["bool"] is True


def test_numbers_that_json_does_not_have_become_text() -> None:
    body = text("nan") + struct.pack("<If", 6, float("nan")) + text("inf") + struct.pack("<Id", 12, float("-inf"))
    probe = gguf.read(MemorySource(filled(head(0, 2) + body)))
    assert probe.metadata == {"nan": "nan", "inf": "-inf"}
    json.dumps(probe.metadata, allow_nan=False)


def test_short_floats_are_written_short() -> None:
    for value in (1e-05, 500000.0, 0.1, 3.4028234663852886e38, 1 / 3, -0.0, 1e-45):
        (stored,) = struct.unpack("<f", struct.pack("<f", value))
        short = gguf.shortest(stored)
        assert struct.pack("<f", short) == struct.pack("<f", stored)
    assert repr(gguf.shortest(struct.unpack("<f", struct.pack("<f", 1e-05))[0])) == "1e-05"


def test_bytes_that_are_no_text_are_shown_as_such() -> None:
    content = head(0, 1) + text("k") + struct.pack("<I", 8) + text(b"a\xff\0b")
    assert gguf.read(MemorySource(filled(content))).metadata == {"k": "a\ufffd\u2400b"}


@pytest.mark.parametrize("alignment", [8, 64, 4096])
def test_another_alignment_is_kept(alignment: int) -> None:
    content = write(MATRIX, {"general.alignment": alignment}, alignment=alignment)
    assert all(t.offset % alignment == 0 for t in gguf.read(MemorySource(content)).tensors)


def test_an_empty_file_is_empty() -> None:
    assert refuse(b"").code is FindingCode.EMPTY


def test_a_newer_version_is_not_read_yet() -> None:
    with pytest.raises(UnsupportedFormat):
        gguf.read(MemorySource(filled(head(version=4))))


@pytest.mark.parametrize("kind", [43, 90, 138, 399])
def test_a_type_of_a_derived_program_is_not_read_yet(kind: int) -> None:
    with pytest.raises(UnsupportedFormat, match=f"type {kind}"):
        gguf.read(MemorySource(filled(head(1) + tensor(kind=kind))))


def test_two_bits_in_blocks_of_64_are_read() -> None:
    found = gguf.read(MemorySource(write({"q": Packed("Q2_0", (2, 128), bytes(72))}, {}))).tensors[0]
    assert (found.dtype, found.shape, found.nbytes) == ("Q2_0", (2, 128), 72)


def test_every_cut_is_noticed() -> None:
    content = write(MATRIX, {"general.name": "x", "list": ["a"] * 100, "numbers": [1] * 100})
    last = content.rstrip(b"\0")
    for length in range(0, len(last) - 1, 3):
        assert refuse(content[:length]).code in {FindingCode.TRUNCATED, FindingCode.MALFORMED, FindingCode.EMPTY}


def test_a_cut_file_says_what_was_promised_and_what_is_there() -> None:
    content = write({"a": np.zeros((64, 1024), np.float32)}, {})
    error = refuse(content[:100_000])
    assert error.code is FindingCode.TRUNCATED
    assert error.params == {"expected": "262 kB", "actual": "100 kB"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"GGML" + bytes(100), "No GGUF"),
        (head(version=1), "version 1"),
        (head(version=3 << 24), "big-endian"),
        (head(tensors=1 << 62), "tensors"),
        (head(tensors=(1 << 64) - 1), "tensors"),
        (head(keys=1 << 63), "keys"),
        (head(keys=1_000_000), "keys"),
        (head(0, 1) + text("") + struct.pack("<II", 4, 1), "key of 0"),
        (head(0, 1) + struct.pack("<Q", 1 << 60), "text that claims"),
        (head(0, 1) + text(b"\xff") + struct.pack("<II", 4, 1), "UTF-8"),
        (head(0, 2) + (text("a") + struct.pack("<II", 4, 1)) * 2, "twice"),
        (head(0, 1) + text("a") + struct.pack("<I", 99), "type 99"),
        (head(0, 1) + text("a") + struct.pack("<IIQ", 9, 9, 1), "list of type 9"),
        (head(0, 1) + text("a") + struct.pack("<IIQ", 9, 99, 1), "list of type 99"),
        (head(0, 1) + text("a") + struct.pack("<IIQ", 9, 0, 1 << 60), "list that claims"),
        (head(0, 1) + text("a") + struct.pack("<IIQ", 9, 8, 1 << 40), "list that claims"),
        (head(0, 1) + text("general.alignment") + struct.pack("<II", 4, 0), "alignment"),
        (head(0, 1) + text("general.alignment") + struct.pack("<II", 4, 24), "alignment"),
        (head(0, 1) + text("general.alignment") + struct.pack("<IQ", 10, 32), "alignment"),
        (head(1) + tensor("n" * 64), "name"),
        (head(1) + tensor(b"a\0b"), "name"),
        (head(1) + tensor(b"\xff"), "UTF-8"),
        (head(1) + tensor(dims=(1,) * 5), "dimensions"),
        (head(1) + tensor(dims=(1 << 32, 1 << 32)), "63 bits"),
        (head(1) + tensor(dims=((1 << 64) - 1,)), "63 bits"),
        (head(1) + tensor(dims=(0,)), "nothing in it"),
        (head(1) + tensor(dims=(1 << 62,)), "63 bits"),
        (head(1) + tensor(kind=4), "type 4"),
        (head(1) + tensor(kind=999), "type 999"),
        (head(1) + tensor(dims=(33,), kind=8), "Q8_0 blocks"),
        (head(1) + tensor(offset=32), "begins at 32"),
        (head(2) + tensor("a") + tensor("b", offset=16), "begins at 16"),
        (head(2) + tensor("a") + tensor("b", offset=0), "begins at 0"),
        (head(2) + tensor("a") + tensor("a", offset=32), "one name"),
    ],
)
def test_what_the_format_forbids_is_refused(content: bytes, words: str) -> None:
    assert words in str(refuse(filled(content)))


def test_lists_of_a_hundred_million_texts_are_refused_at_once() -> None:
    content = head(0, 1) + text("a") + struct.pack("<IIQ", 9, 8, 100_000_000)
    assert "more than are read" in str(refuse(content, size=1 << 40))


def test_many_long_texts_are_kept_within_bounds() -> None:
    values = {f"k{number}": "x" * 300_000 for number in range(60)}
    metadata = gguf.read(MemorySource(write({}, values))).metadata
    assert sum(len(str(value)) for value in metadata.values()) < 9_000_000
    assert str(metadata["k0"]).endswith("(300,000 bytes)")
