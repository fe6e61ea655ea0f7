"""The first bytes of a file, and what may be said of it from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.formats.base import Json, Source
    from catalog.vocabulary import Format

HEAD = 4096
"""Bytes looked at of every file: a page, which costs no more than the magic number alone."""


@dataclass(frozen=True, slots=True)
class Guess:
    """`format`, and a name for people where the format says too little.

    `no_model` says what the file is instead of a model. `facts` is what the header told on the way. `promised` is the
    size that the header states, 0 where it states none: a shorter file is cut off.
    """

    format: Format
    label: str = ""
    no_model: str = ""
    facts: Mapping[str, Json] = field(default_factory=dict)
    promised: int = 0

    @property
    def title(self) -> str:
        """What people call it."""
        return self.label or self.format.label


@dataclass(frozen=True, slots=True)
class Head:
    """The beginning of a file. `name` is its last part in lower case, `suffix` from the last dot, with the dot."""

    source: Source
    start: bytes
    name: bytes
    suffix: bytes

    @classmethod
    def of(cls, source: Source) -> Head:
        """Reads at most `HEAD` bytes."""
        name = source.name.rpartition(b"/")[2].lower()
        return cls(source, source.read_at(0, min(HEAD, source.size)), name, suffix_of(name))

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return self.source.size

    def first(self, length: int) -> bytes:
        """At most `length` bytes from the beginning."""
        return self.start[:length] if length <= len(self.start) else self.source.read_at(0, min(length, self.size))

    def last(self, length: int) -> bytes:
        """At most `length` bytes from the end."""
        length = min(length, self.size)
        return self.source.read_at(self.size - length, length)

    def u32(self, offset: int = 0) -> int:
        """The little-endian number there; 0 behind the end of what was read."""
        return int.from_bytes(self.start[offset : offset + 4], "little")


def suffix_of(name: bytes) -> bytes:
    """The lower-case suffix with its dot; empty where there is none."""
    stem, dot, suffix = name.rpartition(b"/")[2].rpartition(b".")
    return dot + suffix.lower() if stem else b""
