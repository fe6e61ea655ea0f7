"""A zip archive read so strictly that no two readers can see different things in it (APPNOTE.TXT of PKWARE).

What hides a payload from a scanner is refused as unsafe, whatever it hides: bytes before, between or behind the
members, a name given twice, headers that disagree, encryption, a checksum that is wrong. Only a missing end is an
accident.
"""

from __future__ import annotations

import struct
import zlib
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from catalog.formats.base import malformed
from catalog.formats.pickle_machine import unsafe
from catalog.formats.text import clean_text

if TYPE_CHECKING:
    from catalog.errors import MalformedFile, UnsafeFile
    from catalog.formats.base import Source

STORED, DEFLATED = 0, 8
MAX_DIRECTORY = 33_554_432
"""Bytes of a directory: a hundred thousand members with long names."""

_END, _END64, _LOCATOR = struct.Struct("<4s4H2LH"), struct.Struct("<4sQ2H2L4Q"), struct.Struct("<4sLQL")
_ENTRY, _LOCAL = struct.Struct("<4s6H3L5H2L"), struct.Struct("<4s5H3L2H")
_HARMLESS_FLAGS = 0x080E  # bits 1 and 2: how it was deflated; 3: sizes follow the data; 11: the name is UTF-8
_DESCRIBED = 0x0008
_DESCRIPTORS = frozenset(
    {0, 12, 16, 20, 24}
)  # bytes behind the data: none, or checksum and sizes, with or without mark
_FULL16, _FULL32 = 0xFFFF, 0xFFFFFFFF
_ZIP64 = 1  # the extra field of large sizes
_FOLDER = 0x10  # the attribute of MS-DOS, for which miniz, and so PyTorch, reads no data of the member
_GUESS = 256  # bytes read of a local header at once: PyTorch pads it to align the data
_CHUNK = 1_048_576


class Member(NamedTuple):
    """One file of an archive: its data are `packed` bytes at `offset`, `size` when they are unpacked."""

    name: str
    method: int
    crc: int
    packed: int
    size: int
    offset: int

    @property
    def shown(self) -> str:
        return _shown(self.name)


class _Entry(NamedTuple):
    """What the directory says of a member."""

    name: bytes
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    begin: int


def members(source: Source) -> tuple[Member, ...]:
    """Every member in the order of the bytes. Raises `MalformedFile` for a cut one, `UnsafeFile` for one that hides."""
    start, length, count = _directory(source)
    if length > MAX_DIRECTORY:
        raise malformed(f"A zip directory of {length:,} bytes", f"byte {start}")
    entries = sorted(_entries(source.read_at(start, length), count), key=lambda entry: entry.begin)
    names = sorted(entry.name.lower() for entry in entries)
    for name, after in pairwise(names):
        if name == after:
            raise unsafe("A member of the zip given twice", _shown(name.decode(errors="replace")))
    found = []
    end = 0
    for entry, following in zip(entries, [*(entry.begin for entry in entries[1:]), start], strict=True):
        member = _member(source, entry, end)
        end = member.offset + member.packed
        if following - end not in (_DESCRIPTORS if entry.flags & _DESCRIBED else {0}):
            what = "Members of the zip that overlap" if following < end else "Bytes in the zip that belong to no member"
            raise unsafe(what, f"byte {min(end, following)}")
        end = following
        found.append(member)
    return tuple(found)


def content(source: Source, member: Member, limit: int) -> bytes:
    """The bytes of one member, unpacked. Raises `MalformedFile` where they are more than `limit` or damaged."""
    if max(member.size, member.packed) > limit:
        raise malformed(f"{member.size:,} bytes where at most {limit:,} are read", member.shown)
    packed = source.read_at(member.offset, member.packed)
    if member.method == STORED:
        return packed
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        whole = stream.decompress(packed, member.size + 1)
    except zlib.error as error:
        raise malformed("Compressed bytes that are damaged", member.shown) from error
    if len(whole) != member.size or not stream.eof or stream.unused_data:
        raise unsafe("A member of the zip that is not of the size it says", member.shown)
    return whole


def check_crc(source: Source, member: Member, whole: bytes | None = None) -> None:
    """Raises `UnsafeFile` where the checksum is not that of the bytes; `whole` are they where they are at hand."""
    crc = 0 if whole is None else zlib.crc32(whole)
    for at in range(0, member.packed if whole is None else 0, _CHUNK):
        crc = zlib.crc32(source.read_at(member.offset + at, min(_CHUNK, member.packed - at)), crc)
    if crc != member.crc:
        raise unsafe("A member of the zip with a wrong checksum", member.shown)


def _directory(source: Source) -> tuple[int, int, int]:
    """Start, length and number of entries of the directory, which must end where the archive's end begins."""
    at = source.size - _END.size
    if at < 0:
        raise malformed("A zip archive without its end", "byte 0")
    mark, disk, first_disk, here, count, length, start, comment = _END.unpack(source.read_at(at, _END.size))
    if mark != b"PK\x05\x06":
        raise _no_end(source)
    if (disk, first_disk, comment) != (0, 0, 0) or here != count:
        raise unsafe("A zip archive in parts, or with a comment", f"byte {at}")
    large = _large(source, at)
    if large is not None:
        at, *told = large
        for said, meant, full in zip((count, length, start), told, (_FULL16, _FULL32, _FULL32), strict=True):
            if said not in {full, meant}:
                raise unsafe("A zip archive with two directories", f"byte {at}")
        count, length, start = told
    if start + length != at:
        raise unsafe("Bytes before the zip archive, or around its directory", f"byte {start}")
    return start, length, count


def _no_end(source: Source) -> MalformedFile | UnsafeFile:
    """A file that was cut off, or one with something behind the archive."""
    length = min(source.size, _FULL16 + _END.size)
    if b"PK\x05\x06" in source.read_at(source.size - length, length):
        return unsafe("Bytes behind the zip archive", f"byte {source.size - length}")
    return malformed("A zip archive without its end: the file was cut off", f"byte {source.size}")


def _large(source: Source, at: int) -> tuple[int, int, int, int] | None:
    """Where the record of a large archive begins, and its number of entries, length and start of the directory."""
    begin = at - _LOCATOR.size
    if begin < _END64.size:
        return None
    mark, disk, record, disks = _LOCATOR.unpack(source.read_at(begin, _LOCATOR.size))
    if mark != b"PK\x06\x07":
        return None
    if disk or disks != 1 or record != begin - _END64.size:
        raise unsafe("A zip archive whose end is not where it says", f"byte {begin}")
    mark, length, _, _, disk, first_disk, here, count, size, start = _END64.unpack(source.read_at(record, _END64.size))
    if mark != b"PK\x06\x06" or length != _END64.size - 12 or disk or first_disk or here != count:
        raise unsafe("A zip archive whose end is not what it says", f"byte {record}")
    return record, count, size, start


def _entries(directory: bytes, count: int) -> list[_Entry]:
    found = []
    at = 0
    while at + _ENTRY.size <= len(directory):
        mark, _, _, flags, method, _, _, crc, packed, size, name, extra, comment, disk, _, attributes, begin = (
            _ENTRY.unpack_from(directory, at)
        )
        names = at + _ENTRY.size
        extras = names + name
        at = extras + extra + comment
        if mark != b"PK\x01\x02" or at > len(directory) or comment or disk:
            break
        if attributes & _FOLDER and size:
            raise unsafe("A folder in the zip that is a file", _shown(directory[names:extras].decode(errors="replace")))
        packed, size, begin = _widened(directory[extras : extras + extra], size, packed, begin)
        found.append(_Entry(directory[names:extras], flags, method, crc, packed, size, begin))
    if at != len(directory) or len(found) != count:
        raise unsafe("A zip directory that is not what it says", f"entry {len(found)}")
    return found


def _widened(extra: bytes, size: int, packed: int, begin: int) -> tuple[int, int, int]:
    """Packed size, size and place with the 64-bit numbers of the extra field, for those that do not fit into 32."""
    wide = iter(_wide(extra))
    size = next(wide, -1) if size == _FULL32 else size
    packed = next(wide, -1) if packed == _FULL32 else packed
    begin = next(wide, -1) if begin == _FULL32 else begin
    if min(size, packed, begin) < 0:
        raise unsafe("A zip member without its large sizes", "the directory")
    return packed, size, begin


def _wide(extra: bytes) -> tuple[int, ...]:
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        at += 4
        if kind == _ZIP64 and at + length <= len(extra):
            return struct.unpack_from(f"<{min(length // 8, 3)}Q", extra, at)
        at += length
    return ()


def _member(source: Source, entry: _Entry, end: int) -> Member:
    """The member that an entry tells of, if its own header at that place says the same."""
    name = entry.name.decode(errors="replace")
    if entry.begin < end or entry.begin + _LOCAL.size > source.size:
        raise unsafe("Members of the zip that overlap", _shown(name))
    if end == 0 and entry.begin:
        raise unsafe("Bytes before the zip archive", "byte 0")
    head = source.read_at(entry.begin, min(_GUESS, source.size - entry.begin))
    mark, _, flags, method, _, _, crc, packed, size, length, extra = _LOCAL.unpack_from(head)
    told = source.read_at(entry.begin + _LOCAL.size, min(length, source.size - entry.begin - _LOCAL.size))
    if mark != b"PK\x03\x04" or told != entry.name:
        raise unsafe("A member of the zip with two names", _shown(name))
    if (flags, method) != (entry.flags, entry.method) or entry.flags & ~_HARMLESS_FLAGS:
        raise unsafe("A member of the zip that is encrypted, or whose headers disagree", _shown(name))
    offset = entry.begin + _LOCAL.size + length + extra
    if not _agree(entry, (crc, packed, size)) or (method == STORED and entry.packed != entry.size):
        raise unsafe("A member of the zip with two sizes", _shown(name))
    if method not in {STORED, DEFLATED} or offset + entry.packed > source.size:
        raise unsafe("A member of the zip that cannot be read", _shown(name))
    return Member(_utf8(entry.name), method, entry.crc, entry.packed, entry.size, offset)


def _agree(entry: _Entry, told: tuple[int, int, int]) -> bool:
    """Whether a local header says what the directory does, or leaves it to the bytes behind the data."""
    crc, packed, size = told
    if entry.flags & _DESCRIBED and told == (0, 0, 0):
        return True
    sizes = {packed in {entry.packed, _FULL32}, size in {entry.size, _FULL32}}
    later = entry.flags & _DESCRIBED and crc == 0
    return sizes == {True} and (crc == entry.crc or bool(later))


def _utf8(name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError as error:
        raise unsafe("A member of the zip whose name is no text", _shown(name.decode(errors="replace"))) from error


def _shown(name: str) -> str:
    short = name if len(name) <= 120 else f"{name[:120]}…"
    return clean_text("".join(letter if letter.isprintable() else "�" for letter in short)) or "a member without a name"
