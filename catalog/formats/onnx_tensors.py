"""One tensor of an ONNX file: what it claims to be, and where its values lie, in the file or in another.

The rules are those of `onnx.checker.check_tensor`, with sizes that must fit exactly.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from catalog.errors import UnsupportedFormat
from catalog.formats.base import Stored, malformed
from catalog.formats.onnx_external import Outside, outside
from catalog.formats.onnx_schema import (
    ELEMENTS,
    ENTRY,
    INT32_DATA,
    INT64_DATA,
    RAW_DATA,
    STRING_DATA,
    TENSOR,
    UINT64_DATA,
    Element,
)
from catalog.formats.protobuf import INTS, LENGTH, VARINT, signed
from catalog.vocabulary import FindingCode

if TYPE_CHECKING:
    from catalog.formats.protobuf import Field, Wire

MAX_NAME = 4096  # ours: bytes of a name
MAX_DIMS = 64  # NumPy: NPY_MAXDIMS
MAX_OUTSIDE = 64  # ours: notes of one tensor about where its values lie; there are three, and those of ORT's packing

_MOST_VALUES = 1 << 59
_DIMS, _TYPE, _SEGMENT, _NAME, _EXTERNAL, _LOCATION = 1, 2, 3, 8, 13, 14
_VALUES = frozenset((4, 5, 6, 7, 9, 10, 11))
_VARINTS = frozenset((INT32_DATA, INT64_DATA, UINT64_DATA))
_WANTED = _VALUES | {_DIMS, _TYPE, _SEGMENT, _NAME, _EXTERNAL, _LOCATION}


class Stated(NamedTuple):
    """A tensor as the file states it. `at` and `nbytes` are the range of its values, in another file if `outside`."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    at: int
    nbytes: int
    stored: Stored | None = None
    outside: Outside | None = None

    @property
    def is_text(self) -> bool:
        """Its values are strings, which are no weights."""
        return self.dtype == ELEMENTS[8].name


class _Run(NamedTuple):
    """Values that stand together: `number` is the field that holds them, `single` one of them under its own tag."""

    number: int
    at: int
    stop: int
    single: bool


def read_tensor(wire: Wire, at: int, stop: int, depth: int) -> Stated:
    """The tensor whose message lies there. Raises `MalformedFile`, `UnsupportedFormat`."""
    found = _Fields(wire, at, stop, depth)
    element = ELEMENTS.get(found.once.get(_TYPE, 0))
    if element is None:
        raise malformed(f"A tensor of type {found.once.get(_TYPE, 0)}, which ONNX does not have", found.place)
    if found.segment:
        raise UnsupportedFormat(FindingCode.UNSUPPORTED, format="ONNX with tensors in segments")
    shape = tuple(found.dims)
    values = _values(shape, found)
    nbytes = -(-values * element.bits // 8)
    if found.once.get(_LOCATION, 0) == 1:
        return _elsewhere(found, element, shape, nbytes)
    if not values or not found.runs:
        _expect(values == 0 and not found.runs, "A tensor whose values and shape do not go together", found.place)
        return Stated(found.name, element.name, shape, at, 0)
    run = found.only_run(element)
    if run is None:
        return Stated(found.name, element.name, shape, at, 0)
    stored = _check_run(wire, run, element, values, found)
    return Stated(found.name, element.name, shape, run.at, run.stop - run.at, stored)


class _Fields:
    """What the message of one tensor holds."""

    def __init__(self, wire: Wire, at: int, stop: int, depth: int) -> None:
        self.name = ""
        self.dims: list[int] = []
        self.once: dict[int, int] = {}
        self.runs: list[_Run] = []
        self.external: list[tuple[int, int]] = []
        self.segment = False
        self._at, self._wire, self._depth = at, wire, depth
        self._strings, self._raw = 0, False
        wire.check_depth(depth, at)
        for tag, begin, end, value in wire.fields(TENSOR, at, stop, _WANTED, depth):
            self._take(tag, begin, end, value)

    @property
    def place(self) -> str:
        """Which tensor this is, for a person."""
        return f"tensor {self.name}" if self.name else f"the tensor at byte {self._at}"

    def _take(self, tag: int, at: int, stop: int, value: int) -> None:
        number, kind = tag >> 3, tag & 7
        if number in {_TYPE, _LOCATION}:
            if number in self.once or (number == _LOCATION and value not in {0, 1}):
                raise malformed("A type or place of values given twice, or that ONNX does not have", self.place)
            self.once[number] = value
        elif number == _NAME:
            self.name = self._wire.text(at, stop, MAX_NAME)
        elif number == _DIMS:
            read_dims(self._wire, self.dims, (tag, at, stop, value))
        elif number == _EXTERNAL:
            _expect(len(self.external) < MAX_OUTSIDE, "Too many notes about where the values lie", self.place)
            self._wire.check(ENTRY, at, stop, self._depth + 1)
            self.external.append((at, stop))
        elif number == _SEGMENT:
            self.segment = True
        else:
            self._take_values(number, kind, at, stop)

    def _take_values(self, number: int, kind: int, at: int, stop: int) -> None:
        if number == STRING_DATA:
            self._strings += 1
        elif number == RAW_DATA:
            if self._raw:
                raise malformed("Raw values given twice", self.place)
            self._raw = True
        if (stop > at or number == STRING_DATA) and (len(self.runs) < 2 or number != self.runs[-1].number):
            self.runs.append(_Run(number, at, stop, kind != LENGTH))
            if len(self.runs) > len(_VALUES):
                raise malformed("Values in more than one field", self.place)

    def only_run(self, element: Element) -> _Run | None:
        """The values in one piece, or None of strings."""
        number = self.runs[0].number
        if any(run.number != number for run in self.runs):
            raise malformed("Values in more than one field", self.place)
        if number != element.field and (number != RAW_DATA or element.field == STRING_DATA):
            raise malformed(f"Values of type {element.name} in field {number}", self.place)
        if number == STRING_DATA:
            _expect(self._strings == _values(tuple(self.dims), self), "Texts that are too few", self.place)
            return None
        if len(self.runs) > 1:
            raise UnsupportedFormat(FindingCode.UNSUPPORTED, format="ONNX with values in pieces")
        return self.runs[0]

    def entries(self) -> list[tuple[str, str]]:
        """The notes about where the values lie."""
        return [_entry(self._wire, at, stop, self._depth + 1) for at, stop in self.external]


def _elsewhere(found: _Fields, element: Element, shape: tuple[int, ...], nbytes: int) -> Stated:
    _expect(not found.runs, "Values both in this file and in another", found.place)
    _expect(element.field != STRING_DATA, "Texts in another file", found.place)
    place = outside(found.entries(), nbytes, found.place)
    return Stated(found.name, element.name, shape, place.offset, nbytes, None, place)


def _check_run(wire: Wire, run: _Run, element: Element, values: int, found: _Fields) -> Stored | None:
    """How the values are stored, after making sure that they are as many as the shape says."""
    length, nbytes = run.stop - run.at, -(-values * element.bits // 8)
    if run.number not in _VARINTS:
        if length != nbytes:
            raise malformed(f"Values of {length:,} bytes where the shape takes {nbytes:,}", found.place)
        if element.bits == 6:
            _check_padding(wire, run, values, found.place)
        return None
    if element.bits == 6:
        raise UnsupportedFormat(FindingCode.UNSUPPORTED, format="ONNX with 6-bit values outside of raw_data")
    expected = values if element.bits >= 8 else nbytes
    count = wire.count(INTS, run.at, run.stop) if not run.single else 1
    if count is None:
        _expect(expected <= length <= 10 * expected, "Values that are too few or too many for the shape", found.place)
    elif count != expected:
        raise malformed(f"{count:,} numbers where the shape takes {expected:,}", found.place)
    return Stored(varint=True)


def _check_padding(wire: Wire, run: _Run, values: int, place: str) -> None:
    """The bits of a 6-bit tensor's last byte that belong to no value are zero."""
    used = values * 6 % 8
    if used:
        _expect(wire.raw(run.stop - 1, run.stop)[0] >> used == 0, "Bits set that belong to no value", place)


def _values(shape: tuple[int, ...], found: _Fields) -> int:
    bound = 1
    for length in shape:
        bound *= length or 1  # NumPy bounds those of nothing, too
        if length < 0 or bound >= _MOST_VALUES:
            raise malformed("A negative dimension, or a shape beyond what a file can hold", found.place)
    return 0 if 0 in shape else bound


def read_dims(wire: Wire, dims: list[int], field: Field) -> None:
    """Adds the dimensions that one field of a message holds."""
    tag, at, stop, value = field
    if tag & 7 == VARINT:
        dims.append(signed(value))
    else:
        wire.count(INTS, at, stop)
        _expect(stop - at <= MAX_DIMS * 10, "A shape of too many dimensions", f"byte {at}")
        dims += map(signed, varints(wire.raw(at, stop)))
    if len(dims) > MAX_DIMS:
        raise malformed("A shape of too many dimensions", f"byte {at}")


def varints(data: bytes) -> list[int]:
    """The numbers of a packed field that was counted."""
    found = []
    value = shift = 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            found.append(value)
            value = shift = 0
    return found


def _entry(wire: Wire, at: int, stop: int, depth: int) -> tuple[str, str]:
    """A key and its value; what is given twice counts as it was given last."""
    texts = {1: "", 2: ""}
    for tag, begin, end, _ in wire.fields(ENTRY, at, stop, frozenset((1, 2)), depth):
        texts[tag >> 3] = wire.text(begin, end, MAX_NAME)
    return texts[1], texts[2]


def _expect(condition: object, what: str, place: str) -> None:
    if not condition:
        raise malformed(what, place)
