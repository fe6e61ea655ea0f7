"""Protobuf's wire format, walked by offset: what a parser refuses is refused, and nothing long is read."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.errors import MalformedFile
from catalog.formats import protobuf
from catalog.formats.protobuf import BYTES, DOUBLES, FLOATS, INT, INTS, Wire, schema, signed
from tests.builders import MemorySource
from tests.builders.onnx_files import number, part, varint

MESSAGES = schema(
    {"Top": {1: INT, 2: BYTES, 3: "Inner", 4: INTS, 5: FLOATS, 6: DOUBLES, 7: "Top"}, "Inner": {1: BYTES, 2: "Inner"}}
)
TOP = MESSAGES["Top"]
EVERY = frozenset(range(1, 100))


def walk(content: bytes, size: int | None = None) -> list[tuple[int, int, int, int]]:
    source = MemorySource(content, size=size)
    return list(Wire(source).fields(TOP, 0, source.size, EVERY, 0))


def check(content: bytes) -> None:
    Wire(MemorySource(content)).check(TOP, 0, len(content), 0)


def refuse(content: bytes) -> str:
    with pytest.raises(MalformedFile) as asked:
        list(Wire(MemorySource(content)).fields(TOP, 0, len(content), frozenset(), 0))
    with pytest.raises(MalformedFile):
        check(content)
    return str(asked.value)


def test_fields_come_with_their_place_and_number() -> None:
    content = number(1, 300) + part(2, "abc") + b"\x2d" + struct.pack("<f", 1.5) + number(99, 1)
    assert walk(content) == [(8, 1, 3, 300), (18, 5, 8, 0), (45, 9, 13, 0), (792, 15, 16, 1)]


@given(st.lists(st.tuples(st.integers(1, 536_870_911), st.integers(0, (1 << 64) - 1)), max_size=20))
def test_every_number_is_read_as_it_was_written(pairs: list[tuple[int, int]]) -> None:
    unknown = [(field + 10 if field < 10 else field, value) for field, value in pairs]
    content = b"".join(number(field, value) for field, value in unknown)
    assert [(tag >> 3, value) for tag, _, _, value in Wire(MemorySource(content)).fields(
        TOP, 0, len(content), frozenset(field for field, _ in unknown), 0
    )] == unknown  # fmt: skip


@pytest.mark.parametrize("value", [0, 1, -1, (1 << 63) - 1, -(1 << 63)])
def test_negative_numbers_are_complements(value: int) -> None:
    assert signed(walk(number(1, value))[0][3]) == value


@pytest.mark.parametrize(
    "content",
    [
        b"\x0a",  # no length
        b"\x12\x05abc",  # cut off
        b"\x12\x80",
        b"\x08",
        b"\x08" + b"\xff" * 9 + b"\x02",  # more than 64 bits
        b"\x08" + b"\xff" * 11,
        b"\x00\x01",  # field 0
        b"\x13\x14",  # a group
        b"\x0c",  # the end of one
        b"\x0e\x01",  # wire type 6
        b"\xff\xff\xff\xff\x7f\x01",  # a tag of more than 32 bits
        part(1, "text"),  # a number as text
        number(2, 1),  # a text as number
        number(3, 1),
        part(3, b"\x0a\x05abc"),  # reaches beyond its message
        part(3, part(2, b"\x08")),
        part(4, b"\x01\x80"),  # packed, cut off
        part(4, b"\xff" * 10 + b"\x01"),
        part(4, b"\xff" * 9 + b"\x02"),
        part(5, b"12345"),
        part(6, b"12345678901"),
    ],
)
def test_what_a_parser_would_refuse_is_refused(content: bytes) -> None:
    assert refuse(content)
    assert refuse(number(1, 5) + content)


def test_a_cut_file_says_what_was_promised() -> None:
    assert "promises 1 kB, the file has 500 bytes" in refuse(part(2, bytes(997))[:500])


def test_long_values_are_passed_over() -> None:
    content = part(3, part(1, "x")) + varint(18) + varint(1 << 30)
    source = MemorySource(content, size=len(content) + (1 << 30))
    assert [field[0] for field in Wire(source).fields(TOP, 0, source.size, EVERY, 0)] == [26, 18]
    assert source.bytes_read < 20_000


def test_many_long_values_cost_a_small_read_each() -> None:
    one = part(2, bytes(100_000))
    source = MemorySource(one * 50)
    assert len(list(Wire(source).fields(TOP, 0, source.size, EVERY, 0))) == 50
    assert source.bytes_read < 60 * 4096


def test_a_file_larger_than_parsers_take_is_refused() -> None:
    with pytest.raises(MalformedFile):
        Wire(MemorySource(b"", size=1 << 31))


def nested(depth: int) -> bytes:
    content = b""
    for _ in range(depth):
        content = part(7, content)
    return content


def test_messages_nest_as_deep_as_parsers_go() -> None:
    check(nested(100))
    assert "nested" in refuse(nested(101)).lower()
    assert "nested" in refuse(nested(5000)).lower()


def test_fields_without_end_are_not_walked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protobuf, "MAX_FIELDS", 5000)
    with pytest.raises(MalformedFile, match="More fields"):
        walk(b"\x08\x01" * 2_000_000)


@given(st.lists(st.integers(-(1 << 63), (1 << 63) - 1), max_size=50))
def test_packed_numbers_are_counted(values: list[int]) -> None:
    content = b"".join(map(varint, values))
    assert Wire(MemorySource(content)).count(INTS, 0, len(content)) == len(values)


def test_packed_numbers_are_counted_across_blocks() -> None:
    content = varint(-1) * 250_000
    assert Wire(MemorySource(content)).count(INTS, 0, len(content)) == 250_000
    bad = bytearray(content)
    bad[(1 << 20) - (1 << 20) % 10 + 9] = 0x82
    with pytest.raises(MalformedFile):
        Wire(MemorySource(bytes(bad))).count(INTS, 0, len(bad))


def test_only_so_many_packed_numbers_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protobuf, "MAX_COUNTED", 1000)
    wire = Wire(MemorySource(bytes(1500)))
    assert wire.count(INTS, 0, 900) == 900
    assert wire.count(INTS, 900, 1500) is None
