"""Protobuf's fields, passed over by their lengths."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.formats.named.wire import MOST_FIELDS, Field, fields, text
from tests.builders import MemorySource
from tests.builders.onnx_files import number, part


def test_every_kind_of_field_is_passed_over() -> None:
    content = number(1, 300) + part(2, "name") + b"\x19" + bytes(8) + b"\x25" + bytes(4) + part(700, bytes(300))
    source = MemorySource(content)
    found = fields(source)
    assert found is not None
    assert [(field.number, field.wire) for field in found] == [(1, 0), (2, 2), (3, 1), (4, 5), (700, 2)]
    assert found[0].value == 300
    assert text(source, found[1]) == "name"
    assert text(source, found[0]) is None
    assert text(source, found[4]) is None


def test_what_lies_in_a_field_is_not_read() -> None:
    source = MemorySource(b"\x0a\xff\xff\xff\xff\x0f" + b"x", size=6 + 0xFFFFFFFF)
    assert fields(source) == [Field(1, 2, 0xFFFFFFFF, 6, source.size)]
    assert source.bytes_read < 100


@pytest.mark.parametrize(
    "content", [b"", b"\x00\x01", b"\x0b", b"\x0a\x05abc", b"\x08" + b"\xff" * 11, b"\x0a", b"\x80"]
)
def test_what_is_no_message_is_none(content: bytes) -> None:
    assert fields(MemorySource(content)) is None


def test_endless_fields_are_not_followed() -> None:
    assert len(fields(MemorySource(b"\x08\x01" * 1000)) or ()) == MOST_FIELDS


@given(st.binary(max_size=200))
def test_noise_is_no_crash(content: bytes) -> None:
    for field in fields(MemorySource(content)) or ():
        assert 0 < field.begin <= field.end <= len(content)
