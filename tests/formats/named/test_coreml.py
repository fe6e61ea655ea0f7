"""Core ML: the message with a kind, and the weights of a package."""

from __future__ import annotations

import struct

import pytest

from catalog.formats import probe_file
from catalog.vocabulary import Format, Outcome
from tests.builders import MemorySource
from tests.builders.named import named
from tests.builders.onnx_files import number, part


@pytest.mark.parametrize("kind", [500, 502, 201, 303, 2000])
@pytest.mark.parametrize("name", [b"a.mlmodel", b"a.bin"])
def test_a_model_is_known_by_its_kind(kind: int, name: bytes) -> None:
    content = number(1, 8) + part(2, part(1, part(1, "image"))) + part(kind, bytes(300))
    probe = named(content, name)
    assert (probe.format, probe.metadata) == (Format.COREML, {"specification": 8})


def test_the_weights_of_a_package_begin_with_the_number_of_their_blobs() -> None:
    content = struct.pack("<II", 12, 2).ljust(64, b"\0") + struct.pack("<IIQQ", 0xDEADBEEF, 1, 8, 128) + bytes(64)
    probe = named(content, b"weight.bin")
    assert (probe.format, probe.metadata) == (Format.COREML, {"blobs": 12})


@pytest.mark.parametrize(
    "content",
    [
        number(1, 8) + part(2, "pytorch") + part(7, bytes(300)),
        number(1, 8) + part(500, b"") + part(502, b""),
        number(1, 8) + number(500, 3),
        number(1, 8),
        part(2, "x") + part(500, "y"),
    ],
)
def test_another_message_is_not_taken_for_one(content: bytes) -> None:
    probe = probe_file(MemorySource(content, b"a.bin"))
    assert probe.format is not Format.COREML
    assert probe.outcome is not Outcome.OK
