"""Keeping what a comparison said: one row a pair, replaced by what is surer or newer, never by less.

A pair has one row, its ends in order of their ids; evidence that was found the other way round is turned.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, NamedTuple

from django.db.models import Q
from django.utils import timezone

from catalog.formats.text import clean_text
from catalog.matching import packing
from catalog.matching.flipping import flipped
from catalog.models import Match
from catalog.vocabulary import Certainty, Direction, Doubt, Relation

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from uuid import UUID

    from catalog.formats.base import Json
    from catalog.matching.base import ComponentVerdict, Evidence

_SURER = [certainty.value for certainty in Certainty]
"""Strongest first."""
_SETTLED = frozenset({Certainty.PROVEN.value, Certainty.ALL_VALUES.value})
"""Nothing that is read of kept samples and keys says more than these."""
_NOT_KEPT = frozenset({Relation.UNRELATED, Relation.SHARES_PARTS})
"""Shared parts are found when they are asked for."""
_SAYS_NOTHING = frozenset({Doubt.NO_VALUES, Doubt.NOT_HASHED, Doubt.TOO_SMALL})
_FIELDS = (
    "relation",
    "certainty",
    "algorithm",
    "same_model",
    "direction",
    "detection_limit",
    "evidence",
    "packed",
    "found_at",
    "compare_due",
    "out_of_reach",
    "attempts",
)
_OTHER_WAY = {
    Relation.PART_OF.value: Relation.CONTAINS.value,
    Relation.CONTAINS.value: Relation.PART_OF.value,
    Direction.LEFT_FROM_RIGHT.value: Direction.RIGHT_FROM_LEFT.value,
    Direction.RIGHT_FROM_LEFT.value: Direction.LEFT_FROM_RIGHT.value,
}
"""The same told from the other end; what is not here is the same from both."""
_MOST_NAMED = 32
"""Settings that a summary names; the packed evidence has them all."""


class Found(NamedTuple):
    """What the variant `left` is to `right`, in whatever order the two were compared.

    `due`: have all values compared, where that would settle more.
    """

    left: UUID
    right: UUID
    evidence: Evidence
    due: bool = True

    @property
    def pair(self) -> tuple[UUID, UUID]:
        """The ends."""
        return self.left, self.right

    @property
    def ordered(self) -> Found:
        """The same, with the ends in the order of the table."""
        return self if self.left < self.right else Found(self.right, self.left, flipped(self.evidence), self.due)


def keep(left: UUID, right: UUID, evidence: Evidence, *, compare_due: bool = True) -> Match | None:
    """One relation, in the caller's transaction. The row that counts from now on; None if there is nothing to keep."""
    return next(iter(keep_all([Found(left, right, evidence, compare_due)])), None)


def keep_all(found: Iterable[Found], *, settles: bool = False) -> list[Match]:
    """Many at once: of each pair the row that counts from now on, in order of the pairs.

    The caller holds the variants. `settles`: the files themselves were read, so that nothing but digests says more.
    A pair whose ends are one variant says nothing; a row of what proved to be unrelated is removed, unless the files
    were read: then it is known for good.
    """
    ordered = {one.pair: one for one in (one.ordered for one in found if one.left != one.right)}
    known = _known(ordered)
    kept: dict[tuple[UUID, UUID], Match] = {}
    for pair, one in sorted(ordered.items()):
        row = known.pop(pair, None)
        if row is not None and _weaker(one.evidence, row, settles=settles):
            kept[pair] = row
        elif worth_keeping(one.evidence) or (row is not None and settles):
            kept[pair] = _told(row or Match(left_id=one.left, right_id=one.right), one, settles=settles)
        elif row is not None:
            row.delete()
    _write(kept.values())
    return list(kept.values())


def worth_keeping(evidence: Evidence) -> bool:
    """Does it say anything that is not found again when it is asked for?"""
    return evidence.relation not in _NOT_KEPT and not (
        evidence.relation is Relation.CANNOT_TELL and evidence.doubt in _SAYS_NOTHING
    )


def wants_values(evidence: Evidence) -> bool:
    """Would reading both files settle more?"""
    return evidence.full and evidence.certainty.value not in _SETTLED


def surer(row: Match, than: Match) -> bool:
    """Does one row say what the other says with more certainty?"""
    return _SURER.index(row.certainty) < _SURER.index(than.certainty)


def make_room(row: Match) -> bool:
    """Whether a row that is moved to a pair may be written: a surer one stays, a weaker one goes."""
    there = Match.objects.select_for_update(no_key=True).filter(left=row.left_id, right=row.right_id).first()
    if there is None:
        return True
    if surer(row, there):
        there.delete()
        return True
    return False


def turn(row: Match) -> None:
    """Tells a relation from its other end."""
    row.left_id, row.right_id = row.right_id, row.left_id
    try:
        evidence = flipped(packing.unpack(bytes(row.packed or b"")))
    except ValueError:  # none was packed, or by another version: the relation remains, and can be found anew
        row.relation = _OTHER_WAY.get(row.relation, row.relation)
        row.direction = _OTHER_WAY.get(row.direction, row.direction)
        row.packed = None
        return
    row.relation, row.direction = evidence.relation.value, evidence.direction.value
    row.evidence, row.packed = {**row.evidence, **summary(evidence)}, _packed(evidence)


def _known(pairs: Collection[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], Match]:
    ends = Q(left__in={left for left, _ in pairs}, right__in={right for _, right in pairs})
    rows = Match.objects.select_for_update(no_key=True).filter(ends).order_by("left", "right").defer("packed")
    return {pair: row for row in rows if (pair := (row.left_id, row.right_id)) in pairs}


def _weaker(evidence: Evidence, row: Match, *, settles: bool) -> bool:
    """Than what is kept. Of one certainty the later one counts; keys and samples of another version count no more."""
    if settles:
        return row.certainty == Certainty.PROVEN and evidence.certainty is not Certainty.PROVEN
    if row.certainty not in _SETTLED and row.algorithm != evidence.version:
        return False
    return _SURER.index(evidence.certainty.value) > _SURER.index(row.certainty)


def _told(row: Match, found: Found, *, settles: bool) -> Match:
    """What somebody asked to be read stays asked for until it is read."""
    evidence = found.evidence
    due = not settles and wants_values(evidence) and (found.due or row.compare_due)
    if due and not row.compare_due:
        row.attempts = 0
    row.relation, row.certainty = evidence.relation.value, evidence.certainty.value
    row.same_model, row.direction = evidence.same_model.value, evidence.direction.value
    row.algorithm, row.detection_limit = evidence.version, evidence.detection_limit
    row.evidence, row.packed = summary(evidence), _packed(evidence)
    row.found_at, row.compare_due, row.out_of_reach = timezone.now(), due, False
    return row


def _write(rows: Iterable[Match]) -> None:
    """Those that were told something: a row that is kept as it is has its table left in the database."""
    told = [row for row in rows if "packed" not in row.get_deferred_fields()]
    Match.objects.bulk_create(row for row in told if row.pk is None)
    Match.objects.bulk_update([row for row in told if row.pk is not None], _FIELDS)


def _packed(evidence: Evidence) -> bytes | None:
    try:
        return packing.pack(evidence)
    except ValueError:  # a table without end: the summary remains
        return None


def summary(evidence: Evidence) -> dict[str, Json]:
    """What lists, sentences and the rules of joining need; the table is in the packed evidence."""
    stops = [one.name for one in evidence.settings if one.stops][:_MOST_NAMED]
    told: dict[str, Json] = {
        "proven": evidence.proven,
        "by_key": evidence.by_key,
        "places": evidence.places,
        "values_compared": evidence.values_compared,
        "values_outside": evidence.values_outside,
        "settings": [*map(clean_text, stops)],
        "full": evidence.full,
        "components": [_part(verdict) for verdict in evidence.components],
    }
    if evidence.doubt is not None:
        told["doubt"] = evidence.doubt.value
    return told


def _part(verdict: ComponentVerdict) -> Json:
    return {
        "left": verdict.left,
        "right": verdict.right,
        "relation": verdict.relation.value,
        "distance": verdict.distance if verdict.distance is None or isfinite(verdict.distance) else None,
    }
