"""What an ONNX file says of itself, bounded: who made it, for which operators, its notes, what goes in and comes out.

The keys are the names of the fields in ONNX's own definition.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.formats.base import Json, malformed
from catalog.formats.onnx_schema import (
    DIMENSION,
    ELEMENTS,
    ENTRY,
    MODEL,
    OPERATOR_SET,
    SHAPE,
    TENSOR_TYPE,
    TYPE,
    VALUE_INFO,
)
from catalog.formats.protobuf import LENGTH, signed
from catalog.formats.text import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalog.formats.protobuf import Field, Message, Wire

MAX_TEXT = 262_144  # ours: bytes kept of one text
MAX_KEPT = 4_194_304  # ours: bytes kept of all texts
MAX_ITEMS = 4096  # ours: notes, inputs, outputs kept, each
MAX_NAMES = 1024  # ours: bytes of the name of a note, an input or a dimension
MAX_RANK = 64  # ours: dimensions kept of an input

_TEXTS = {2: "producer_name", 3: "producer_version", 4: "domain", 6: "doc_string"}
_NUMBERS = {1: "ir_version", 5: "model_version"}
_VALUES = {11: "inputs", 12: "outputs"}
_DEFAULT_DOMAIN = "ai.onnx"


class Metadata:
    """Gathers into `found` what a walk comes by."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._kept = 0
        self._opsets: dict[str, Json] = {}
        self._notes: dict[str, Json] = {}
        self.found: dict[str, Json] = {}

    def of_model(self, field: Field) -> None:
        """A field of the model itself."""
        tag, at, stop, value = field
        number = tag >> 3
        if number in _TEXTS:
            if stop > at:
                self.found[_TEXTS[number]] = self._text(at, stop)
        elif number in _NUMBERS:
            self.found[_NUMBERS[number]] = signed(value)
        elif number == 8:
            self._opset(at, stop)
        elif number == 14:
            self._note(at, stop)
        else:
            self._wire.look_inside(MODEL, tag, at, stop, 0)

    def check_opsets(self, version: int) -> None:
        """Operators are stated since version 3, and never before."""
        if (version >= 3) is not bool(self._opsets):
            raise malformed(f"IR version {version} with operator sets for {len(self._opsets)} domains", "opset_import")

    def graph_name(self, at: int, stop: int) -> None:
        """The name of the outermost graph."""
        self.found["graph"] = self._text(at, stop)

    def value(self, field: Field, depth: int, *, keep: bool) -> None:
        """An input or output of a graph; `depth` is that of its message."""
        tag, at, stop, _ = field
        key = _VALUES[tag >> 3]
        values = self.found.setdefault(key, {}) if keep else {}
        name, told = "", None
        self._wire.check_depth(depth, at)
        for part, begin, end, _ in self._wire.fields(VALUE_INFO, at, stop, frozenset((1, 2)), depth):
            if part >> 3 == 1:
                name = self._text(begin, end, MAX_NAMES)
            else:
                self._wire.look_inside(VALUE_INFO, part, begin, end, depth)
                told = self._type(begin, end, depth + 1)
        if not name:
            raise malformed("An input or output without a name", f"byte {at}")
        if isinstance(values, dict) and len(values) < MAX_ITEMS and self._kept < MAX_KEPT:
            values[name] = told

    def count_pieces(self) -> None:
        """One more constant whose numbers have no range of their own."""
        before = self.found.get("constants_in_pieces", 0)
        self.found["constants_in_pieces"] = before + 1 if isinstance(before, int) else 1

    def _opset(self, at: int, stop: int) -> None:
        domain, version = _DEFAULT_DOMAIN, 0
        for tag, begin, end, value in self._wire.fields(OPERATOR_SET, at, stop, frozenset((1, 2)), 1):
            if tag >> 3 == 2:
                version = signed(value)
            else:
                domain = self._text(begin, end, MAX_NAMES) or _DEFAULT_DOMAIN
        if not 0 <= version < 1 << 31 or len(self._opsets) >= MAX_ITEMS:
            raise malformed(f"Version {version:,} of the operators of {domain}", f"byte {at}")
        self._opsets[domain] = version
        self.found["opset_import"] = self._opsets

    def _note(self, at: int, stop: int) -> None:
        key = value = ""
        for tag, begin, end, _ in self._wire.fields(ENTRY, at, stop, frozenset((1, 2)), 1):
            if tag >> 3 == 1:
                key = clean_text(self._wire.text(begin, end, MAX_NAMES))
            else:
                value = self._text(begin, end)
        if key in self._notes or len(self._notes) >= MAX_ITEMS:
            raise malformed("Notes given twice, or without end", f"metadata_props {key[:40]}")
        self._notes[key] = value
        self.found["metadata_props"] = self._notes

    def _type(self, at: int, stop: int, depth: int) -> Json:
        """Type and shape of a dense tensor; None of what is none. A dimension is a number, a name, or not known."""
        told: dict[str, Json] = {}
        for begin, end in self._inside(TYPE, 1, at, stop, depth):
            told = {"dtype": "", "shape": None}
            for tag, first, last, value in self._wire.fields(TENSOR_TYPE, begin, end, frozenset((1, 2)), depth + 1):
                if tag >> 3 == 1:
                    told["dtype"] = ELEMENTS[value].name if value in ELEMENTS else str(value)
                else:
                    told["shape"] = self._shape(first, last, depth + 2)
        return told or None

    def _shape(self, at: int, stop: int, depth: int) -> Json:
        shape: list[Json] = []
        for begin, end in self._inside(SHAPE, 1, at, stop, depth):
            if len(shape) < MAX_RANK:
                shape.append(self._dimension(begin, end, depth + 1))
        return shape

    def _dimension(self, at: int, stop: int, depth: int) -> Json:
        length: Json = None
        for tag, begin, end, value in self._wire.fields(DIMENSION, at, stop, frozenset((1, 2)), depth):
            length = signed(value) if tag >> 3 == 1 else self._text(begin, end, MAX_NAMES) or None
        return length

    def _inside(self, message: Message, number: int, at: int, stop: int, depth: int) -> Iterator[tuple[int, int]]:
        for tag, begin, end, _ in self._wire.fields(message, at, stop, frozenset((number,)), depth):
            if tag & 7 == LENGTH:
                yield begin, end

    def _text(self, at: int, stop: int, longest: int = MAX_TEXT) -> str:
        """As much of a text as is kept."""
        kept = max(0, min(stop - at, longest, MAX_KEPT - self._kept))
        self._kept += kept
        text = self._wire.raw(at, at + kept).decode(errors="replace")
        return clean_text(text if kept == stop - at else f"{text}… ({stop - at:,} bytes)")
