"""Who is this? One line of code answers command line, API and admin alike.

>>> find("blake3:ce3f0c5f...")   # any digest in any notation, or its first 8 digits and more
>>> find("a3f1c09e")             # a short id
>>> find("checkpoints/sdxl.safetensors")
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.hashing.notation import LEAST_DIGITS, Notation, of_nothing, parse
from catalog.queries.lookup.digests import find_digest
from catalog.queries.lookup.hits import Found, Hit, hits_of
from catalog.queries.lookup.names import find_external, find_name, find_path, find_short_id, find_uuid

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Answer", "Hit", "find", "find_exactly", "find_many"]

_LONGEST_QUERY = 4096
_TOO_SHORT = "“{text}” has fewer than {least} digits; a hash needs at least {least} to name a file."
_NOTHING = "This is the hash of no bytes at all: programs write it when they failed to read a file, so it names none."
_BY_FRAGMENT = ("path", "former name")
_SHORT_ID_DIGITS = range(LEAST_DIGITS, 32)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was asked, what was found, best first, and a word when the question cannot be answered."""

    query: str
    hits: tuple[Hit, ...]
    note: str = ""


def find(text: str) -> Answer:
    """Everything that `text` may name: ids before digests before paths before names."""
    query = text.strip().replace("\0", "")[:_LONGEST_QUERY]
    if not query:
        return Answer(query, ())
    hits = tuple(_each_model_once(hits_of(_matches(query))))
    return Answer(query, hits, "" if hits else _note(query))


def find_exactly(text: str) -> list[Hit]:
    """What an id, a digest or a path names; fragments of names are left to whoever asks."""
    return hits_of(_exact(text.strip().replace("\0", "")[:_LONGEST_QUERY]))


def find_many(texts: list[str]) -> list[Answer]:
    """An answer for each, in order."""
    return [find(text) for text in texts]


def _each_model_once(hits: list[Hit]) -> Iterator[Hit]:
    """A model that its own name found need not be found by its paths too."""
    named = {hit.model for hit in hits if hit.algorithm == "name"}
    return (hit for hit in hits if hit.algorithm not in _BY_FRAGMENT or hit.model not in named)


def _matches(query: str) -> list[Found]:
    return _exact(query) or find_name(query)


def _exact(query: str) -> list[Found]:
    digest = parse(query)
    found = find_uuid(query) + _by_digits(digest)
    found += find_external(query)
    if "/" in query or "." in query:
        found += find_path(query)
    return found


def _by_digits(digest: Notation | None) -> list[Found]:
    if digest is None or of_nothing(digest.digits):
        return []
    found = find_digest(digest.digits, digest.algorithm)
    if digest.algorithm is None and len(digest.digits) in _SHORT_ID_DIGITS:
        found += find_short_id(digest.digits)
    return found


def _note(query: str) -> str:
    digest = parse(query)
    if digest is not None:
        return _NOTHING if of_nothing(digest.digits) else ""
    if len(query) < LEAST_DIGITS and not set(query.lower()) - set("0123456789abcdef"):
        return _TOO_SHORT.format(text=query, least=LEAST_DIGITS)
    return ""
