"""The search: a variant beside those that may be its like, whether their files are still there or not.

What is compared is what was kept when the files were read, so a search reads rows alone. It runs after the variant's
content, keys and fingerprints are stored, and sees all that was stored before; of two that are searched for at once
each finds the other, and their relation is one row.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from catalog.errors import MISTAKES, LeaseLost
from catalog.matching import whole
from catalog.models import Location
from catalog.queries import candidates, probes
from catalog.queries.candidates import Rank
from catalog.services import findings
from catalog.services.identity import joining
from catalog.services.identity.holding import hold_homes
from catalog.services.identity.locking import in_one_transaction
from catalog.services.keeping import Heart
from catalog.services.matching import families, leases, reaching, storing
from catalog.services.matching.ends import live
from catalog.services.matching.storing import Found
from catalog.services.matching.subjects import Shelf
from catalog.vocabulary import Certainty, Direction, FindingCode, LocationState, Relation

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from catalog.matching.base import Evidence, Subject
    from catalog.queries.candidates import Asked, Candidate, Met
    from catalog.services.matching.families import Home
    from catalog.services.matching.leases import Search

log = logging.getLogger(__name__)

_NEAREST, _CLOSEST = 24, 12
"""Members of a family that are compared in depth: those with the least outside, and those that lie closest."""
_LITTLE = 0.02
"""A relative with no more of its probe outside may be the very one."""
_MOST_FAMILIES = 4
"""Of so many components of a variant, the largest, the families are looked through."""
_MOST_DISTANT = 8
"""Relations to what is only derived from it, part of it or containing it."""
_MOST_READ = 4
"""Files that are read in full beside one that was searched for."""
_DISTANT = frozenset({Relation.DERIVED, Relation.CONTAINS, Relation.PART_OF})


@dataclass(frozen=True, slots=True)
class SearchReport:
    """How many candidates one search compared in depth, and how many relations it kept."""

    compared: int = 0
    kept: int = 0
    joined: int = 0


class _Seen(NamedTuple):
    """What was computed, with no transaction open."""

    found: Sequence[Found]
    homes: Sequence[Home]
    compared: int


def search(claim: Search, shelf: Shelf | None = None) -> SearchReport:
    """Looks for the like of one variant. Raises `LeaseLost` when somebody else does so by now."""
    shelf = shelf or Shelf()
    with Heart(lambda: leases.beat(claim)):
        seen = _look(claim.variant, shelf)
    return _store(claim, seen)


def ranked(variant: UUID, subject: Subject, asked: Sequence[Asked]) -> tuple[list[Candidate], list[Home]]:
    """Whom to compare with, best first, and the families of the largest components. Nothing is written."""
    found = candidates.find(asked, whole=subject.whole, variant=variant)
    homes = _homes(subject, asked, found.met)
    _add_relatives(found.candidates, homes)
    return candidates.best(found.candidates.values()), homes


def _look(variant: UUID, shelf: Shelf) -> _Seen:
    subject = shelf.get(variant)
    if subject is None or not subject.whole:
        return _Seen((), (), 0)
    best, homes = ranked(variant, subject, candidates.asked_of(variant))
    return _Seen(_compared(variant, subject, best, shelf), homes, len(best))


def _homes(subject: Subject, asked: Sequence[Asked], met: Sequence[Sequence[Met]]) -> list[Home]:
    prints = {print_.name: print_ for print_ in subject.components}
    largest = sorted(zip(asked, met, strict=True), key=lambda one: -one[0].values)[:_MOST_FAMILIES]
    return [
        families.home(one.component, prints[one.name], met) for one, met in largest if one.values and one.name in prints
    ]


def _add_relatives(found: dict[UUID, Candidate], homes: Iterable[Home]) -> None:
    """The members of the families, told apart by their probes."""
    for home in homes:
        near = probes.relatives(home.family, home.packed, besides=home.component, nearest=_NEAREST, closest=_CLOSEST)
        for relative in near:
            candidate = found.setdefault(relative.variant, candidates.Candidate(relative.variant))
            candidate.outside = min(candidate.outside, relative.outside)
            candidate.distance = min(candidate.distance, relative.distance)
            if candidate.outside <= _LITTLE:
                candidate.rank = min(candidate.rank, Rank.NEAREST)


def _compared(variant: UUID, subject: Subject, best: Sequence[Candidate], shelf: Shelf) -> list[Found]:
    found = []
    for candidate in best:
        other = shelf.get(candidate.variant)
        evidence = _evidence(subject, other) if other is not None else None
        if evidence is not None:
            found.append(Found(variant, candidate.variant, evidence))
    return _chosen(found)


def _evidence(left: Subject, right: Subject) -> Evidence | None:
    """A pair that nobody foresaw must not keep a variant from all its other likes."""
    try:
        return whole.compare(left, right)
    except MISTAKES:
        log.exception("%s could not be compared with %s", left.label, right.label)
        return None


def _chosen(found: Sequence[Found]) -> list[Found]:
    """All that may be the same model, and of what is only related the nearest.

    Every value is compared with few of them, those on disk that say most: whoever is the same as one of a model joins
    it, and twenty quantisations of one source need not be read two by two.
    """
    distant = sorted((one for one in found if one.evidence.relation in _DISTANT), key=_distance)
    others = sorted((one for one in found if one.evidence.relation not in _DISTANT), key=_promise)
    wanting = [one.right for one in others if storing.wants_values(one.evidence)]
    there = Location.objects.filter(variant__in=wanting, state=LocationState.PRESENT)
    on_disk = set(there.values_list("variant", flat=True))
    read = sorted(wanting, key=lambda right: right not in on_disk)[:_MOST_READ]
    return [one._replace(due=one.right in read) for one in others] + distant[:_MOST_DISTANT]


def _promise(found: Found) -> tuple[bool, bool, float]:
    """The likeliest first: by keys, then a source before a sibling, then by what the samples would have seen."""
    evidence = found.evidence
    limit = evidence.detection_limit if evidence.detection_limit is not None else float("inf")
    return evidence.certainty is not Certainty.KEYS, evidence.direction is Direction.NONE, limit


def _distance(found: Found) -> tuple[float, float]:
    """Nearest first: by what was measured, then by how much is common."""
    parts = found.evidence.components
    measured = [part.distance for part in parts if part.distance is not None]
    common = max((min(part.share_left, part.share_right) for part in parts), default=0.0)
    return max(measured, default=float("inf")), -common


@in_one_transaction
def _store(claim: Search, seen: _Seen) -> SearchReport:
    """Everything that was found, and the end of the lease. Models are locked first, then variants by number."""
    wanted = {claim.variant, *(one.right for one in seen.found)}
    hold_homes(wanted)
    now = live(wanted)
    if not leases.finish(claim):
        raise LeaseLost("Another worker searches for this one by now; what was found here is dropped.")
    findings.clear(codes=[FindingCode.COMPARISON_FAILED], variant=claim.variant)
    families.keep(seen.homes)
    followed = [
        Found(now[one.left], now[one.right], one.evidence) for one in seen.found if one.left in now and one.right in now
    ]
    matches = storing.keep_all(followed)
    reaching.set_aside([match.pk for match in matches])
    joined = joining.join(matches)
    return SearchReport(compared=seen.compared, kept=len(matches), joined=len(joined))
