"""What there is to say of two variants: what is stored, else what their fingerprints say at this moment."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from catalog.matching.flipping import flipped
from catalog.matching.whole import compare
from catalog.models import Variant
from catalog.queries.comparison import Comparison, between, sides, stored
from catalog.services.matching import subjects

if TYPE_CHECKING:
    from uuid import UUID


def comparison(left: UUID, right: UUID) -> Comparison | None:
    """Of any two variants, the first one on the left; an alias stands for what it became. Nothing is written.

    None when an id is not known, or both are one.
    """
    rows = Variant.objects.select_related("model", "merged_into__model").filter(pk__in=[left, right])
    live = {row.pk: row.merged_into or row for row in rows}
    if left not in live or right not in live or live[left].pk == live[right].pk:
        return None
    return _of(live[left], live[right])


def _of(left: Variant, right: Variant) -> Comparison:
    match = between(left.pk, right.pk)
    kept = stored(match) if match is not None else None
    if kept is None:
        known = subjects.load([left.pk, right.pk])
        return Comparison(*sides(left, right), compare(known[left.pk], known[right.pk]))
    return kept if kept.left.variant.pk == left.pk else turned(kept)


def turned(found: Comparison) -> Comparison:
    """The same seen from the other side."""
    return replace(found, left=found.right, right=found.left, evidence=flipped(found.evidence))
