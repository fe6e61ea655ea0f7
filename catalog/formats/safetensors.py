"""safetensors: a length, a JSON header, the tensors without a gap.

The rules are those of the format's README (github.com/huggingface/safetensors), read strictly: what its reader lets
pass in spite of it (keys twice, entries as lists, unknown fields, null metadata, leading white space) is refused here,
so that no two readers can see different tensors in a file that the catalog calls sound.
"""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING

from catalog.errors import MalformedFile
from catalog.formats.base import Probe, Source, TensorInfo, malformed, truncated
from catalog.formats.safetensors_header import MAX_NAME, RESERVED, Entry, walk
from catalog.formats.text import NUL_MARK, clean_name
from catalog.vocabulary import FindingCode, Format, Outcome
from catalog.vocabulary.sizes import human_size

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PREFIX = 8  # bytes of the header's length, little-endian
MAX_HEADER = 100_000_000  # tensor.rs, MAX_HEADER_SIZE

BITS: Mapping[str, int] = {
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("I16", "U16", "F16", "BF16"), 16),
    **dict.fromkeys(("I32", "U32", "F32"), 32),
    **dict.fromkeys(("C64", "F64", "I64", "U64"), 64),
}
"""Bits of one value of each of the 22 dtypes (tensor.rs, `Dtype::bitsize`)."""

_LIMIT = 1 << 64  # sizes are 64-bit in the format's reader, and may not wrap


def read(source: Source) -> Probe:
    """The index of one file, from its header alone. Raises `MalformedFile`."""
    length = header_length(source)
    body = PREFIX + length
    try:
        text = source.read_at(PREFIX, length).decode()
    except UnicodeDecodeError as error:
        raise malformed("The header is not UTF-8", f"byte {PREFIX + error.start}") from error
    entries, metadata = walk(text.rstrip(" "))
    tensors, end = _index(entries, body)
    if end > source.size:
        raise truncated(end, source.size)
    if end < source.size:
        raise malformed("Bytes after the last tensor", f"byte {end}")
    return Probe(Format.SAFETENSORS, Outcome.OK, _by_name(tensors), metadata, body)


def header_length(source: Source) -> int:
    """Bytes of the JSON header; the tensor data begins `PREFIX` bytes later. Raises `MalformedFile`."""
    if source.size == 0:
        raise MalformedFile(FindingCode.EMPTY)
    if source.size < PREFIX:
        raise malformed(f"A file of {human_size(source.size)}, too short to tell its header's length", "byte 0")
    length = int.from_bytes(source.read_at(0, PREFIX), "little")
    if length > MAX_HEADER:
        raise MalformedFile(FindingCode.HEADER_TOO_LARGE, claimed=human_size(length), allowed=human_size(MAX_HEADER))
    if PREFIX + length > source.size:
        raise truncated(PREFIX + length, source.size)
    return length


def _index(entries: Sequence[Entry], body: int) -> tuple[list[TensorInfo], int]:
    """The tensors, and where they end in the file. Nearly every header has them in the order of their bytes."""
    try:
        return _lay_out(entries, body)
    except MalformedFile:
        return _lay_out(sorted(entries, key=lambda entry: (int(entry[3]), int(entry[4]))), body)


def _lay_out(entries: Sequence[Entry], body: int) -> tuple[list[TensorInfo], int]:
    """The tensors, if each begins where the last one ended, and where they end in the file."""
    known: dict[tuple[str, str], tuple[tuple[int, ...], int]] = {}
    tensors: list[TensorInfo] = []
    expected = 0
    for name, dtype, dims, first, last in entries:
        size = known.get((dtype, dims))
        if size is None:
            size = known[dtype, dims] = _size(name, dtype, dims)
        begin, end = int(first), int(last)
        if begin != expected or end - begin != size[1]:
            raise _wrong_range(name, begin, end, expected, size[1])
        expected = end
        tensors.append(TensorInfo(name, dtype, size[0], body + begin, size[1]))
    return tensors, body + expected


def _size(name: str, dtype: str, dims: str) -> tuple[tuple[int, ...], int]:
    """Shape and bytes, by multiplication that may not pass 64 bits."""
    place = f"tensor {_shown(name)}"
    bits = BITS.get(dtype)
    if bits is None:
        raise malformed(f"A dtype that the format does not know ({dtype[:40]})", place)
    try:
        shape = tuple(json.loads(f"[{dims}]"))
    except ValueError as error:
        raise malformed("A shape that is no list of whole numbers", place) from error
    count = 1
    for length in shape:
        count *= length
        if not 0 <= length < _LIMIT or count >= _LIMIT:
            raise malformed("A shape beyond 64 bits", place)
    if count * bits >= _LIMIT:
        raise malformed("A size beyond 64 bits", place)
    if count * bits % 8:
        raise malformed("A size that is no whole number of bytes", place)
    return shape, count * bits // 8


def _wrong_range(name: str, begin: int, end: int, expected: int, nbytes: int) -> MalformedFile:
    place = f"tensor {_shown(name)}"
    if begin > expected:
        return malformed(f"Bytes {expected:,} to {begin:,} of the data belong to no tensor", place)
    if begin < expected:
        return malformed("Two tensors share bytes", place)
    return malformed(f"{end - begin:,} bytes for a shape and dtype that need {nbytes:,}", place)


def _by_name(tensors: list[TensorInfo]) -> tuple[TensorInfo, ...]:
    """Sorted by name, the names cleaned; refuses a name that is given twice, reserved or endless."""
    tensors.sort()
    names = [tensor.name for tensor in tensors]
    if len(set(names)) != len(names) or RESERVED in names:
        twice = next((name for name, following in pairwise(names) if name == following), RESERVED)
        raise malformed("A name given twice", f"tensor {_shown(twice)}")
    longest = max(names, key=len, default="")
    if len(longest) > MAX_NAME:
        raise malformed(f"A name of {len(longest):,} characters", f"tensor {_shown(longest)}")
    everything = "".join(names)
    if NUL_MARK in everything or "\0" in everything:
        tensors = sorted(tensor._replace(name=clean_name(tensor.name)) for tensor in tensors)
    return tuple(tensors)


def _shown(name: str) -> str:
    """A name short enough for a sentence, on one line."""
    short = name if len(name) <= 120 else f"{name[:120]}…"
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in short)
