"""What becomes of the model of an absorbed variant: with nothing left in it, and untouched, it follows.

Otherwise both models stay, and whoever named, tagged or noted something decides whether they are one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection

from catalog.models import ExternalId, ModelRecord, Variant
from catalog.services import findings
from catalog.services.findings import Raised
from catalog.vocabulary import FindingCode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

_ALIASES = """
UPDATE catalog_modelrecord alias SET merged_into_id = pair.new
FROM unnest(%(old)s::uuid[], %(new)s::uuid[]) pair(old, new)
WHERE alias.id = pair.old OR alias.merged_into_id = pair.old
"""

_EXTERNAL = """
INSERT INTO catalog_externalid (scheme, value, model_id)
SELECT DISTINCT mine.scheme, mine.value, pair.new
FROM unnest(%(old)s::uuid[], %(new)s::uuid[]) pair(old, new) JOIN catalog_externalid mine ON mine.model_id = pair.old
ORDER BY mine.scheme, mine.value, pair.new
ON CONFLICT DO NOTHING
"""

_DECISIONS = """
INSERT INTO catalog_decision_models_touched (decision_id, modelrecord_id)
SELECT DISTINCT mine.decision_id, pair.new
FROM unnest(%(old)s::uuid[], %(new)s::uuid[]) pair(old, new)
JOIN catalog_decision_models_touched mine ON mine.modelrecord_id = pair.old
ORDER BY mine.decision_id, pair.new
ON CONFLICT DO NOTHING
"""


def follow(*, left: Sequence[tuple[Variant, UUID]]) -> None:
    """Of each absorbed variant: its survivor, and the model that it was in; the variant has left that by now."""
    target = {model: survivor.model_id for survivor, model in left if model != survivor.model_id}
    if not target:
        return
    rows = _locked({*target, *target.values()})
    live = {pk for pk in target if rows[pk].merged_into_id is None}
    empty = live - set(Variant.objects.filter(model__in=live, merged_into=None).values_list("model", flat=True))
    for pk in sorted(empty):
        _unite_words(rows[target[pk]], rows[pk])
    followers = {pk: target[pk] for pk in sorted(empty) if not rows[pk].touched}
    _merge(followers)
    _propose([(survivor, rows[model]) for survivor, model in left if model in live and model not in followers])


def _locked(ids: set[UUID]) -> dict[UUID, ModelRecord]:
    found = ModelRecord.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
    return {row.pk: row for row in found}


def _unite_words(kept: ModelRecord, left: ModelRecord) -> None:
    """Tags once each, notes one below the other: nothing that a person wrote is lost."""
    tags = [*kept.tags, *(tag for tag in left.tags if tag not in kept.tags)]
    notes = left.notes and left.notes not in kept.notes
    if tags == kept.tags and not notes:
        return
    kept.tags = tags
    kept.notes = "\n\n".join(filter(None, (kept.notes, left.notes))) if notes else kept.notes
    kept.touched = kept.touched or left.touched
    kept.save(update_fields=["tags", "notes", "touched", "updated_at"])


def _merge(followers: Mapping[UUID, UUID]) -> None:
    """The models, with their aliases, become aliases of others."""
    if not followers:
        return
    pairs = {"old": list(followers), "new": list(followers.values())}
    with connection.cursor() as cursor:
        for statement in (_EXTERNAL, _DECISIONS, _ALIASES):
            cursor.execute(statement, pairs)
    ExternalId.objects.filter(model__in=followers).delete()


def _propose(stay: Sequence[tuple[Variant, ModelRecord]]) -> None:
    findings.raise_all(
        found=[
            Raised(FindingCode.MODELS_SHARE_A_FILE, {"other": str(model)}, variant_id=survivor.pk)
            for survivor, model in stay
            if model.pk != survivor.model_id
        ]
    )
