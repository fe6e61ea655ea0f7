"""TensorRT's engines: a plan, which begins with a tag; Ultralytics puts a JSON text with its length before it.

NVIDIA does not publish the plan. The tag `ftrt` is what every release since 8 writes and `ptrt` what older ones did;
the JSON is that of ultralytics/engine/exporter.py (`export_engine`).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from catalog.formats.heads import Guess
from catalog.formats.text import clean_text
from catalog.vocabulary import Format

if TYPE_CHECKING:
    from catalog.formats.base import Json
    from catalog.formats.heads import Head

TAGS = (b"ftrt", b"ptrt")

_LONGEST_JSON = 1_048_576
_TOLD = ("description", "task", "version", "date", "license")


def recognise(head: Head) -> Guess | None:
    """An engine, with or without the text before it."""
    if head.start.startswith(TAGS):
        return Guess(Format.TENSORRT)
    length = head.u32()
    if head.start[4:5] != b"{" or not 2 <= length <= _LONGEST_JSON or head.size < 4 + length + 4:
        return None
    if not head.source.read_at(4 + length, 4).startswith(TAGS):
        return None
    return Guess(Format.TENSORRT, facts=_facts(head.source.read_at(4, length)))


def _facts(raw: bytes) -> dict[str, Json]:
    try:
        told = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(told, dict):
        return {}
    return {key: clean_text(told[key], 200) for key in _TOLD if isinstance(told.get(key), str)}
