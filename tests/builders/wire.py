"""Protobuf messages, field by field."""

from __future__ import annotations


def number(field: int, value: int) -> bytes:
    """A varint; a negative one takes ten bytes."""
    return _varint(field << 3) + _varint(value & (1 << 64) - 1)


def block(field: int, content: bytes | str) -> bytes:
    """A text, or a message within."""
    raw = content.encode() if isinstance(content, str) else content
    return _varint(field << 3 | 2) + _varint(len(raw)) + raw


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    return bytes([*parts, value])
