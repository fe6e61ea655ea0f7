"""JSON out of foreign files: bounded, no key twice, every failure of Python's parser turned into one error."""

from __future__ import annotations

import json

from catalog.formats.base import Json, Source, malformed
from catalog.formats.text import clean_json, clean_text

MAX_CONFIG = 1_048_576
"""Bytes read of a configuration file; real ones have a few thousand."""

MAX_NESTED = 20_000
"""Lists and objects in one file: empty ones take twenty times the memory that they take on disk."""


def unique_keys(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    """Object hook for `json` that refuses a key given twice, which two readers would read differently."""
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a key stands twice")
    return fields


def read_object(source: Source, limit: int = MAX_CONFIG) -> dict[str, Json]:
    """The JSON object that a whole file holds, cleaned. Raises `MalformedFile` when it is too large or no object."""
    return {clean_text(key): clean_json(value) for key, value in load_object(source, limit).items()}


def load_object(source: Source, limit: int) -> dict[str, Json]:
    """The JSON object that a whole file holds, as it stands there. Raises like `read_object`."""
    if source.size > limit:
        raise malformed(f"A JSON file of {source.size:,} bytes, more than is read ({limit:,})", "byte 0")
    raw = source.read_at(0, source.size)
    if raw.count(b"[") + raw.count(b"{") > MAX_NESTED:
        raise malformed(f"A JSON file of more than {MAX_NESTED:,} lists and objects", "byte 0")
    try:
        value = json.loads(raw.decode("utf-8-sig"), object_pairs_hook=unique_keys)
    except json.JSONDecodeError as error:
        raise malformed(f"No JSON ({error.msg})", f"line {error.lineno}") from error
    except (ValueError, RecursionError) as error:
        raise malformed("No JSON that two readers would read alike", "byte 0") from error
    if not isinstance(value, dict):
        raise malformed("JSON that is no object", "byte 0")
    return value
