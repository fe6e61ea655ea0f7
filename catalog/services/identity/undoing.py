"""Putting back what one decision changed: when that may be done, and how. The models are locked by the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast
from uuid import UUID

from django.db.models.functions import Now

from catalog.errors import Refused
from catalog.models import Decision, ExternalId, ModelRecord, Variant
from catalog.services.identity.before_image import Change, Image, Table
from catalog.services.identity.wording import named
from catalog.vocabulary import DecisionKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from catalog.formats.base import Json
    from catalog.services.identity.holding import Held

_UNDONE = frozenset(
    {DecisionKind.JOIN, DecisionKind.MERGE, DecisionKind.SPLIT, DecisionKind.NOT_SAME, DecisionKind.UNDO}
)
_UNITED = frozenset({"tags", "trigger_words", "notes", "edited"})
"""Fields that several decisions add to: each takes back its own part only."""


def refuse(decision: Decision, image: Image) -> None:
    """Raises `Refused` with the reason if the decision cannot be undone."""
    if decision.kind not in _UNDONE:
        raise Refused(f"A decision of this kind ({DecisionKind.label_of(decision.kind)}) cannot be undone here.")
    undone = Decision.objects.filter(undoes=decision).first()
    if undone is not None:
        raise Refused(f"This was undone already: {named(undone)}.")
    if decision.kind == DecisionKind.NOT_SAME and decision.closed_at is not None:
        raise Refused(
            "This “not the same” was closed already: the two proved to hold the same bytes, or it was undone."
        )
    later = _later(decision, image)
    if later is not None:
        raise Refused(f"A later decision changed the same: {named(later)}. Undo that one first.")
    _refuse_absorbed(image)
    _refuse_moved_on(image)


def put_back(image: Image, held: Held) -> list[Change]:
    """Reverses the changes, the last first. Brings back what was really changed, to be reversed in its turn."""
    wanted = [change.reversed() for change in reversed(image.changes)]
    done = [
        *_variants(change for change in wanted if change.table is Table.VARIANT),
        *_external_ids(change for change in wanted if change.table is Table.EXTERNAL_ID),
        *_aliases((change for change in wanted if change.place[::2] == (Table.MODEL, "merged_into")), held),
        *_rejections(change for change in wanted if change.table is Table.REJECTION),
    ]
    for change in wanted:
        if change.table is Table.MODEL and change.field != "merged_into":
            done += _field(held[UUID(change.row)], change)
    for pk in {change.row for change in done if change.table is Table.MODEL}:
        held[UUID(pk)].save()
    return done


def _later(decision: Decision, image: Image) -> Decision | None:
    """The first later decision in force that changed the same, receiving other variants aside."""
    places = {change.place for change in image.changes if change.field not in _UNITED}
    places |= {(Table.MODEL, pk, "merged_into") for pk in _homes(image)}
    rows = Decision.objects.filter(pk__gt=decision.pk, models_touched__in=decision.models_touched.all()).exclude(
        kind=DecisionKind.UNDO
    )
    for row in rows.select_related("actor").distinct().order_by("pk"):
        same = places & {change.place for change in Image.read(row.before).changes}
        if same and in_force(row):
            return row
    return None


def _homes(image: Image) -> set[str]:
    """The models to which something goes back, but for those that come to life again with it."""
    alive = {change.row for change in image.changes if change.field == "merged_into" and change.before is None}
    back = {str(change.before) for change in image.changes if change.field in {"model", "merged_into"}}
    return back - alive - {str(None)}


def in_force(decision: Decision) -> bool:
    """Not undone, or the undoing was undone."""
    undone = Decision.objects.filter(undoes=decision).first()
    return undone is None or not in_force(undone)


def _refuse_absorbed(image: Image) -> None:
    ids = [change.row for change in image.changes if change.table is Table.VARIANT]
    gone = Variant.objects.filter(pk__in=ids, merged_into__isnull=False).order_by("number").first()
    if gone is not None:
        raise Refused(
            f"Variant {gone.short_id} proved since then to hold the same bytes as another and became one with it, so "
            "it cannot be moved back. Split what you want apart instead."
        )


def _refuse_moved_on(image: Image) -> None:
    """What moved since without a decision, because files proved to be the same, is not torn out of there."""
    variants = {UUID(change.row): change for change in image.changes if change.table is Table.VARIANT}
    aliases = {
        UUID(change.row): change
        for change in image.changes
        if change.table is Table.MODEL and change.field == "merged_into"
    }
    now: dict[UUID, UUID | None] = dict(Variant.objects.filter(pk__in=variants).values_list("pk", "model"))
    now |= dict(ModelRecord.objects.filter(pk__in=aliases).values_list("pk", "merged_into"))
    moved = [pk for pk, one in (variants | aliases).items() if (str(now[pk]) if now[pk] else None) != one.after]
    if moved or ModelRecord.objects.filter(pk__in=_homes(image), merged_into__isnull=False).exists():
        raise Refused("Since then files of these models proved to be the same, which changed where they belong.")


def _variants(changes: Iterable[Change]) -> list[Change]:
    done = list(changes)
    for target, rows in _by_target(done).items():
        Variant.objects.filter(pk__in=rows).update(model=target)
    return done


def _external_ids(changes: Iterable[Change]) -> list[Change]:
    """Those that are still there, and that the model has not got again meanwhile."""
    done = []
    for change in changes:
        row = ExternalId.objects.filter(pk=change.row, model=UUID(str(change.before))).first()
        if row is None:
            continue
        taken = ExternalId.objects.filter(scheme=row.scheme, value=row.value, model=UUID(str(change.after)))
        if not taken.exists():
            ExternalId.objects.filter(pk=row.pk).update(model=UUID(str(change.after)))
            done.append(change)
    return done


def _aliases(changes: Iterable[Change], held: Held) -> list[Change]:
    """A model that received something else meanwhile stays what it is, rather than become an alias."""
    done = []
    for change in changes:
        model = held[UUID(change.row)]
        if change.after is None:
            model.merged_into = None
        elif model.variants.filter(merged_into=None).exists() or model.aliases.exists():
            continue
        else:
            model.merged_into = held[UUID(str(change.after))]
        done.append(change)
    return done


def _rejections(changes: Iterable[Change]) -> list[Change]:
    done = list(changes)
    for change in done:
        Decision.objects.filter(pk=change.row).update(closed_at=None if change.after else Now())
    return done


def _field(model: ModelRecord, change: Change) -> list[Change]:
    """The part of a field that is still as the decision left it."""
    now: Json = getattr(model, change.field)
    if change.field == "notes":
        fresh: Json = _without(str(now), change)
    elif change.field in _UNITED:
        fresh = _difference(cast("list[Json]", now), change)
    else:
        fresh = change.after if now == change.before else now
    if fresh == now:
        return []
    setattr(model, change.field, fresh)
    return [change._replace(before=now, after=fresh)]


def _difference(now: list[Json], change: Change) -> list[Json]:
    before, after = cast("list[Json]", change.before), cast("list[Json]", change.after)
    kept = [word for word in now if word in after or word not in before]
    return [*kept, *(word for word in after if word not in before and word not in kept)]


def _without(now: str, change: Change) -> str:
    """The notes without what was appended, or with what was taken from them."""
    before, after = str(change.before), str(change.after)
    if before.startswith(after):
        return now.replace(before[len(after) :], "", 1) if before[len(after) :] in now else now
    return now + after[len(before) :] if after.startswith(before) else now


def _by_target(changes: Iterable[Change]) -> dict[UUID, list[str]]:
    groups: dict[UUID, list[str]] = {}
    for change in changes:
        groups.setdefault(UUID(str(change.after)), []).append(change.row)
    return groups
