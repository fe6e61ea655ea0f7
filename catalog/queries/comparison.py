"""A comparison of two variants as a page or a program shows it: both sides, the words, the table in parts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q

from catalog.matching import packing
from catalog.models import Location, Match, TensorIndex, Variant
from catalog.vocabulary import LocationState, TensorVerdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from catalog.matching.base import Evidence, Row

DIFFERING = "differing"
"""Asks for all rows but those of equal tensors; the word stands beside those of `TensorVerdict`."""

_WORST_FIRST = (
    TensorVerdict.DIFFERENT,
    TensorVerdict.NOT_COMPARED,
    TensorVerdict.ONLY_LEFT,
    TensorVerdict.ONLY_RIGHT,
    TensorVerdict.QUANTISED,
    TensorVerdict.ROUNDED,
    TensorVerdict.EQUAL,
)


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two variants: whose it is, where it lies, how many tensors it has."""

    variant: Variant
    place: str
    state: str
    tensors: int | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two variants and what was found between them. `match` is the stored relation, None where there is none yet."""

    left: Side
    right: Side
    evidence: Evidence
    match: int | None = None
    found_at: datetime | None = None
    waits: bool = False

    @property
    def counts(self) -> Mapping[TensorVerdict, int]:
        """How many rows have each verdict, zeros too."""
        found = Counter(row.verdict for row in self.evidence.rows)
        return {verdict: found[verdict] for verdict in TensorVerdict}

    @property
    def differing(self) -> int:
        """Rows of tensors that are not equal."""
        return len(self.evidence.rows) - self.counts[TensorVerdict.EQUAL]

    def rows(self, wanted: str) -> Sequence[Row]:
        """The rows of one verdict, the differing ones, or all; what differs most comes first."""
        if wanted == DIFFERING:
            chosen = [row for row in self.evidence.rows if row.verdict != TensorVerdict.EQUAL]
        else:
            chosen = [row for row in self.evidence.rows if wanted in ("", row.verdict)]
        return sorted(chosen, key=lambda row: _WORST_FIRST.index(row.verdict))


def by_number(match_id: int) -> Match | None:
    """A stored relation; None if there is none of that number."""
    return Match.objects.select_related("left__model", "right__model").filter(pk=match_id).first()


def between(left: UUID, right: UUID) -> Match | None:
    """The stored relation of two variants, in whichever order."""
    rows = Match.objects.select_related("left__model", "right__model")
    return rows.filter(Q(left=left, right=right) | Q(left=right, right=left)).first()


def stored(match: Match) -> Comparison | None:
    """The comparison that a relation keeps; None where it keeps no table that this release can read."""
    if match.packed is None:
        return None
    try:
        evidence = packing.unpack(bytes(match.packed))
    except ValueError:
        return None
    left, right = sides(match.left, match.right)
    return Comparison(left, right, evidence, match.pk, match.found_at, match.compare_due)


def sides(left: Variant, right: Variant) -> tuple[Side, Side]:
    """Both variants with the place where each is found, or was last."""
    ids = [left.pk, right.pk]
    rows = Location.objects.filter(variant__in=ids, library__removed_at=None).order_by("pk")
    places = sorted(rows, key=lambda place: place.state != LocationState.PRESENT)
    tensors = dict(TensorIndex.objects.filter(variant__in=ids).values_list("variant", "tensors"))
    first = {place.variant_id: place for place in reversed(places)}

    def side(variant: Variant) -> Side:
        place = first.get(variant.pk)
        return Side(variant, str(place) if place else "", place.state if place else "", tensors.get(variant.pk))

    return side(left), side(right)
