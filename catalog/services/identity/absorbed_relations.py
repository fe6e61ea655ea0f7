"""What was found, noted and decided about an absorbed variant goes to its survivor."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now

from catalog.models import Decision, Match, Preview, Variant
from catalog.services import findings
from catalog.services.findings import Raised
from catalog.services.matching import storing
from catalog.vocabulary import Basis, DecisionKind, FindingCode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_CLOSE_REPEATED = """
WITH pair AS (SELECT * FROM unnest(%(losers)s::uuid[], %(survivors)s::uuid[]) pair(loser, survivor)),
open AS (
  SELECT f.id, row_number() OVER (
    PARTITION BY f.code, f.library_id, f.location_id, f.place, coalesce(pair.survivor, f.variant_id)
    ORDER BY pair.loser IS NOT NULL, f.first_seen, f.id) AS turn
  FROM catalog_finding f LEFT JOIN pair ON pair.loser = f.variant_id
  WHERE f.cleared_at IS NULL AND (f.variant_id = ANY(%(losers)s) OR f.variant_id = ANY(%(survivors)s))
)
UPDATE catalog_finding SET cleared_at = now() FROM open WHERE open.id = catalog_finding.id AND open.turn > 1
"""

_MOVE_FINDINGS = """
UPDATE catalog_finding moved SET variant_id = pair.survivor
FROM unnest(%(losers)s::uuid[], %(survivors)s::uuid[]) pair(loser, survivor) WHERE moved.variant_id = pair.loser
"""


def move(*, pairs: Sequence[tuple[Variant, Variant]]) -> None:
    """Findings, the preview, relations and "not the same" of each loser of (survivor, loser)."""
    _move_findings(pairs)
    _move_previews(pairs)
    target = {loser.pk: survivor.pk for survivor, loser in pairs}
    _move_matches(target)
    _move_searches(target)
    _move_rejections(target)


def _move_findings(pairs: Sequence[tuple[Variant, Variant]]) -> None:
    """Of two open ones that would be the same, the older stays."""
    both = {"survivors": [pair[0].pk for pair in pairs], "losers": [pair[1].pk for pair in pairs]}
    with connection.cursor() as cursor:
        cursor.execute(_CLOSE_REPEATED, both)
        cursor.execute(_MOVE_FINDINGS, both)


def _move_previews(pairs: Sequence[tuple[Variant, Variant]]) -> None:
    """To a survivor that has none, the first one."""
    losers = [loser.pk for _, loser in pairs]
    theirs = set(Preview.objects.filter(variant__in=losers).values_list("variant", flat=True))
    if not theirs:
        return
    there = set(Preview.objects.filter(variant__in=[pair[0].pk for pair in pairs]).values_list("variant", flat=True))
    for survivor, loser in pairs:
        if loser.pk in theirs and survivor.pk not in there:
            Preview.objects.filter(variant=loser.pk).update(variant=survivor.pk)
            there.add(survivor.pk)
    Preview.objects.filter(variant__in=losers).delete()


def _move_matches(target: Mapping[UUID, UUID]) -> None:
    """A relation whose ends became one says nothing any more; of two about one pair the surer one stays."""
    about = Q(left__in=target) | Q(right__in=target)
    old = list(Match.objects.select_for_update(no_key=True).filter(about).order_by("left", "right"))
    if not old:
        return
    Match.objects.filter(pk__in=[match.pk for match in old]).delete()
    moved = _repointed(old, target)
    Match.objects.bulk_create([match for match in moved if storing.make_room(match)])


def _repointed(old: Sequence[Match], target: Mapping[UUID, UUID]) -> list[Match]:
    moved: dict[tuple[UUID, UUID], Match] = {}
    for match in old:
        left, right = target.get(match.left_id, match.left_id), target.get(match.right_id, match.right_id)
        if left == right:
            continue
        match.pk = match.lease = match.leased_until = None
        match.left_id, match.right_id = left, right
        if right < left:
            storing.turn(match)
        known = moved.setdefault((match.left_id, match.right_id), match)
        if storing.surer(match, known):
            moved[match.left_id, match.right_id] = match
    return [moved[ends] for ends in sorted(moved)]


def _move_searches(target: Mapping[UUID, UUID]) -> None:
    """Whoever waits to be compared waits as its survivor."""
    waiting = Variant.objects.filter(pk__in=target, search_due=True)
    due = {target[pk] for pk in waiting.values_list("pk", flat=True)}
    if due:
        Variant.objects.filter(pk__in=due).update(search_due=True, search_lease=None)
        waiting.update(search_due=False, search_lease=None, search_until=None)


def _move_rejections(target: Mapping[UUID, UUID]) -> None:
    """Those that name the loser bind its survivor from now on; one between the two is closed, with a finding."""
    names = [loser.bytes for loser in target]
    standing = Decision.objects.filter(
        Q(left__in=names) | Q(right__in=names), kind=DecisionKind.NOT_SAME, basis=Basis.VARIANT, closed_at=None
    )
    for decision in standing.select_for_update().order_by("pk"):
        ends = [_live(bytes(end), target) for end in (decision.left or b"", decision.right or b"")]
        decision.left, decision.right = min(ends), max(ends)
        if decision.left == decision.right:
            decision.closed_at = Now()
            survivor = UUID(bytes=decision.left)
            findings.raise_all(found=[Raised(FindingCode.REJECTION_CLOSED, variant_id=survivor)])
        decision.save(update_fields=["left", "right", "closed_at"])


def _live(end: bytes, target: Mapping[UUID, UUID]) -> bytes:
    name = UUID(bytes=end)
    return target.get(name, name).bytes
