"""What the programs that keep a place's files say of it, as one value: names, ids, listed hashes, source, words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from catalog.formats.text import clean_text

if TYPE_CHECKING:
    from catalog.vocabulary import ClaimSource, NameSource


LONGEST = 500


def one_line(text: str) -> str:
    """Text of another program as it may stand in a column: no breaks, nothing that the database refuses, cut."""
    return " ".join(clean_text(text, LONGEST).split())


class Name(NamedTuple):
    """A name, and who says it."""

    text: str
    source: NameSource


class Listed(NamedTuple):
    """A digest that somebody states. `file` is the number of the `LocationFile` that is meant of a set."""

    algorithm: str
    digest: bytes
    source: ClaimSource
    file: int | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """Said of one place. All of it is clean: one line, no NUL, short enough for its column.

    `ids` are (scheme, value) of `ExternalId`. `version` is a name of the version, "" where there is none to tell;
    `words` are those that trigger a LoRA.
    """

    name: Name | None = None
    version: str = ""
    ids: tuple[tuple[str, str], ...] = ()
    claims: tuple[Listed, ...] = ()
    source: str = ""
    licence: str = ""
    words: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()

    def besides(self, other: Known) -> Known:
        """Both; where only one can be, this one."""
        return Known(
            self.name or other.name,
            self.version or other.version,
            tuple(dict.fromkeys((*self.ids, *other.ids))),
            (*self.claims, *other.claims),
            self.source or other.source,
            self.licence or other.licence,
            self.words or other.words,
            self.tags or other.tags,
        )


NOTHING = Known()
