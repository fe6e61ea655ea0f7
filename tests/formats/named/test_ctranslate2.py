"""CTranslate2's `model.bin` by its specification."""

from __future__ import annotations

import struct

import pytest

from catalog.formats import probe_file
from catalog.vocabulary import Format
from tests.builders import MemorySource
from tests.builders.named import named


def model(name: bytes = b"WhisperSpec", version: int = 6, revision: int = 3, variables: int = 245) -> bytes:
    """The head of a model and some bytes."""
    spec = struct.pack("<IH", version, len(name) + 1) + name + b"\0"
    return spec + struct.pack("<II", revision, variables) + bytes(200)


@pytest.mark.parametrize("name", [b"WhisperSpec", b"TransformerSpec", b"TransformerDecoderSpec"])
def test_it_is_known_by_its_specification(name: bytes) -> None:
    probe = named(model(name), b"model.bin")
    assert probe.format is Format.CTRANSLATE2
    assert probe.metadata == {"version": 6, "specification": name.decode(), "revision": 3, "variables": 245}


@pytest.mark.parametrize(
    "content",
    [model(version=0), model(version=99), model(b"no spec"), model(b"A"), model(revision=0), model(variables=0)],
)
def test_anything_else_is_not_taken_for_it(content: bytes) -> None:
    assert probe_file(MemorySource(content, b"model.bin")).format is Format.OTHER
