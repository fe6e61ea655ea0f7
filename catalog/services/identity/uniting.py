"""Several models become one: what moves, what is united, and the record of it. The rows are locked by the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models.functions import Now

from catalog.models import ExternalId, ModelRecord, Variant
from catalog.services.identity.before_image import Change, Image, Table
from catalog.vocabulary import Base, Kind, NameSource

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from catalog.formats.base import Json

_NOTHING = frozenset({"", Kind.UNKNOWN.value, Base.UNKNOWN.value})
_FIELDS = ("version_name", "kind", "base", "licence", "source")
_BETWEEN_NOTES = "\n\n"


def unite(*, models: Sequence[ModelRecord], into: ModelRecord) -> Image:
    """Moves all that the models have into another and makes them its aliases. All of them are locked and live."""
    ids = [model.pk for model in models]
    stayed = Variant.objects.filter(model=into, merged_into=None).order_by("number").values_list("pk", flat=True)
    image = Image(
        stayed=tuple(stayed),
        changes=(
            *_variants(ids, into),
            *_external_ids(ids, into),
            *_aliases(ids, into),
            *(change for model in models for change in _fields(model, into)),
        ),
    )
    into.save()
    return image


def home_again(variants: Sequence[Variant], into: ModelRecord) -> list[Change]:
    """Moves single variants to another model."""
    changes = [
        Change(Table.VARIANT, str(variant.pk), "model", str(variant.model_id), str(into.pk)) for variant in variants
    ]
    Variant.objects.filter(pk__in=[variant.pk for variant in variants]).update(model=into)
    return changes


def _variants(ids: list[UUID], into: ModelRecord) -> list[Change]:
    rows = Variant.objects.filter(model__in=ids, merged_into=None).order_by("number")
    return home_again(list(rows), into)


def _external_ids(ids: list[UUID], into: ModelRecord) -> list[Change]:
    """An id that the target has as well stays where it is: an alias answers with its target anyway."""
    known = set(ExternalId.objects.filter(model=into).values_list("scheme", "value"))
    changes = []
    for row in ExternalId.objects.filter(model__in=ids).order_by("pk"):
        if (row.scheme, row.value) in known:
            continue
        known.add((row.scheme, row.value))
        changes.append(Change(Table.EXTERNAL_ID, str(row.pk), "model", str(row.model_id), str(into.pk)))
    ExternalId.objects.filter(pk__in=[change.row for change in changes]).update(model=into)
    return changes


def _aliases(ids: list[UUID], into: ModelRecord) -> list[Change]:
    """Earlier aliases first, since an alias must never name an alias."""
    earlier = ModelRecord.objects.filter(merged_into__in=ids).order_by("pk").values_list("pk", "merged_into")
    pairs = [*earlier, *((pk, None) for pk in ids)]
    ModelRecord.objects.filter(pk__in=[pk for pk, _ in pairs]).update(merged_into=into, updated_at=Now())
    return [
        Change(Table.MODEL, str(pk), "merged_into", None if target is None else str(target), str(into.pk))
        for pk, target in pairs
    ]


def _fields(model: ModelRecord, into: ModelRecord) -> list[Change]:
    """Tags and trigger words united, notes appended, and of every other field the better word."""
    fresh: dict[str, Json] = {}
    edited: list[Json] = list(into.edited)
    for name in ("name", *_FIELDS):
        if name not in into.edited and (_stronger_name(model, into) if name == "name" else _fuller(name, model, into)):
            fresh[name] = getattr(model, name)
            edited += [name] * (name in model.edited)
    if "name" in fresh:
        fresh["name_source"] = model.name_source
    fresh["tags"] = [*into.tags, *(tag for tag in dict.fromkeys(model.tags) if tag not in into.tags)]
    own = into.trigger_words
    fresh["trigger_words"] = [*own, *(word for word in dict.fromkeys(model.trigger_words) if word not in own)]
    fresh["notes"] = _appended(into.notes, model.notes)
    fresh["edited"] = edited
    changes = [
        Change(Table.MODEL, str(into.pk), name, getattr(into, name), value)
        for name, value in fresh.items()
        if getattr(into, name) != value
    ]
    for change in changes:
        setattr(into, change.field, change.after)
    return changes


def _stronger_name(model: ModelRecord, into: ModelRecord) -> bool:
    return _rank(model) < _rank(into)


def _rank(model: ModelRecord) -> int:
    words = NameSource.values()
    return words.index(model.name_source) if model.name_source in words else len(words)


def _fuller(name: str, model: ModelRecord, into: ModelRecord) -> bool:
    """The other one says something, and we say nothing or nothing that a person set."""
    if getattr(model, name) in _NOTHING:
        return False
    return getattr(into, name) in _NOTHING or name in model.edited


def _appended(notes: str, more: str) -> str:
    if not more.strip() or more in notes:
        return notes
    return f"{notes}{_BETWEEN_NOTES}{more}" if notes.strip() else more
