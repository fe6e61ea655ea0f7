"""Protobuf's wire format (protobuf.dev/programming-guides/encoding), as far as telling one message from another needs.

Fields are passed over by their lengths, never read: the cost does not depend on the size of the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from catalog.formats.base import Source

VARINT, FIXED64, LENGTH, FIXED32 = 0, 1, 2, 5
MOST_FIELDS = 64
"""Fields looked at of one message; those that are told apart here have few of their own."""

_WINDOW = 24  # a tag of at most 5 bytes, a varint of at most 10, and some


class Field(NamedTuple):
    """`value` is the number of a varint; for a field with a length, its bytes lie from `begin` to `end`."""

    number: int
    wire: int
    value: int
    begin: int
    end: int


def fields(source: Source, begin: int = 0, end: int | None = None) -> list[Field] | None:
    """The first fields of the message that lies there; None where no message does."""
    stop = source.size if end is None else end
    found: list[Field] = []
    at = begin
    while at < stop and len(found) < MOST_FIELDS:
        field = _field(source.read_at(at, min(_WINDOW, stop - at)), at)
        if field is None or field.end > stop:
            return None
        found.append(field)
        at = field.end
    return found or None


def text(source: Source, field: Field, most: int = 200) -> str | None:
    """A field's bytes as text; None where they are none, or too many."""
    if field.wire != LENGTH or field.end - field.begin > most:
        return None
    try:
        found = source.read_at(field.begin, field.end - field.begin).decode()
    except UnicodeDecodeError:
        return None
    return found if found.isprintable() else None


def _field(window: bytes, at: int) -> Field | None:
    tag, length = varint(window, 0)
    number, wire = tag >> 3, tag & 7
    if length == 0 or number == 0:
        return None
    value, more = varint(window, length) if wire in {VARINT, LENGTH} else (0, {FIXED64: 8, FIXED32: 4}.get(wire, 0))
    if more == 0:
        return None
    begin = at + length + more
    return Field(number, wire, value, begin, begin + value if wire == LENGTH else begin)


def varint(window: bytes, at: int) -> tuple[int, int]:
    """A number, and the bytes it takes; 0 bytes where none stands."""
    value = 0
    for count in range(min(10, len(window) - at)):
        byte = window[at + count]
        value |= (byte & 127) << 7 * count
        if byte < 128:
            return value, count + 1
    return 0, 0
