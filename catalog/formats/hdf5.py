"""HDF5, as Keras writes its weights: every dataset of numbers that lies in one piece, under its path.

Definition: HDF5 File Format Specification 3.0 (II.A superblock, IV.A.2 messages). `.keras` is a zip in which the same
lies unpacked. What is kept in chunks, packed, or in a heap of links is not read: the file is named then, and no more.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from catalog.errors import UnsupportedFormat
from catalog.formats import zip_names
from catalog.formats.base import Probe, Source, Stored, TensorInfo, malformed, truncated
from catalog.formats.hdf5_objects import DATASPACE, DATATYPE, FILTERS, LAYOUT, UNDEFINED, Objects, number
from catalog.formats.named.hdf5 import MAGIC
from catalog.formats.text import clean_name
from catalog.vocabulary import FindingCode, Format, Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.formats.hdf5_objects import Message

MAX_OBJECTS = 50_000  # ours: groups and datasets of one file
MAX_DEPTH = 64
MAX_PATH = 8192
MAX_PATHS = 33_554_432  # ours: characters of the paths of all objects

_PLACES = (0, 512, 1024, 2048)
_FLOATS = {2: "F16", 4: "F32", 8: "F64"}
_FIELDS = {2: (10, 5, 15), 4: (23, 8, 127), 8: (52, 11, 1023)}  # IEEE 754: bits of the mantissa, of the exponent, bias
_WIDTHS = frozenset((1, 2, 4, 8))
_COMPACT, _CONTIGUOUS = 0, 1


def read(source: Source) -> Probe:
    """The index of an HDF5 file. Raises `MalformedFile`, `UnsupportedFormat`."""
    return _read(source, Format.HDF5, "HDF5")


def read_keras(source: Source) -> Probe:
    """The index of Keras's weights, in HDF5 or in its own archive. Raises as `read` does."""
    if source.read_at(0, min(4, source.size)) != zip_names.LOCAL:
        return _read(source, Format.KERAS, "Keras in HDF5")
    for member in zip_names.members(source) or ():
        if member.name == b"model.weights.h5":
            begin = zip_names.stored_at(source, member)
            if begin is not None:
                return _read(source, Format.KERAS, "Keras", at=begin, size=member.size)
    raise _unsupported("Keras")


def _read(source: Source, kind: Format, title: str, *, at: int | None = None, size: int = 0) -> Probe:
    """`at` and `size`: where the file lies in an archive."""
    start = at if at is not None else _start(source, title)
    root, base = _superblock(source, start, source.size if at is None else at + size, title)
    objects = Objects(source, base)
    tensors = _tensors(objects, root, title)
    if not tensors:
        raise _unsupported(title)
    return Probe(kind, Outcome.OK, tuple(sorted(tensors)))


def _start(source: Source, title: str) -> int:
    for place in _PLACES:
        if place + 8 <= source.size and source.read_at(place, 8) == MAGIC:
            return place
    raise _unsupported(title)


def _superblock(source: Source, start: int, stop: int, title: str) -> tuple[int, int]:
    """The address of the first group's header, and the offset from which addresses count."""
    head = source.read_at(start, min(112, source.size - start))
    if not head.startswith(MAGIC):
        raise _unsupported(title)
    version = number(head, 8, 1)
    older = version < 2
    widths = head[13:15] if older else head[9:11]
    if version > 3 or widths != b"\x08\x08":
        raise _unsupported(title)
    at = 24 + 4 * (version == 1) if older else 12
    base, end = number(head, at), number(head, at + 16)
    root = number(head, at + 40) if older else number(head, at + 24)
    if base == 0:  # in an archive, or behind a block that was put before it later
        base, end = start, end if end == UNDEFINED else start + end
    if stop < end < UNDEFINED:
        raise truncated(end, stop)
    return root, base


def _tensors(objects: Objects, root: int, title: str) -> list[TensorInfo]:
    found: list[TensorInfo] = []
    seen = {root}
    spent = 0
    waiting = [("", root, 0)]
    while waiting:
        path, address, depth = waiting.pop()
        messages = objects.messages(address)
        if objects.dense(messages):
            raise _unsupported(title)
        tensor = _dataset(objects, messages, path, title)
        if tensor is not None:
            found.append(tensor)
        for name, target in objects.links(messages):
            if target in seen:  # a second name for the same values would only repeat them
                continue
            seen.add(target)
            inner = f"{path}/{name}" if path else name
            waiting.append((inner, target, depth + 1))
            spent += len(inner)
            if len(seen) > MAX_OBJECTS or depth > MAX_DEPTH or len(inner) > MAX_PATH or spent > MAX_PATHS:
                raise malformed("Groups without end", f"group {path[:120]}")
    return found


def _dataset(objects: Objects, messages: Sequence[Message], path: str, title: str) -> TensorInfo | None:
    """A dataset of numbers; None for groups, texts and what has no values."""
    by_kind = {message.kind: message for message in messages}
    if LAYOUT not in by_kind or DATATYPE not in by_kind or DATASPACE not in by_kind:
        return None
    typed = _type(by_kind[DATATYPE].data)
    shape = _shape(by_kind[DATASPACE].data)
    if typed is None or shape is None:
        return None
    dtype, width, swapped = typed
    nbytes = math.prod(shape) * width
    if FILTERS in by_kind:
        raise _unsupported(title)
    at = _place(objects, by_kind[LAYOUT], nbytes, title)
    stored = Stored(big_endian=True) if swapped and width > 1 else None
    return TensorInfo(clean_name(path), dtype, shape, at, nbytes, stored=stored)


def _type(data: bytes) -> tuple[str, int, bool] | None:
    """Name, width and whether the bytes are swapped, of numbers as IEEE and two's complement have them."""
    kind, bits, width = number(data, 0, 1) & 15, number(data, 1, 3), number(data, 4, 4)
    if kind == 1 and width in _FLOATS and len(data) >= 20:
        mantissa, exponent, bias = _FIELDS[width]
        plain = (data[13], data[15], number(data, 16, 4)) == (exponent, mantissa, bias) and not bits & 64
        return (_FLOATS[width], width, bool(bits & 1)) if plain else None
    if kind == 0 and width in _WIDTHS and number(data, 10, 2) == 8 * width:
        return f"{'I' if bits & 8 else 'U'}{8 * width}", width, bool(bits & 1)
    return None


def _shape(data: bytes) -> tuple[int, ...] | None:
    """The lengths of the axes; None where there is nothing."""
    version, rank = number(data, 0, 1), number(data, 1, 1)
    at = 8 if version == 1 else 4
    if version not in {1, 2} or (version == 2 and number(data, 3, 1) == 2):
        return None
    return tuple(number(data, at + 8 * axis) for axis in range(rank))


def _place(objects: Objects, message: Message, nbytes: int, title: str) -> int:
    """Where the values begin in the file."""
    data = message.data
    version, kind = number(data, 0, 1), number(data, 1, 1)
    if version not in {3, 4} or kind not in {_COMPACT, _CONTIGUOUS}:
        raise _unsupported(title)
    if kind == _COMPACT:
        if number(data, 2, 2) < nbytes:
            raise malformed("Values that are not all there", f"byte {message.at}")
        return objects.place(message.at + 4, nbytes)
    if nbytes == 0:
        return 0
    if number(data, 10) < nbytes:
        raise malformed("Values that are not all there", f"byte {message.at}")
    return objects.place(number(data, 2), nbytes)


def _unsupported(title: str) -> UnsupportedFormat:
    return UnsupportedFormat(FindingCode.UNSUPPORTED, format=title)
