"""Flax's parameters: maps down to an array."""

from __future__ import annotations

import pytest

from catalog.formats import probe_file
from catalog.vocabulary import Format
from tests.builders import MemorySource
from tests.builders.named import named

ARRAY = b"\xc7\x0f\x01\x93\x91\x02\xa7float32" + bytes(8)


def key(name: str) -> bytes:
    """A short text."""
    return bytes([0xA0 | len(name)]) + name.encode()


NESTED = b"\x81" + key("params") + b"\xde\x00\x02" + key("Dense_0") + b"\x82" + key("bias") + ARRAY + key("w") + ARRAY


@pytest.mark.parametrize("name", [b"flax_model.msgpack", b"a.bin", b"a"])
def test_it_is_known_by_its_first_array(name: bytes) -> None:
    assert named(NESTED, name).format is Format.FLAX


def test_an_empty_map_before_it_is_passed_over() -> None:
    assert named(b"\x82" + key("empty") + b"\x80" + key("w") + b"\xc8\x01\x00\x01" + bytes(300), b"a").format is (
        Format.FLAX
    )


@pytest.mark.parametrize(
    "content",
    [
        b"\x81" + key("a") + b"\x01",
        b"\x81" + key("a") + b"\xc7\x04\x7fabcd",
        b"\x81\x01\x02" + bytes(40),
        b"\x8f" * 100,
        b"\xdf\xff\xff\xff\xff",
        b"\x81\xda\xff\xffaa",
    ],
)
def test_other_maps_are_not_taken_for_it(content: bytes) -> None:
    assert probe_file(MemorySource(content, b"a")).format is Format.OTHER
