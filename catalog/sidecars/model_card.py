"""`README.md`: a model card of Hugging Face, of which the few lines between `---` at its top are for programs.

Source: https://huggingface.co/docs/hub/model-cards. They are YAML; plain keys, texts and lists are all that is read
of it here, so that nothing of a foreign file is ever constructed.
"""

from __future__ import annotations

import re

from catalog.sidecars.base import Told, line, once

_FRONT = re.compile(rb"\A(?:\xef\xbb\xbf)?---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_LARGEST_FRONT = 65_536
_MOST_LINES = 2000
_KEY = re.compile(r"(?P<key>[A-Za-z_]{1,40}):(?:[ \t]+(?P<value>.*))?")
_ITEM = re.compile(r"[ \t]*-[ \t]+(?P<value>.*)")
_REGION = re.compile(r"region:|arxiv:|license:|doi:", re.IGNORECASE)
_REPOSITORY = re.compile(r"[\w.-]{1,96}/[\w.-]{1,96}")


def read(raw: bytes) -> Told:
    """Licence, tags and what it was made from; a card without such lines says nothing."""
    front = _FRONT.match(raw[:_LARGEST_FRONT])
    if front is None:
        return Told()
    values = _values(front[1].decode("utf-8", "replace"))
    licence = _first(values, "license")
    named = _first(values, "license_name")
    tags = [*values.get("tags", ()), *values.get("pipeline_tag", ()), *values.get("library_name", ())]
    return Told(
        licence=named if licence in ("", "other") and named else licence,
        base=_first(values, "base_model"),
        tags=once(tag for tag in map(line, tags) if not _REGION.match(tag) and not _REPOSITORY.fullmatch(tag)),
    )


def _first(values: dict[str, list[str]], key: str) -> str:
    return line(next(iter(values.get(key, ())), ""))


def _values(front: str) -> dict[str, list[str]]:
    """Key -> its texts. What is indented deeper belongs to something that is not read."""
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for row in front.splitlines()[:_MOST_LINES]:
        key, item = _KEY.fullmatch(row), _ITEM.fullmatch(row)
        if key is not None:
            current = found.setdefault(key["key"], [])
            current += _scalars(key["value"] or "")
        elif item is not None and not _KEY.fullmatch(item["value"]):
            current += _scalars(item["value"])
    return found


def _scalars(value: str) -> list[str]:
    """A text, or the texts of a list in brackets."""
    value = value.strip()
    if value.startswith("[") and value.endswith("]"):
        return [plain for part in value[1:-1].split(",") if (plain := _unquoted(part))]
    plain = _unquoted(value)
    return [plain] if plain and plain not in "|>&*!{" else []


def _unquoted(value: str) -> str:
    value = value.strip()
    if value[:1] in ("'", '"') and (end := value.find(value[0], 1)) > 0:
        return value[1:end]
    return value.partition(" #")[0].strip()
