"""What a rule is made of: markers that must all be found, and the kind, base or trait that they speak for.

A marker gives back the words of its evidence, or nothing. A rule is as strong as its weakest marker.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from catalog.recognition.base import Sign

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.recognition.facts import Facts
    from catalog.vocabulary import Base, Kind, Trait


class Marker(Protocol):
    """One sign of a family."""

    @property
    def sign(self) -> Sign:
        """What the evidence rests on."""
        ...

    def found(self, facts: Facts) -> str:
        """The evidence for people, "" where the sign is missing."""
        ...


@dataclass(frozen=True, slots=True)
class KindRule:
    """All `markers` together say that a model is of this kind. `sign`, where given, weakens the rule."""

    kind: Kind
    markers: tuple[Marker, ...]
    sign: Sign = Sign.TENSORS

    @property
    def answer(self) -> Kind:
        """What the rule speaks for."""
        return self.kind

    @property
    def strength(self) -> Sign:
        """The weakest of its signs."""
        return weakest(self.sign, self.markers)


@dataclass(frozen=True, slots=True)
class BaseRule:
    """All `markers` together say that a model of one of these `kinds` belongs to this base."""

    base: Base
    kinds: frozenset[Kind]
    markers: tuple[Marker, ...]
    sign: Sign = Sign.TENSORS

    @property
    def answer(self) -> Base:
        """What the rule speaks for."""
        return self.base

    @property
    def strength(self) -> Sign:
        """The weakest of its signs."""
        return weakest(self.sign, self.markers)


@dataclass(frozen=True, slots=True)
class TraitRule:
    """All `markers` together say that a model of one of these `kinds` and `bases` (all, where empty) has this trait."""

    trait: Trait
    markers: tuple[Marker, ...]
    kinds: frozenset[Kind] = frozenset()
    bases: frozenset[Base] = frozenset()

    @property
    def strength(self) -> Sign:
        """The weakest of its signs."""
        return weakest(Sign.TENSORS, self.markers)

    def concerns(self, kind: Kind, base: Base) -> bool:
        """Whether the rule is about such models at all."""
        return (not self.kinds or kind in self.kinds) and (not self.bases or base in self.bases)


@dataclass(frozen=True, slots=True)
class Family:
    """The rules of one family, the surest first."""

    kinds: tuple[KindRule, ...] = ()
    bases: tuple[BaseRule, ...] = ()
    traits: tuple[TraitRule, ...] = ()


SILENT = " "  # a marker that holds and has nothing to show for it


def weakest(sign: Sign, markers: tuple[Marker, ...]) -> Sign:
    """The weakest of a sign and those of the markers."""
    return max([sign, *(marker.sign for marker in markers)])


def evidence(markers: tuple[Marker, ...], facts: Facts) -> str:
    """The evidence of all markers in one sentence; "" unless every one is found."""
    told = []
    for marker in markers:
        words = marker.found(facts)
        if not words:
            return ""
        told.append(words)
    return "; ".join(words for words in told if words != SILENT)


def fits(shape: tuple[int, ...], dims: Mapping[int, int | tuple[int, ...]] | None) -> bool:
    """Whether each axis in `dims` has its length, or one of its lengths."""
    for axis, length in (dims or {}).items():
        if axis >= len(shape):
            return False
        if shape[axis] not in length if isinstance(length, tuple) else shape[axis] != length:
            return False
    return True


def human_shape(shape: tuple[int, ...]) -> str:
    """`320 x 4 x 3 x 3`."""
    return " x ".join(map(str, shape)) or "a single value"
