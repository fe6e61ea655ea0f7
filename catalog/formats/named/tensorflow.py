"""TensorFlow: SavedModel, frozen graphs and checkpoints, and TensorFlow Lite.

Definitions: tensorflow/core/protobuf/saved_model.proto and core/framework/graph.proto; a checkpoint's index is a table
of LevelDB (tensorflow/core/lib/io/format.h); lite/schema/schema.fbs.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from catalog.formats.heads import Guess
from catalog.formats.named.wire import LENGTH, VARINT, fields, text
from catalog.vocabulary import Format

if TYPE_CHECKING:
    from catalog.formats.heads import Head

LITE = b"TFL3"  # at 4, the identifier of a FlatBuffer
TABLE_MAGIC = (0xDB4775248B80FB57).to_bytes(8, "little")  # the last bytes of a table

_DATA = re.compile(rb".+\.data-\d{5}-of-\d{5}")
_OPERATION = re.compile(r"[A-Z_][A-Za-z0-9_.>]{1,80}")
_META_GRAPHS, _META_INFO, _GRAPH = 2, 1, 2
_NODE, _NAME, _OP = 1, 1, 2


def recognise(head: Head) -> Guess | None:
    """Which of TensorFlow's files this is."""
    if head.start.startswith(LITE, 4):
        return Guess(Format.TFLITE)
    if head.suffix == b".index" and head.last(8) == TABLE_MAGIC:
        return Guess(Format.TENSORFLOW, "TensorFlow checkpoint, its index")
    if _DATA.fullmatch(head.name):
        return Guess(Format.TENSORFLOW, "TensorFlow checkpoint")
    if head.start.startswith(b"\x08\x01\x12") and _is_saved_model(head):
        return Guess(Format.TENSORFLOW, "TensorFlow SavedModel")
    if head.start.startswith(b"\x0a") and _is_graph(head):
        return Guess(Format.TENSORFLOW, "TensorFlow graph")
    return None


def _is_saved_model(head: Head) -> bool:
    """A version, then graphs, of which each has what it is made of before its nodes."""
    found = fields(head.source)
    if found is None or [(field.number, field.wire) for field in found[:2]] != [(1, VARINT), (_META_GRAPHS, LENGTH)]:
        return False
    if any(field.number != _META_GRAPHS for field in found[1:]):
        return False
    parts = fields(head.source, found[1].begin, found[1].end)
    return parts is not None and [part.number for part in parts[:2]] == [_META_INFO, _GRAPH]


def _is_graph(head: Head) -> bool:
    """A first node with a name and an operation."""
    found = fields(head.source)
    if found is None or (found[0].number, found[0].wire) != (_NODE, LENGTH):
        return False
    parts = fields(head.source, found[0].begin, found[0].end)
    if parts is None or [part.number for part in parts[:2]] != [_NAME, _OP]:
        return False
    operation = text(head.source, parts[1])
    return text(head.source, parts[0]) is not None and bool(_OPERATION.fullmatch(operation or ""))
