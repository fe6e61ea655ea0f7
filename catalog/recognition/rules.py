"""What a rule is made of: markers that must all be found, and the kind or the base that they speak for.

A marker gives back the words of its evidence, or nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.recognition.facts import Facts
    from catalog.vocabulary import Base, Kind


class Marker(Protocol):
    """One sign of a family."""

    def found(self, facts: Facts) -> str:
        """The evidence for people, "" where the sign is missing."""
        ...


@dataclass(frozen=True, slots=True)
class KindRule:
    """All `markers` together say that a model is of this kind."""

    kind: Kind
    markers: tuple[Marker, ...]


@dataclass(frozen=True, slots=True)
class BaseRule:
    """All `markers` together say that a model of one of these `kinds` belongs to this base."""

    base: Base
    kinds: frozenset[Kind]
    markers: tuple[Marker, ...]


@dataclass(frozen=True, slots=True)
class Family:
    """The rules of one family, the surest first."""

    kinds: tuple[KindRule, ...] = ()
    bases: tuple[BaseRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Has:
    """A tensor called `name`, below a prefix of `under`; `dims` maps an axis to its length, `ndim` counts axes."""

    name: str
    under: tuple[str, ...] = ("",)
    dims: Mapping[int, int] | None = None
    ndim: int | None = None

    def found(self, facts: Facts) -> str:
        for prefix in self.under:
            tensor = facts.tensors.get(prefix + self.name)
            if tensor is None or (self.ndim is not None and len(tensor.shape) != self.ndim):
                continue
            if _fits(tensor.shape, self.dims):
                return f"{tensor.name} is {_shape(tensor.shape)}" if self.dims or self.ndim else f"has {tensor.name}"
        return ""


@dataclass(frozen=True, slots=True)
class Like:
    """The first tensor whose whole name matches `pattern`; `dims` as in `Has`."""

    pattern: str
    dims: Mapping[int, int] | None = None

    def found(self, facts: Facts) -> str:
        match = re.search(f"^{self.pattern}$", facts.names, re.MULTILINE)
        tensor = facts.tensors.get(match[0]) if match else None  # a name may hold a line's end
        if tensor is None or not _fits(tensor.shape, self.dims):
            return ""
        return f"{tensor.name} is {_shape(tensor.shape)}"


@dataclass(frozen=True, slots=True)
class Begins:
    """A tensor whose name begins with one of `texts`."""

    texts: tuple[str, ...]

    def found(self, facts: Facts) -> str:
        return next((f"has {text}…" for text in self.texts if f"\n{text}" in facts.names), "")


@dataclass(frozen=True, slots=True)
class Ends:
    """A tensor whose name ends with one of `texts`."""

    texts: tuple[str, ...]

    def found(self, facts: Facts) -> str:
        return next((f"has …{text}" for text in self.texts if f"{text}\n" in facts.names), "")


@dataclass(frozen=True, slots=True)
class Holds:
    """A tensor whose name holds one of `texts`."""

    texts: tuple[str, ...]

    def found(self, facts: Facts) -> str:
        return next((f"has …{text}…" for text in self.texts if text in facts.names), "")


@dataclass(frozen=True, slots=True)
class Few:
    """Not more than `most` tensors, but some."""

    most: int

    def found(self, facts: Facts) -> str:
        count = len(facts.probe.tensors)
        return f"has {count} tensors only" if 0 < count <= self.most else ""


@dataclass(frozen=True, slots=True)
class Says:
    """The header or a configuration states at `path` (see `Facts.says`) a text that begins with one of `words`."""

    path: str
    words: tuple[str, ...]

    def found(self, facts: Facts) -> str:
        stated = facts.says(self.path)
        values = [value for value in (stated if isinstance(stated, list) else [stated]) if isinstance(value, str)]
        told = next((value for value in values if value.lower().startswith(self.words)), None)
        if told is None:
            return ""
        file, _, key = self.path.rpartition(":")
        return f"{file or 'the header'} states {key} {told[:80]}"


@dataclass(frozen=True, slots=True)
class Configured:
    """The set holds a configuration called `path`."""

    path: str

    def found(self, facts: Facts) -> str:
        return f"has {self.path}" if facts.config(self.path) else ""


@dataclass(frozen=True, slots=True)
class No:
    """The sign is missing; speaks only together with others."""

    marker: Marker

    def found(self, facts: Facts) -> str:
        return "" if self.marker.found(facts) else _SILENT


@dataclass(frozen=True, slots=True)
class Either:
    """At least one of the signs."""

    markers: tuple[Marker, ...]

    def found(self, facts: Facts) -> str:
        return next((found for marker in self.markers if (found := marker.found(facts))), "")


_SILENT = " "  # a marker that holds and has nothing to show for it


def evidence(markers: tuple[Marker, ...], facts: Facts) -> str:
    """The evidence of all markers in one sentence; "" unless every one is found."""
    told = []
    for marker in markers:
        words = marker.found(facts)
        if not words:
            return ""
        told.append(words)
    return "; ".join(words for words in told if words != _SILENT)


def _fits(shape: tuple[int, ...], dims: Mapping[int, int] | None) -> bool:
    return all(axis < len(shape) and shape[axis] == length for axis, length in (dims or {}).items())


def _shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "a single value"
