"""PaddlePaddle: the numbers in a `.pdiparams`, one tensor after the other, and their names in the `.pdmodel` beside it.

Definitions: paddle/phi/core/framework/dense_tensor_serialize.cc (`SerializeToStream`: a version, the levels of detail,
a version, the length of a description, the description, the values), paddle/fluid/framework/framework.proto. The file
of the numbers has no names: they are the program's persistable variables, in the order of their names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from catalog.errors import UnsupportedFormat
from catalog.formats.base import Probe, SetMember, Source, TensorInfo, malformed
from catalog.formats.cursor import Cursor
from catalog.formats.protobuf import BYTES, INT, Wire, schema, signed
from catalog.formats.text import clean_name
from catalog.vocabulary import FindingCode, Format, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_TENSORS = 150_000  # ours, as of other formats

_DTYPES = {
    0: ("BOOL", 1), 1: ("I16", 2), 2: ("I32", 4), 3: ("I64", 8), 4: ("F16", 2), 5: ("F32", 4), 6: ("F64", 8),
    19: ("U64", 8), 20: ("U8", 1), 21: ("I8", 1), 22: ("BF16", 2), 23: ("C64", 8), 24: ("C128", 16),
}  # fmt: skip
"""`VarType.Type`: the name, and bytes of a value."""
_NO_TENSORS = frozenset((9, 10, 15, 17))  # feeds, fetches, readers and raw variables
_MAX_LEVELS = 16
_MAX_DESCRIPTION = 1024
_MAX_NAME = 4096
_MAX_AXES = 32

_SCHEMA = schema(
    {
        "Program": {1: "Block", 4: BYTES, 5: BYTES},
        "Block": {1: INT, 2: INT, 3: "Variable", 4: BYTES, 5: INT},
        "Variable": {1: BYTES, 2: "Type", 3: INT, 4: INT, 5: INT, 6: INT, 7: BYTES},
        "Type": {1: INT, 2: BYTES, 3: BYTES, 4: BYTES, 5: BYTES, 7: BYTES, 8: BYTES, 9: BYTES, 10: BYTES},
        "Description": {1: INT, 2: INT},
    }
)


class _Stored(NamedTuple):
    """A tensor as it lies in the file, without a name."""

    dtype: str
    shape: tuple[int, ...]
    offset: int
    nbytes: int


def read(source: Source, beside: Sequence[SetMember] = ()) -> Probe:
    """The index of the numbers; given the program, of the numbers beside it, which are file 1 and on.

    Raises `MalformedFile`, and `UnsupportedFormat` for a program without its numbers.
    """
    if source.read_at(0, min(16, source.size)) == bytes(16):
        stored = list(_stored(source))
        return _probe(_numbered(stored), stored, 0)
    for number, member in enumerate(beside, 1):
        if member.name.lower().endswith(b".pdiparams"):
            stored = list(_stored(member.source))
            names = _names(source)
            return _probe(names if len(names) == len(stored) else _numbered(stored), stored, number)
    raise UnsupportedFormat(FindingCode.UNSUPPORTED, format="PaddlePaddle program")


def _probe(names: Sequence[str], stored: Sequence[_Stored], file: int) -> Probe:
    tensors = [TensorInfo(name, *one, file) for name, one in zip(names, stored, strict=True)]
    if len({tensor.name for tensor in tensors}) < len(tensors):
        raise malformed("Two variables of one name", "the program")
    return Probe(Format.PADDLE, Outcome.OK, tuple(sorted(tensors)))


def _numbered(stored: Sequence[_Stored]) -> list[str]:
    width = len(str(len(stored)))
    return [f"{number:0{width}}" for number in range(len(stored))]


def _stored(source: Source) -> Iterator[_Stored]:
    cursor = Cursor(source)
    for _ in range(MAX_TENSORS):
        if not cursor.left:
            return
        yield _next(cursor)
    if cursor.left:
        raise malformed(f"More than {MAX_TENSORS:,} tensors", cursor.place)


def _next(cursor: Cursor) -> _Stored:
    _expect(cursor.u32() == 0, "A tensor of an unknown version", cursor)
    levels = cursor.u64()
    _expect(levels <= _MAX_LEVELS, "A tensor with too many levels of detail", cursor)
    for _ in range(levels):
        cursor.skip(cursor.u64())
    _expect(cursor.u32() == 0, "A tensor of an unknown version", cursor)
    length = cursor.u32()
    _expect(0 < length <= _MAX_DESCRIPTION, "A description of a length that none has", cursor)
    begin = cursor.position
    dtype, width, shape = _described(cursor.take(length), begin)
    values = 1
    for axis in shape:
        values *= axis
    found = _Stored(dtype, shape, cursor.position, values * width)
    cursor.skip(found.nbytes)
    return found


def _described(text: bytes, at: int) -> tuple[str, int, tuple[int, ...]]:
    """Name and width of the type, and the shape."""
    wire = Wire(_Bytes(text))
    kind = -1
    shape: list[int] = []
    for tag, begin, stop, value in wire.fields(_SCHEMA["Description"], 0, len(text), frozenset((1, 2)), 0):
        if tag >> 3 == 1:
            kind = value
        else:
            shape.append(signed(value))
        if begin > stop or len(shape) > _MAX_AXES or (shape and shape[-1] < 0):
            raise malformed("A shape that no tensor has", f"byte {at}")
    if kind not in _DTYPES:
        raise malformed(f"Values of the unknown type {kind}", f"byte {at}")
    return *_DTYPES[kind], tuple(shape)


def _names(source: Source) -> list[str]:
    """The variables that are stored, in the order in which they are."""
    wire = Wire(source)
    names = []
    for _, begin, stop, _ in wire.fields(_SCHEMA["Program"], 0, source.size, frozenset((1,)), 0):
        for _, at, end, _ in wire.fields(_SCHEMA["Block"], begin, stop, frozenset((3,)), 1):
            name = _stored_name(wire, at, end)
            if name is not None:
                names.append(name)
            if len(names) > MAX_TENSORS:
                raise malformed(f"More than {MAX_TENSORS:,} variables", f"byte {at}")
    return [clean_name(name) for name in sorted(names)]


def _stored_name(wire: Wire, at: int, stop: int) -> str | None:
    """The name of a variable; None where it is not stored."""
    name, kept, kind = "", False, 0
    for tag, begin, end, value in wire.fields(_SCHEMA["Variable"], at, stop, frozenset((1, 2, 3)), 2):
        if tag >> 3 == 1:
            name = wire.text(begin, end, _MAX_NAME)
        elif tag >> 3 == 3:
            kept = bool(value)
        else:
            kind = next((one[3] for one in wire.fields(_SCHEMA["Type"], begin, end, frozenset((1,)), 3)), 0)
    return name if kept and kind not in _NO_TENSORS else None


def _expect(true: bool, what: str, cursor: Cursor) -> None:  # noqa: FBT001 - what has to hold
    if not true:
        raise malformed(what, cursor.place)


class _Bytes:
    """Bytes at hand as a source."""

    name = b""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    def read_at(self, offset: int, length: int) -> bytes:
        return self._data[offset : offset + length]
