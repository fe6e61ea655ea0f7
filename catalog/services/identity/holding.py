"""Holding models still while they are decided upon: locked with the live ones behind them, read after that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.models import ModelRecord, Variant

if TYPE_CHECKING:
    from collections.abc import Collection
    from uuid import UUID

    Held = dict[UUID, ModelRecord]


def hold_models(ids: Collection[UUID]) -> Held:
    """The rows with these ids and the live ones behind them, locked in the order of their ids until the end.

    Everybody locks in that order, so two of us never wait for each other.
    """
    held: Held = {}
    wanted = set(ids) | _behind(ids)
    while not wanted <= held.keys():
        rows = ModelRecord.objects.select_for_update(no_key=True).filter(pk__in=wanted).order_by("pk")
        held = {row.pk: row for row in rows}
        wanted = held.keys() | {row.merged_into_id for row in held.values() if row.merged_into_id is not None}
    return held


def live(row_id: UUID, held: Held) -> ModelRecord:
    """The row itself, or the one that it was merged into."""
    row = held[row_id]
    return row if row.merged_into_id is None else held[row.merged_into_id]


def hold_homes(variant_ids: Collection[UUID], besides: Collection[UUID] = ()) -> tuple[list[Variant], Held]:
    """The variants by number, without aliases, and their models, locked: nobody moves them until we are done.

    `besides` are ids of further models to lock with them.
    """
    rows = Variant.objects.filter(pk__in=variant_ids, merged_into=None).order_by("number")
    held: Held = {}
    while True:
        variants = list(rows.all())
        homes = {variant.model_id for variant in variants} | set(besides)
        if homes <= held.keys():
            return variants, held
        held = hold_models(homes | held.keys())


def _behind(ids: Collection[UUID]) -> set[UUID]:
    targets = ModelRecord.objects.filter(pk__in=ids, merged_into__isnull=False)
    return {target for target in targets.values_list("merged_into", flat=True) if target is not None}
