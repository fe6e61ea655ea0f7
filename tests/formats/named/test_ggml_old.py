"""ggml's files before GGUF."""

from __future__ import annotations

import struct

import pytest

from catalog.vocabulary import Format
from tests.builders.named import named, no_model


@pytest.mark.parametrize(("magic", "kind"), [(0x67676D66, "ggmf"), (0x67676A74, "ggjt"), (0x67676C61, "ggla")])
@pytest.mark.parametrize("name", [b"ggml-model-q4_0.bin", b"a.ggml", b"a.gguf", b"a"])
def test_a_versioned_file_tells_its_version(magic: int, kind: str, name: bytes) -> None:
    probe = named(struct.pack("<II", magic, 3) + bytes(99), name)
    assert (probe.format, probe.metadata) == (Format.GGML, {"container": kind, "version": 3})


def test_a_model_of_whisper_is_told_by_its_words() -> None:
    probe = named(struct.pack("<II", 0x67676D6C, 51865) + bytes(99), b"ggml-base.bin")
    assert (probe.format, probe.problems[0].params) == (Format.GGML, {"format": "GGML of whisper.cpp"})


def test_the_oldest_has_no_version() -> None:
    assert named(struct.pack("<II", 0x67676D6C, 32000) + bytes(99), b"a.bin").metadata == {"container": "ggml"}


def test_a_saved_session_is_no_model() -> None:
    assert "session" in no_model(struct.pack("<II", 0x6767736E, 9) + bytes(99), b"a.bin")
