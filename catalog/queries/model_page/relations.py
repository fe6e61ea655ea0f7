"""What was found between variants: within one model, and to other models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q

from catalog.models import Match, ModelRecord, Variant
from catalog.vocabulary import Relation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

_MOST = 50
_DECIDABLE = {Relation.SAME_TENSORS.value, Relation.SAME_WEIGHTS.value, Relation.OTHER_PRECISION.value}
_SPOKEN = {
    Relation.QUANTISED: "quantised from",
    Relation.PART_OF: "part of",
    Relation.CONTAINS: "contains",
    Relation.DERIVED: "derived from",
    Relation.SHARES_PARTS: "shares parts with",
}
_TURNED = {
    Relation.QUANTISED: "quantised as",
    Relation.PART_OF: "contains",
    Relation.CONTAINS: "part of",
    Relation.DERIVED: "parent of",
}


@dataclass(frozen=True, slots=True)
class Related:
    """Another model, and what this one is to it. `match` can be decided on where the weights are the same."""

    model: ModelRecord
    relation: str
    certainty: str
    match: int | None


def relations_within(ids: Sequence[UUID], reference: UUID | None) -> Mapping[UUID, tuple[str, str]]:
    """By variant: its relation to the reference and the certainty, as words of the vocabulary."""
    if reference is None:
        return {}
    rows = Match.objects.filter(Q(left=reference, right__in=ids) | Q(right=reference, left__in=ids))
    return {row.right_id if row.left_id == reference else row.left_id: (row.relation, row.certainty) for row in rows}


def related(model: ModelRecord, ids: Sequence[UUID]) -> list[Related]:
    """Other models that a variant of this one is related to; each relation once."""
    rows = Match.objects.filter(Q(left__in=ids) ^ Q(right__in=ids)).exclude(relation=Relation.UNRELATED)
    rows = rows.select_related("left__model", "right__model")[:_MOST]
    return list(dict.fromkeys(_sides(rows, model)))


def _sides(rows: Iterable[Match], model: ModelRecord) -> Iterable[Related]:
    for row in rows:
        ours_is_left = row.left.model_id == model.pk
        other: Variant = row.right if ours_is_left else row.left
        words = _words(row.relation, turned=not ours_is_left)
        yield Related(other.model, words, row.certainty, row.pk if row.relation in _DECIDABLE else None)


def _words(relation: str, *, turned: bool) -> str:
    spoken = {**_SPOKEN, **_TURNED} if turned else _SPOKEN
    return next((words for word, words in spoken.items() if word == relation), Relation.label_of(relation))
