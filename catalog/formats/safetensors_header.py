"""The JSON header of a safetensors file, walked entry by entry: a hostile one is refused before it fills memory."""

from __future__ import annotations

import json
import re
from typing import TypeAlias

from catalog.formats.base import Json, malformed
from catalog.formats.strict_json import unique_keys
from catalog.formats.text import clean_text

MAX_TENSORS = 150_000  # ours: the largest models have some 200,000, in a hundred files and more
MAX_TAGS = 100_000  # ours: entries of __metadata__
MAX_NAME = 8191  # ours: characters of a tensor's name
MAX_ENTRY = 65_536  # ours: characters of a tensor's entry

RESERVED = "__metadata__"
_GAP = re.compile(r"[ \t\n\r]*+")
_ENTRY = (  # in the order of the format's own writer, `~` for a gap; any other order takes the longer way
    r'~"([^"\\\x00-\x1f]*+)"~:~\{~"dtype"~:~"([A-Z0-9_]++)"~,~"shape"~:~\[([0-9, \t\n\r]*+)\]~,'
    r'~"data_offsets"~:~\[~(0|[1-9][0-9]{0,18})~,~(0|[1-9][0-9]{0,18})~\]~\}~([,}])'
)
_COMPACT, _SPACED = (re.compile(_ENTRY.replace("~", gap)) for gap in ("", _GAP.pattern))
_JSON = json.JSONDecoder(object_pairs_hook=unique_keys)


Entry: TypeAlias = tuple[str, str, str, str, str]
"""A tensor as the header states it: name, dtype, the text between the brackets of its shape, begin, end (digits)."""


def walk(text: str) -> tuple[list[Entry], dict[str, Json]]:
    """Every tensor in the header's order, and the cleaned metadata. Raises `MalformedFile`."""
    if not text.startswith("{"):
        raise malformed("The header does not begin with a brace", "byte 8")
    scanner = _Scanner(text)
    entries: list[Entry] = []
    metadata: dict[str, Json] | None = None
    compact, spaced, position = _COMPACT.match, _SPACED.match, 1
    after = scanner.peek_end()
    while after != "}":
        if len(entries) == MAX_TENSORS:
            raise malformed(f"More than {MAX_TENSORS:,} tensors", scanner.place)
        found = compact(text, position) or spaced(text, position)
        if found is not None:
            name, dtype, dims, begin, end, after = found.groups()
            entries.append((name, dtype, dims, begin, end))
            position = found.end()
        else:
            scanner.position = position
            metadata = _other_entry(scanner, entries, metadata)
            after, position = scanner.take(",}"), scanner.position
    scanner.finish(position)
    return entries, metadata or {}


def _other_entry(scanner: _Scanner, entries: list[Entry], metadata: dict[str, Json] | None) -> dict[str, Json] | None:
    """An entry that the fast pattern does not know: the metadata, another order of fields, escapes in the name."""
    name = scanner.string()
    scanner.take(":")
    if name != RESERVED:
        entries.append(_entry(name, scanner.short_object(), scanner.place))
        return metadata
    if metadata is not None:
        raise malformed("Metadata given twice", scanner.place)
    return scanner.texts()


def _entry(name: str, fields: dict[str, Json], place: str) -> Entry:
    match fields:
        case {"dtype": str(dtype), "shape": list(shape), "data_offsets": [begin, end]} if len(fields) == 3:
            pass
        case _:
            raise malformed("A tensor without exactly dtype, shape and two data offsets", place)
    if type(begin) is not int or type(end) is not int or any(type(length) is not int for length in shape):
        raise malformed("A size that is no whole number", place)
    return name, dtype, ",".join(map(str, shape)), str(begin), str(end)


class _Scanner:
    """A position in the header's text, moved over JSON tokens."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 1

    @property
    def place(self) -> str:
        return f"character {self.position} of the header"

    def peek_end(self) -> str:
        """`}` when the object that was just opened is empty, else nothing."""
        return "}" if self._next() == "}" else ""

    def finish(self, position: int) -> None:
        """Nothing may follow the closing brace; `position` is behind it, or 1 in an empty header."""
        self.position = position if position > 1 else self.position + 1
        if self.position != len(self.text):
            raise malformed("Text after the header's closing brace", self.place)

    def take(self, allowed: str) -> str:
        """The next token, one of the characters `allowed`."""
        found = self._next()
        if not found or found not in allowed:
            raise malformed(f"No {' or '.join(allowed)} where one belongs", self.place)
        self.position += 1
        return found

    def string(self) -> str:
        """The next token, a string."""
        if self._next() != '"':
            raise malformed("No text where one belongs", self.place)
        value, end = self._decode(self.text, self.position)
        text = str(value)
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise malformed("Half of a surrogate pair", self.place) from error
        self.position = end
        return text

    def texts(self) -> dict[str, Json]:
        """An object of texts only, cleaned."""
        self.take("{")
        found: dict[str, Json] = {}
        after = self.take("}") if self.peek_end() else ","
        while after == ",":
            key = self.string()
            self.take(":")
            value = self.string()
            if key in found:
                raise malformed("A key of the metadata given twice", self.place)
            found[key] = value
            if len(found) > MAX_TAGS:
                raise malformed(f"More than {MAX_TAGS:,} entries of metadata", self.place)
            after = self.take(",}")
        return {clean_text(key, MAX_NAME): clean_text(str(value)) for key, value in found.items()}

    def short_object(self) -> dict[str, Json]:
        """An object without objects in it; its end is looked for first, so that none is parsed that is too long."""
        if self._next() != "{":
            raise malformed("A tensor that is no object", self.place)
        end = self.text.find("}", self.position, self.position + MAX_ENTRY) + 1
        if end == 0:
            raise malformed("A tensor's entry without an end", self.place)
        entry = self.text[self.position : end]
        # Python reads -0 as the whole number 0, the format's reader refuses it
        value, stop = self._decode(entry.replace("-", "x"), 0)
        if stop != len(entry) or not isinstance(value, dict):
            raise malformed("A tensor's entry without an end", self.place)
        self.position = end
        return value

    def _next(self) -> str:
        gap = _GAP.match(self.text, self.position)
        self.position = gap.end() if gap else self.position
        return self.text[self.position : self.position + 1]

    def _decode(self, text: str, start: int) -> tuple[Json, int]:
        try:
            value, end = _JSON.raw_decode(text, start)
        except (ValueError, RecursionError) as error:
            raise malformed("No JSON that two readers would read alike", self.place) from error
        return value, end
