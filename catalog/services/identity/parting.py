"""Variants leave a model: for the one that they were in before they were joined, else for a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.errors import Refused
from catalog.models import Decision, ExternalId, FormerName, ModelRecord, Variant
from catalog.services.identity import rejections
from catalog.services.identity.before_image import Change, Image, Table
from catalog.services.identity.holding import hold_homes
from catalog.services.identity.undoing import in_force
from catalog.services.identity.uniting import home_again
from catalog.vocabulary import DecisionKind, NameSource

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from uuid import UUID

    from catalog.services.identity.holding import Held


def hold_with_aliases(variants: Collection[Variant]) -> tuple[list[Variant], Held]:
    """The live variants by number; their models and all aliases of these, locked."""
    ids = {variant.merged_into_id or variant.pk for variant in variants}
    homes = Variant.objects.filter(pk__in=ids).values("model")
    return hold_homes(ids, besides=ModelRecord.objects.filter(merged_into__in=homes).values_list("pk", flat=True))


def move_out(variants: Sequence[Variant], old: ModelRecord, held: Held) -> tuple[Image, ModelRecord]:
    """Moves variants out of a model; brings back where they are now. Raises `Refused` if nothing would be left."""
    ids = {variant.pk for variant in variants}
    rest = Variant.objects.filter(model=old, merged_into=None).exclude(pk__in=ids).order_by("number")
    stayed = tuple(rest.values_list("pk", flat=True))
    if not stayed:
        raise Refused("Leave at least one variant in the model: all of them together are the model already.")
    earlier, changes = _earlier(ids, stayed, old, held)
    new = earlier or _born(variants)
    answers = Change(Table.MODEL, str(new.pk), "merged_into", str(old.pk), None)
    return Image((*home_again(variants, new), answers, *changes), stayed), new


def with_its_like(goes: Variant, stays: Variant) -> list[Variant]:
    """The variant, and those of its model that share tensors or weights with it and not with the one that stays."""
    members = {variant.pk: variant for variant in Variant.objects.filter(model=goes.model_id, merged_into=None)}
    held = rejections.handles(members.values())
    own, other = set(held[goes.pk].items()), set(held[stays.pk].items())
    like = own - other
    return [
        variant
        for pk, variant in sorted(members.items(), key=lambda item: item[1].number)
        if pk == goes.pk or (like & held[pk].items() and not other & held[pk].items())
    ]


def _earlier(
    ids: set[UUID], stayed: Collection[UUID], old: ModelRecord, held: Held
) -> tuple[ModelRecord | None, list[Change]]:
    """The model from which all of them, and none of the rest, were joined: its id stands for itself again."""
    joins = Decision.objects.filter(kind__in=(DecisionKind.JOIN, DecisionKind.MERGE), models_touched=old)
    for decision in joins.order_by("-pk"):
        image = Image.read(decision.before)
        for pk, group in image.moved().items():
            model = held.get(pk)
            ours = ids <= set(group) and not set(group) & set(stayed)
            if ours and model is not None and model.merged_into_id == old.pk and in_force(decision):
                model.merged_into = None
                model.save()
                return model, _ids_again(image, model, old)
    return None, []


def _ids_again(image: Image, model: ModelRecord, old: ModelRecord) -> list[Change]:
    """Ids of other programs that came along when it was joined."""
    wanted = [
        change for change in image.changes if change.table is Table.EXTERNAL_ID and change.before == str(model.pk)
    ]
    rows = ExternalId.objects.filter(pk__in=[change.row for change in wanted], model=old)
    there = set(rows.values_list("pk", flat=True))
    rows.update(model=model)
    return [change.reversed() for change in wanted if int(change.row) in there]


def _born(variants: Sequence[Variant]) -> ModelRecord:
    """A new model, named after the file of its first variant."""
    first = variants[0]
    names = FormerName.objects.filter(variant__in=variants).order_by("-last_seen", "pk").values_list("stem", flat=True)
    return ModelRecord.objects.create(
        name=names.first() or first.model.name, name_source=NameSource.FILE, kind=first.kind, base=first.base
    )
