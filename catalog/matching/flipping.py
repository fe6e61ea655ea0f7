"""The same evidence seen from the other side."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from catalog.vocabulary import Direction, Relation, TensorVerdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.matching.base import ComponentVerdict, Difference, Evidence, Row

_RELATIONS: Mapping[Relation, Relation] = {
    Relation.PART_OF: Relation.CONTAINS,
    Relation.CONTAINS: Relation.PART_OF,
}
_DIRECTIONS: Mapping[Direction, Direction] = {
    Direction.NONE: Direction.NONE,
    Direction.LEFT_FROM_RIGHT: Direction.RIGHT_FROM_LEFT,
    Direction.RIGHT_FROM_LEFT: Direction.LEFT_FROM_RIGHT,
}
_VERDICTS: Mapping[TensorVerdict, TensorVerdict] = {
    TensorVerdict.ONLY_LEFT: TensorVerdict.ONLY_RIGHT,
    TensorVerdict.ONLY_RIGHT: TensorVerdict.ONLY_LEFT,
}


def flipped(evidence: Evidence) -> Evidence:
    """What the right one is to the left one; flipped again, it is what it was."""
    return replace(
        evidence,
        relation=_RELATIONS.get(evidence.relation, evidence.relation),
        direction=_DIRECTIONS[evidence.direction],
        settings=tuple(map(_setting, evidence.settings)),
        components=tuple(map(component_flipped, evidence.components)),
    )


def component_flipped(verdict: ComponentVerdict) -> ComponentVerdict:
    """The same of one pair of components."""
    return replace(
        verdict,
        left=verdict.right,
        right=verdict.left,
        relation=_RELATIONS.get(verdict.relation, verdict.relation),
        values=(verdict.values[1], verdict.values[0]),
        share_left=verdict.share_right,
        share_right=verdict.share_left,
        direction=_DIRECTIONS[verdict.direction],
        rows=tuple(map(_row, verdict.rows)),
    )


def _row(row: Row) -> Row:
    return row._replace(
        left=row.right,
        right=row.left,
        left_dtype=row.right_dtype,
        right_dtype=row.left_dtype,
        left_shape=row.right_shape,
        right_shape=row.left_shape,
        verdict=_VERDICTS.get(row.verdict, row.verdict),
    )


def _setting(difference: Difference) -> Difference:
    return difference._replace(left=difference.right, right=difference.left)
