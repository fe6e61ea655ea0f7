"""What becomes of the model of an absorbed variant: with nothing left in it, and untouched, it follows.

Otherwise both models stay, and whoever named, tagged or noted something decides whether they are one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection

from catalog.models import ExternalId, ModelRecord, Variant
from catalog.services import findings
from catalog.services.findings import Raised
from catalog.services.identity.naming import RANK
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
    """Tags once each, notes one below the other: nothing that a person wrote is lost.

    Of a model that nobody touched, the name goes along when it is the stronger one, and whatever is missing here.
    """
    fresh: dict[str, object] = {
        "tags": [*kept.tags, *(tag for tag in left.tags if tag not in kept.tags)],
        "trigger_words": [
            *kept.trigger_words,
            *(word for word in left.trigger_words if word not in kept.trigger_words),
        ],
    }
    if left.notes and left.notes not in kept.notes:
        fresh["notes"] = "\n\n".join(filter(None, (kept.notes, left.notes)))
    if not left.touched:
        fresh |= _better(kept, left)
    fresh = {name: value for name, value in fresh.items() if getattr(kept, name) != value}
    if not fresh:
        return
    if "tags" in fresh or "notes" in fresh:
        fresh["touched"] = kept.touched or left.touched
    for name, value in fresh.items():
        setattr(kept, name, value)
    kept.save(update_fields=[*fresh, "updated_at"])


def _better(kept: ModelRecord, left: ModelRecord) -> dict[str, object]:
    """What another program said of the model that goes, and nothing stronger of the one that stays."""
    found: dict[str, object] = {
        name: getattr(left, name)
        for name in ("version_name", "licence", "source")
        if name not in kept.edited and getattr(left, name) and not getattr(kept, name)
    }
    if "name" not in kept.edited and RANK.get(left.name_source, len(RANK)) < RANK.get(kept.name_source, len(RANK)):
        found |= {"name": left.name, "name_source": left.name_source}
    return found


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
