"""Whether a file is ONNX, which has no magic number: a message whose fields are those of a model with a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.formats.heads import Guess
from catalog.formats.named.wire import LENGTH, VARINT, fields, text
from catalog.formats.onnx_schema import GRAPH, MODEL
from catalog.vocabulary import Format

if TYPE_CHECKING:
    from catalog.formats.heads import Head
    from catalog.formats.named.wire import Field

_STARTS = b"\x08"  # ir_version, which every writer puts first
_VERSION, _GRAPH, _OPSETS = 1, 7, 8
_TEXTS = frozenset((2, 3, 4))
_MOST_VERSION = 255
_FIRST_OPSETS = 3  # the version since which operator sets are stated


def recognise(head: Head) -> Guess | None:
    """ONNX, of nothing that another format's message may be. Reads a few bytes of each field of the model."""
    return Guess(Format.ONNX) if _looks_like_onnx(head) else None


def _looks_like_onnx(head: Head) -> bool:
    if not head.start.startswith(_STARTS):
        return False
    found = fields(head.source)
    if found is None or not all(field.number << 3 | field.wire in MODEL.tags for field in found):
        return False
    version, numbers = found[0].value, {field.number for field in found}
    if (found[0].number, found[0].wire) != (_VERSION, VARINT) or not 0 < version <= _MOST_VERSION:
        return False
    if _GRAPH not in numbers or (version >= _FIRST_OPSETS) is not (_OPSETS in numbers):
        return False
    return all(_fits(head, field) for field in found)


def _fits(head: Head, field: Field) -> bool:
    """A text is one, and a graph begins as graphs do."""
    if field.number in _TEXTS:
        return field.begin == field.end or text(head.source, field) is not None
    if field.number == _GRAPH and field.wire == LENGTH and field.end > field.begin:
        return head.source.read_at(field.begin, 1)[0] in GRAPH.tags
    return field.number != _GRAPH
