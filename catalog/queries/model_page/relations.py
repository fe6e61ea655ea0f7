"""What was found between variants: within one model, and to other models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q

from catalog.models import Match, ModelRecord, Variant
from catalog.vocabulary import Certainty, Direction, Obstacle, Relation

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

_MOST = 50
_DECIDABLE = {
    Relation.SAME_TENSORS.value,
    Relation.SAME_WEIGHTS.value,
    Relation.OTHER_PRECISION.value,
    Relation.QUANTISED.value,
}
_SPOKEN = {
    Relation.PART_OF: "part of",
    Relation.CONTAINS: "contains",
    Relation.DERIVED: "relative of: a fine-tune or a merge",
    Relation.SHARES_PARTS: "shares parts with",
    Relation.REARRANGED: "holds the same tensors in other places as",
    Relation.CANNOT_TELL: "close to",
}
_TURNED = {Relation.PART_OF: "contains", Relation.CONTAINS: "part of"}
_MADE = {
    Relation.QUANTISED: ("quantised from", "quantised as", "quantised like"),
    Relation.OTHER_PRECISION: ("rounded from", "rounded as", "same weights, other precision than"),
}
"""Made of the other, the other made of it, and where that cannot be told."""


@dataclass(frozen=True, slots=True)
class Related:
    """Another model, and what this one is to it: a relation between two of their variants, its number `match`.

    `decidable`: a person can say that they are one model, or not. `obstacle`: why they were not joined by themselves.
    """

    model: ModelRecord
    relation: str
    certainty: str
    match: int
    decidable: bool
    obstacle: str
    waits: bool


@dataclass(frozen=True, slots=True)
class Within:
    """What a variant is to the reference of its model. `match` is the number of the relation, None without one."""

    relation: str = ""
    certainty: str = ""
    match: int | None = None


def relations_within(ids: Sequence[UUID], reference: UUID | None) -> Mapping[UUID, Within]:
    """By variant: its relation to the reference."""
    if reference is None:
        return {}
    rows = Match.objects.filter(Q(left=reference, right__in=ids) | Q(right=reference, left__in=ids)).defer("packed")
    return {
        row.right_id if row.left_id == reference else row.left_id: Within(row.relation, row.certainty, row.pk)
        for row in rows
    }


def related(model: ModelRecord, ids: Sequence[UUID]) -> list[Related]:
    """Other models that a variant of this one is related to; of each the surest relation, the closest first."""
    rows = Match.objects.filter(Q(left__in=ids) ^ Q(right__in=ids)).exclude(relation=Relation.UNRELATED)
    rows = rows.defer("packed").select_related("left__model", "right__model").order_by("pk")[:_MOST]
    found: dict[UUID, Related] = {}
    for one in _sides(sorted(rows, key=_closeness), model):
        found.setdefault(one.model.pk, one)
    return list(found.values())


def _closeness(row: Match) -> tuple[bool, int, int]:
    """What a surer relation between the same two models speaks against comes last."""
    relations, certainties = Relation.values(), Certainty.values()
    return (
        row.evidence.get("obstacle") == Obstacle.CHAIN,
        relations.index(row.relation) if row.relation in relations else len(relations),
        certainties.index(row.certainty) if row.certainty in certainties else len(certainties),
    )


def _sides(rows: Iterable[Match], model: ModelRecord) -> Iterable[Related]:
    for row in rows:
        turned = row.left.model_id != model.pk
        other: Variant = row.left if turned else row.right
        obstacle = row.evidence.get("obstacle", "")
        yield Related(
            model=other.model,
            relation=_words(row, turned=turned),
            certainty=row.certainty,
            match=row.pk,
            decidable=row.relation in _DECIDABLE,
            obstacle=Obstacle.label_of(obstacle) if obstacle else "",
            waits=row.compare_due,
        )


def _words(row: Match, *, turned: bool) -> str:
    if row.relation in _MADE:
        ours, theirs = Direction.LEFT_FROM_RIGHT, Direction.RIGHT_FROM_LEFT
        of_other, by_other, unknown = _MADE[Relation(row.relation)]
        word = {ours: of_other, theirs: by_other}.get(_turn(row.direction, turned=turned))
        return word or unknown
    spoken = {**_SPOKEN, **_TURNED} if turned else _SPOKEN
    return next((words for word, words in spoken.items() if word == row.relation), Relation.label_of(row.relation))


def _turn(direction: str, *, turned: bool) -> Direction:
    """The direction as it is for the model whose page it is."""
    pair = [Direction.LEFT_FROM_RIGHT, Direction.RIGHT_FROM_LEFT]
    known = next((word for word in pair if word == direction), Direction.NONE)
    return pair[1 - pair.index(known)] if turned and known in pair else known
