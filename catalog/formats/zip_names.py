"""What lies in a zip archive, from the directory at its end (APPNOTE.TXT of PKWARE, 4.3.12 to 4.3.16).

Enough to tell what an archive is. Readers that take tensors out of one check far more.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from catalog.formats.base import Source

LOCAL = b"PK\x03\x04"
MAX_DIRECTORY = 8_388_608
"""Bytes read of a directory: a hundred thousand names."""

_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCATOR = 20
_NAMELESS = 30  # bytes of a local header before the name
_STORED, _DEFLATED = 0, 8
_LONGEST_COMMENT = 65_535


class Member(NamedTuple):
    """One file of an archive; `begin` is the offset of its local header, `packed` its bytes in the archive."""

    name: bytes
    method: int
    packed: int
    size: int
    begin: int


def members(source: Source) -> list[Member] | None:
    """Every member, or None where there is no directory that can be read: no zip archive, or one that was cut off."""
    tail_length = min(source.size, _END.size + _LONGEST_COMMENT)
    tail_start = source.size - tail_length
    tail = source.read_at(tail_start, tail_length)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < _END.size:
        return None
    _, _, _, _, _, length, _, _ = _END.unpack_from(tail, at)
    end = tail_start + at
    if tail[max(0, at - _LOCATOR) : at].startswith(b"PK\x06\x07"):
        length, end = _of_64(source, tail, at, length, end)
    if not 0 <= length <= min(MAX_DIRECTORY, end):
        return None
    # what stands before the archive, as in a program with an archive behind it, moves everything: count from the end
    return _walk(source.read_at(end - length, length))


def content(source: Source, member: Member, limit: int) -> bytes | None:
    """The bytes of one small member; None where it is larger than `limit`, packed in another way, or damaged."""
    begin = _begin(source, member)
    if begin is None or member.size > limit or member.packed > limit:
        return None
    packed = source.read_at(begin, member.packed)
    if member.method == _STORED:
        return packed
    return _inflated(packed, limit) if member.method == _DEFLATED else None


def stored_at(source: Source, member: Member) -> int | None:
    """Where the bytes of a member begin that lies in the archive as it is; None where it is packed, or damaged."""
    return _begin(source, member) if member.method == _STORED and member.packed == member.size else None


def _begin(source: Source, member: Member) -> int | None:
    if member.begin + _NAMELESS > source.size:
        return None
    local = source.read_at(member.begin, _NAMELESS)
    names, extra = struct.unpack_from("<2H", local, 26)
    begin = int(member.begin + _NAMELESS + names + extra)
    return begin if local.startswith(LOCAL) and begin + member.packed <= source.size else None


def _of_64(source: Source, tail: bytes, at: int, length: int, end: int) -> tuple[int, int]:
    """Length and end of the directory of a large archive; -1 where its record is not where it should be."""
    begin = int.from_bytes(tail[at - _LOCATOR + 8 : at - _LOCATOR + 16], "little")
    if begin + _END64.size > source.size:
        return -1, end
    record = _END64.unpack(source.read_at(begin, _END64.size))
    return (record[8], begin) if record[0] == b"PK\x06\x06" else (length, end)


def _walk(directory: bytes) -> list[Member] | None:
    found: list[Member] = []
    at = 0
    while at + _ENTRY.size <= len(directory):
        entry = _ENTRY.unpack_from(directory, at)
        if entry[0] != b"PK\x01\x02":
            break
        name, extra, comment = entry[10:13]
        begin = at + _ENTRY.size
        found.append(Member(directory[begin : begin + name], entry[4], entry[8], entry[9], entry[16]))
        at = begin + name + extra + comment
    return found or None


def _inflated(packed: bytes, limit: int) -> bytes | None:
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        return stream.decompress(packed, limit)
    except zlib.error:
        return None
