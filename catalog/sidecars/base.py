"""What a sidecar says, as values; and the few ways in which foreign text is made fit to keep.

A sidecar only suggests. Nothing in it is trusted to have the type, the length or the sense that its program gives it:
what does not fit is passed over, and a file that holds nothing readable is one `problem`, never an exception.
"""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from catalog.vocabulary import ClaimSource

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
Fields: TypeAlias = "dict[str, Json]"

MOST_NAMES = 100
MOST_FILES = 200
LONGEST_LINE = 500
LONGEST_NOTES = 20_000
_MOST_NESTED = 50_000
_DEEPEST = 100
_TAG = re.compile(r"<[^<>]*>")
_BREAK = re.compile(r"<\s*(?:br|/p|/li|/h[1-6]|/div)\b[^<>]*>", re.IGNORECASE)
_UNFIT = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_BRACKETS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)  # never goes back, so it takes linear time
_HEX = re.compile(r"[0-9a-f]{8,128}")
_NOTHING = ("e3b0c442", "af1349b9")  # SHA-256 and BLAKE3 of nothing, as broken downloads leave them


class Stated(NamedTuple):
    """A digest that a sidecar lists; cut short as its program does."""

    algorithm: str
    digest: bytes
    source: ClaimSource


class StatedFile(NamedTuple):
    """One file that a sidecar speaks of. `size` is in bytes as its program rounds it, None where it is not given."""

    name: str
    size: int | None
    primary: bool
    hashes: tuple[Stated, ...]


class Cached(NamedTuple):
    """A line of a program's cache of digests: what it calls the file, its time in seconds, the digest."""

    title: str
    mtime: float
    hash: Stated


class Named(NamedTuple):
    """An id of another program. `of_model` is False for the id of one version, which is a variant here."""

    scheme: str
    value: str
    of_model: bool


@dataclass(frozen=True, slots=True)
class Told:
    """What one sidecar says. Texts are clean: no markup, no NUL, bounded; empty where it says nothing.

    `base` is the base model in its own words, `notes` what its user wrote. `hashes` are of the model that it lies
    beside, `files` of several files of which that is one. `problem` says why nothing could be read.
    """

    name: str = ""
    version_name: str = ""
    base: str = ""
    licence: str = ""
    source: str = ""
    tags: tuple[str, ...] = ()
    trigger_words: tuple[str, ...] = ()
    notes: str = ""
    ids: tuple[Named, ...] = ()
    hashes: tuple[Stated, ...] = ()
    files: tuple[StatedFile, ...] = ()
    cached: tuple[Cached, ...] = field(default=())
    problem: str = ""


def fields_of(raw: bytes, *, nested: int = _MOST_NESTED) -> Fields | str:
    """The JSON object that a whole file holds, or why there is none."""
    if _too_deep(raw, nested):
        return "it nests deeper or oftener than any real one"
    try:
        value = json.loads(raw.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return "it is no JSON"
    return value if isinstance(value, dict) else "its JSON is no object"


def inner(fields: Fields, key: str) -> Fields:
    """An object in an object; empty where there is none."""
    value = fields.get(key)
    return value if isinstance(value, dict) else {}


def items(value: Json) -> Iterator[Fields]:
    """The objects of a list, so many at most as anybody has files."""
    if isinstance(value, list):
        yield from (item for item in value[:MOST_FILES] if isinstance(item, dict))


def line(value: Json, limit: int = LONGEST_LINE) -> str:
    """A text on one line; empty for anything else."""
    return " ".join(_clean(value, limit * 4).split())[:limit].strip() if isinstance(value, str) else ""


def text(value: Json) -> str:
    """A text of several lines."""
    if not isinstance(value, str):
        return ""
    return "\n".join(part.rstrip() for part in _clean(value, LONGEST_NOTES).splitlines()).strip()


def lines(value: Json) -> tuple[str, ...]:
    """The texts of a list, each once; a text alone is a list that commas separate."""
    parts: Sequence[Json] = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else ()
    return once(line(part) for part in parts[: 4 * MOST_NAMES])


def once(found: Iterable[str]) -> tuple[str, ...]:
    """Each that is not empty once, whatever its case; the first spelling stays."""
    kept: dict[str, str] = {}
    for one in found:
        if one:
            kept.setdefault(one.casefold(), one)
    return tuple(kept.values())[:MOST_NAMES]


def number(value: Json) -> int | None:
    """A whole number above zero, written as a number or in digits."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 19:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**62 else None


def digest(value: Json, algorithm: str, source: ClaimSource, digits: tuple[int, ...] = ()) -> list[Stated]:
    """A digest in hexadecimal as a list of one; of none that is unsound, or has another number of digits."""
    if not isinstance(value, str) or len(value) > 200:
        return []
    plain = value.strip().lower().removeprefix("0x")
    if not _HEX.fullmatch(plain) or (digits and len(plain) not in digits) or plain.startswith(_NOTHING):
        return []
    return [Stated(algorithm, bytes.fromhex(plain[: len(plain) // 2 * 2]), source)]


def _clean(value: str, limit: int) -> str:
    """Without markup, also such as hides behind entities, and without what no line of text holds."""
    plain = value[: 4 * limit]
    for _ in range(2):
        plain = html.unescape(_TAG.sub(" ", _BREAK.sub("\n", plain)))
    return _UNFIT.sub("", _TAG.sub(" ", plain))[:limit]


def _too_deep(raw: bytes, most: int) -> bool:
    """Python's parser calls itself for each level, and an empty list takes twenty times the memory that it has here."""
    depth = count = 0
    for found in _BRACKETS.finditer(raw):
        mark = found[0][0]
        if mark in b"[{":
            depth, count = depth + 1, count + 1
            if depth > _DEEPEST or count > most:
                return True
        elif mark in b"]}":
            depth -= 1
    return False
