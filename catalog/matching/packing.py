"""Evidence as one compact value: a version byte, then zlib of JSON in which each column of the table is one list."""

from __future__ import annotations

import json
import zlib
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from catalog.matching.base import ComponentVerdict, Difference, Evidence, Row
from catalog.vocabulary import Certainty, Direction, Doubt, Mapped, Relation, SameModel, TensorVerdict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_VERSION = b"\x01"
_LONGEST = 1 << 26
"""Bytes of the JSON; the table of a model with a hundred thousand tensors has some 30 million."""
_LEVEL = 6

_Fields = dict[str, Any]
"""An object of JSON. What was read is checked by the types that it is given to."""


def pack(evidence: Evidence, *, longest: int = _LONGEST) -> bytes:
    """Some 20 bytes a row of the table. A table of more than `longest` bytes is left out."""
    text = _text(evidence)
    if len(text) > longest:
        bare = tuple(replace(verdict, rows=()) for verdict in evidence.components)
        text = _text(replace(evidence, components=bare))
    return _VERSION + zlib.compress(text, _LEVEL)


def _text(evidence: Evidence) -> bytes:
    return json.dumps(_told(evidence), separators=(",", ":"), default=_refused).encode()


def unpack(packed: bytes) -> Evidence:
    """What `pack` was given. Raises ValueError for another version, and for anything that `pack` did not write."""
    if packed[:1] != _VERSION:
        raise ValueError("This evidence was packed by another version")
    try:
        return _evidence(json.loads(_inflated(packed[1:])))
    except (KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError, zlib.error) as error:
        raise ValueError("This evidence cannot be read") from error


def _inflated(packed: bytes) -> bytes:
    inflater = zlib.decompressobj()
    text = inflater.decompress(packed, _LONGEST)
    if not inflater.eof:
        raise ValueError("This evidence is cut, or longer than any can be")
    return text


def _told(evidence: Evidence) -> _Fields:
    told = _plain(evidence, "settings", "components")
    told["settings"] = [list(difference) for difference in evidence.settings]
    told["components"] = [_component_told(verdict) for verdict in evidence.components]
    return told


def _component_told(verdict: ComponentVerdict) -> _Fields:
    told = _plain(verdict, "rows")
    told["rows"] = [list(column) for column in zip(*verdict.rows, strict=True)]
    return told


def _plain(value: Evidence | ComponentVerdict, *without: str) -> _Fields:
    return {field.name: getattr(value, field.name) for field in fields(value) if field.name not in without}


def _refused(value: object) -> None:
    raise ValueError(f"Evidence holds a {type(value).__name__}, which is not kept")


def _shape(told: Any) -> tuple[int, ...]:
    return tuple(map(int, told))


_EVIDENCE: Mapping[str, Callable[[Any], object]] = {
    "relation": Relation,
    "certainty": Certainty,
    "same_model": SameModel,
    "direction": Direction,
}
_COMPONENT: Mapping[str, Callable[[Any], object]] = {
    "relation": Relation,
    "certainty": Certainty,
    "direction": Direction,
    "values": _shape,
}
_ROW: Mapping[str, Callable[[Any], object]] = {
    "left_shape": _shape,
    "right_shape": _shape,
    "verdict": TensorVerdict,
    "mapped": Mapped,
}


def _evidence(told: Any) -> Evidence:
    given = _typed(told, _EVIDENCE)
    given["settings"] = tuple(Difference(*row) for row in told["settings"])
    given["components"] = tuple(map(_component, told["components"]))
    return Evidence(**given)


def _component(told: Any) -> ComponentVerdict:
    given = _typed(told, _COMPONENT)
    given["rows"] = _rows(told["rows"])
    return ComponentVerdict(**given)


def _rows(columns: Any) -> tuple[Row, ...]:
    """Column by column back into rows."""
    if columns and len(columns) != len(Row._fields):
        raise ValueError("This evidence's table has other columns")
    read = [
        list(map(_ROW[name], column)) if name in _ROW else column
        for name, column in zip(Row._fields, columns, strict=False)
    ]
    return tuple(map(Row._make, zip(*read, strict=True)))


def _typed(told: Any, types: Mapping[str, Callable[[Any], object]]) -> dict[str, Any]:
    """The fields with their types; the constructor refuses unknown ones."""
    given = {name: types[name](value) if name in types else value for name, value in told.items()}
    if told["doubt"] is not None:
        given["doubt"] = Doubt(told["doubt"])
    return given
