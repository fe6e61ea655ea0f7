"""GGUF: a header of keys, values and tensors, then the tensors, each padded to the alignment.

The rules are those of ggml's own reader (gguf.cpp), bounded besides by the bytes that are left in the file. Long lists,
a vocabulary above all, are passed over: the metadata keeps their type and length.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING

from catalog.errors import MalformedFile, UnsupportedFormat
from catalog.formats.base import Json, Probe, Source, TensorInfo, malformed, truncated
from catalog.formats.cursor import MAX_STRING, Cursor
from catalog.formats.ggml import TYPES
from catalog.formats.gguf_split import alone
from catalog.formats.text import clean_json, clean_name
from catalog.vocabulary import FindingCode, Format, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

MAGIC = b"GGUF"
VERSIONS = (2, 3)
DEFAULT_ALIGNMENT = 32  # gguf.h, GGUF_DEFAULT_ALIGNMENT
MAX_DIMS = 4  # ggml.h, GGML_MAX_DIMS
MAX_NAME = 64  # ggml.h, GGML_MAX_NAME: the name and its closing zero

FOREIGN_TYPES = 512  # ours: programs derived from llama.cpp number types of their own from about 60 to 400

MAX_KEYS = 16_384  # ours: a header has some forty
MAX_TENSORS = 100_000  # ours: a model has some two thousand
MAX_LIST = 64  # ours: longest list whose values are kept
MAX_VALUE = 262_144  # ours: bytes kept of one text; a chat template has some ten thousand
MAX_KEPT = 8_388_608  # ours: bytes kept of all texts
MAX_ITEMS = 65_536  # ours: values kept of all lists

_STRING, _ARRAY, _BOOL, _FLOAT32 = 8, 9, 7, 6
_SCALARS: Mapping[int, tuple[str, struct.Struct]] = {
    0: ("u8", struct.Struct("<B")),
    1: ("i8", struct.Struct("<b")),
    2: ("u16", struct.Struct("<H")),
    3: ("i16", struct.Struct("<h")),
    4: ("u32", struct.Struct("<I")),
    5: ("i32", struct.Struct("<i")),
    _FLOAT32: ("f32", struct.Struct("<f")),
    _BOOL: ("bool", struct.Struct("<B")),
    10: ("u64", struct.Struct("<Q")),
    11: ("i64", struct.Struct("<q")),
    12: ("f64", struct.Struct("<d")),
}
"""`enum gguf_type`: the name shown, and how a value is stored."""


def read(source: Source) -> Probe:
    """The index of one file, from its header alone. Raises `MalformedFile`, `UnsupportedFormat`."""
    if source.size == 0:
        raise MalformedFile(FindingCode.EMPTY)
    cursor = Cursor(source)
    if cursor.take(4) != MAGIC:
        raise malformed("No GGUF file", "byte 0")
    _check_version(cursor.u32())
    tensor_count = _count(cursor, MAX_TENSORS, "tensors", 24)  # an empty name, no dimension, type, offset
    key_count = _count(cursor, MAX_KEYS, "keys", 14)  # a name of one byte, a type, a value of one byte
    metadata, alignment = _Metadata(cursor).read(key_count)
    stated = [_tensor(cursor) for _ in range(tensor_count)]
    tensors = _place(stated, cursor.position, alignment, source.size)
    if len({tensor.name for tensor in tensors}) != len(tensors):
        raise malformed("Two tensors of one name", "the list of tensors")
    lost = alone(source.name, metadata)
    outcome, problems = (Outcome.INVALID, (lost,)) if lost is not None else (Outcome.OK, ())
    return Probe(Format.GGUF, outcome, tuple(sorted(tensors)), metadata, problems=problems)


def _check_version(version: int) -> None:
    if version & 0xFFFF == 0:
        raise malformed("A file in big-endian order, made for another kind of machine", "byte 4")
    if version > max(VERSIONS):
        raise UnsupportedFormat(FindingCode.UNSUPPORTED, format=f"GGUF version {version}")
    if version not in VERSIONS:
        raise malformed(f"GGUF version {version}, which no current program reads", "byte 4")


def _count(cursor: Cursor, most: int, what: str, smallest: int) -> int:
    """A count whose items, `smallest` bytes each, fit into the rest of the file."""
    count = cursor.u64()
    if count > most or count * smallest > cursor.left:
        raise malformed(f"A header that claims {count:,} {what}", cursor.place)
    return count


class _Metadata:
    """The keys and values of one header."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor
        self._kept = 0
        self._items = 0

    def read(self, count: int) -> tuple[dict[str, Json], int]:
        """All values by key, long lists by type and length, and the alignment of the tensors."""
        found: dict[str, Json] = {}
        alignment: Json = DEFAULT_ALIGNMENT
        for _ in range(count):
            place = self._cursor.place
            key = self._key()
            kind = self._cursor.u32()
            if key in found:
                raise malformed(f"The key {key} given twice", place)
            found[key] = clean_json(self._value(kind))
            if key == "general.alignment":
                alignment = found[key] if kind == 4 else 0
        if not isinstance(alignment, int) or alignment <= 0 or alignment & (alignment - 1):
            raise malformed("An alignment that is no power of two", "general.alignment")
        return found, alignment

    def _key(self) -> str:
        place = self._cursor.place
        raw, length = self._cursor.string(MAX_NAME * 64)
        if not 0 < length == len(raw):
            raise malformed(f"A key of {length:,} bytes", place)
        return clean_name(_utf8(raw, place))

    def _value(self, kind: int) -> Json:
        if kind == _STRING:
            return self._text()
        if kind == _ARRAY:
            return self._list()
        if kind not in _SCALARS:
            raise malformed(f"A value of type {kind}", self._cursor.place)
        return self._scalar(kind)

    def _text(self) -> str:
        raw, length = self._cursor.string(min(MAX_VALUE, MAX_KEPT - self._kept))
        self._kept += len(raw)
        text = raw.decode(errors="replace")
        return text if length == len(raw) else f"{text}… ({length:,} bytes)"

    def _list(self) -> Json:
        kind, count = self._cursor.u32(), self._cursor.u64()
        place = self._cursor.place
        if kind != _STRING and kind not in _SCALARS:
            raise malformed(f"A list of type {kind}", place)
        width = 8 if kind == _STRING else _SCALARS[kind][1].size
        if count > MAX_STRING or count * width > self._cursor.left:
            raise malformed(f"A list that claims {count:,} values", place)
        if count <= MAX_LIST and self._items + count <= MAX_ITEMS:
            self._items += count
            return [self._value(kind) for _ in range(count)]
        if kind == _STRING:
            self._cursor.skip_strings(count)
            return {"list_of": "string", "length": count}
        self._cursor.skip(count * width)
        return {"list_of": _SCALARS[kind][0], "length": count}

    def _scalar(self, kind: int) -> Json:
        packed = _SCALARS[kind][1]
        value: int | float = packed.unpack(self._cursor.take(packed.size))[0]
        if kind == _BOOL:
            return bool(value)
        return shortest(value) if kind == _FLOAT32 else value


def shortest(value: float) -> float:
    """The shortest decimal that is this 32-bit float: 1e-05, not 9.999999747378752e-06."""
    if not math.isfinite(value):
        return value
    for digits in (6, 7, 8):
        short = float(f"{value:.{digits}g}")
        if abs(short) < 3.4e38 and struct.pack("<f", short) == struct.pack("<f", value):
            return short
    return value


_Stated = tuple[str, str, tuple[int, ...], int, int]
"""A tensor as the header states it: name, type, shape in C order, bytes, offset in the data."""


def _tensor(cursor: Cursor) -> _Stated:
    place = cursor.place
    raw, length = cursor.string(MAX_NAME)
    if length >= MAX_NAME or b"\0" in raw:
        raise malformed("A tensor's name that is too long or holds a zero byte", place)
    name = _utf8(raw, place)
    place = f"tensor {name}"
    dims = cursor.u32()
    if dims > MAX_DIMS:
        raise malformed(f"A shape of {dims:,} dimensions", place)
    shape = struct.unpack(f"<{dims}Q", cursor.take(8 * dims))
    kind, offset = cursor.u32(), cursor.u64()
    block = TYPES.get(kind)
    if block is None and max(TYPES) < kind < FOREIGN_TYPES:
        raise UnsupportedFormat(FindingCode.UNSUPPORTED, format=f"GGUF with tensors of type {kind}, not one of ggml's")
    if block is None:
        raise malformed(f"A tensor of type {kind}, which ggml does not have", place)
    values = math.prod(shape)
    if not 0 < values < 1 << 63 or values // block.values * block.nbytes >= 1 << 63:
        raise malformed("A shape beyond 63 bits, or with nothing in it", place)
    if (shape[0] if shape else 1) % block.values:
        raise malformed(f"Rows that are no whole number of {block.name} blocks", place)
    return name, block.name, shape[::-1], values // block.values * block.nbytes, offset


def _place(stated: list[_Stated], end_of_header: int, alignment: int, size: int) -> list[TensorInfo]:
    """Offsets in the file: each must be exactly the padded sum of the sizes before it."""
    data = _pad(end_of_header, alignment)
    expected = 0
    tensors = []
    for name, dtype, shape, nbytes, offset in stated:
        if offset != expected:
            raise malformed(f"The tensor begins at {offset:,} of the data instead of {expected:,}", f"tensor {name}")
        if data + offset + nbytes > size:
            raise truncated(data + sum(_pad(item[3], alignment) for item in stated), size)
        tensors.append(TensorInfo(name, dtype, shape, data + offset, nbytes))
        expected = _pad(offset + nbytes, alignment)
    return tensors


def _pad(offset: int, alignment: int) -> int:
    return (offset + alignment - 1) & -alignment


def _utf8(raw: bytes, place: str) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise malformed("A name that is not UTF-8", place) from error
