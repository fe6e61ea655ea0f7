"""Which reader a file gets, and what a file is called that gets none."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from catalog.formats import probe_file
from catalog.vocabulary import FindingCode, Format, Outcome
from tests.builders import MemorySource, gguf, safetensors

SOUND = safetensors({"a": np.zeros(4, np.float32)})
GGUF = gguf({"a": np.zeros(4, np.float32)}, {"general.architecture": "llama"})


@pytest.mark.parametrize("name", [b"a.safetensors", b"a.SAFETENSORS", b"a.ckpt", b"sha256-0123", b"a.gguf", b"a"])
def test_the_content_decides_and_not_the_suffix(name: bytes) -> None:
    assert probe_file(MemorySource(SOUND, name)).format is Format.SAFETENSORS
    assert probe_file(MemorySource(GGUF, name)).format is Format.GGUF
    assert probe_file(MemorySource(SOUND, name)).outcome is Outcome.OK


@pytest.mark.parametrize("name", [b"a.safetensors", b"a.gguf", b"a.onnx", b"a.ckpt", b"a"])
def test_an_empty_file_is_invalid_under_any_name(name: bytes) -> None:
    probe = probe_file(MemorySource(b"", name))
    assert (probe.outcome, probe.problems[0].code) == (Outcome.INVALID, FindingCode.EMPTY)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"<!DOCTYPE html><html>404</html>" + bytes(100), "web page"),
        (b"\xef\xbb\xbf\r\n  <HTML><body>login</body>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 7\n", "LFS pointer"),
        (b'<?xml version="1.0"?><Error/>', "XML"),
        (b'{"error":"Entry not found"}', "error message"),
        (b"%PDF-1.7 " + bytes(80), "PDF"),
        (bytes(1000), "never finished"),
    ],
)
@pytest.mark.parametrize("name", [b"model.safetensors", b"model.gguf", b"model.bin"])
def test_what_is_no_model_is_called_by_its_name(name: bytes, content: bytes, what: str) -> None:
    probe = probe_file(MemorySource(content, name))
    assert (probe.outcome, probe.problems[0].code) == (Outcome.INVALID, FindingCode.NOT_A_MODEL)
    assert what in probe.problems[0].sentence


@pytest.mark.parametrize(
    ("content", "name", "kind"),
    [
        (b"\x89HDF\r\n\x1a\n" + bytes(50), b"a.h5", Format.HDF5),
        (b"\x1c\x00\x00\x00TFL3" + bytes(50), b"a.tflite", Format.TFLITE),
        (b"anything\x00 at all", b"a.bin", Format.OTHER),
    ],
)
def test_a_format_without_a_reader_is_unsupported(content: bytes, name: bytes, kind: Format) -> None:
    probe = probe_file(MemorySource(content, name))
    assert (probe.format, probe.outcome, probe.tensors) == (kind, Outcome.UNSUPPORTED, ())
    assert probe.problems[0].code is FindingCode.UNSUPPORTED
    assert probe.problems[0].sentence


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"PK\x03\x04" + bytes(26) + b"archive/data.pkl" + bytes(50), b"a.ckpt"),
        (b"PK\x03\x04" + bytes(26) + b"archive/data.pkl" + bytes(50), b"a.safetensors"),
        (b"PK\x03\x04" + bytes(26) + b"archive/data.pkl" + bytes(50), b"a"),
        (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", b"a.pth"),
        (bytes(257) + b"ustar" + bytes(200), b"a.pt"),
    ],
)
def test_a_pickle_is_known_by_its_content(content: bytes, name: bytes) -> None:
    probe = probe_file(MemorySource(content, name))
    assert (probe.format, probe.outcome, probe.tensors) == (Format.PICKLE, Outcome.INVALID, ())


def test_a_format_is_named_for_people() -> None:
    labels = {
        b"\x89HDF\r\n\x1a\n": "HDF5",
        b"\x93NUMPY": "NumPy",
        b"tjgg": "GGML before GGUF",
        b"strange": "PT",
    }
    for content, label in labels.items():
        problem = probe_file(MemorySource(content + bytes(40), b"a.pt")).problems[0]
        assert problem.params == {"format": label}


@pytest.mark.parametrize(
    "content",
    [
        b"not a model at all, though long enough to have a header",
        struct.pack("<Q", 1 << 50) + b'{"a":1}',
        SOUND[:20],
        SOUND + b"more",
    ],
)
def test_an_unsound_safetensors_file_is_invalid_with_a_sentence(content: bytes) -> None:
    probe = probe_file(MemorySource(content, b"a.safetensors"))
    assert (probe.format, probe.outcome, probe.tensors) == (Format.SAFETENSORS, Outcome.INVALID, ())
    assert len(probe.problems[0].sentence) > 20


def test_a_gguf_file_of_a_coming_version_is_unsupported() -> None:
    probe = probe_file(MemorySource(b"GGUF" + struct.pack("<IQQ", 9, 0, 0), b"a.gguf"))
    assert (probe.format, probe.outcome) == (Format.GGUF, Outcome.UNSUPPORTED)
