"""What becomes of two models whose variants are related: the table, as data.

Nothing joins by itself that is not proven by digests or confirmed over all values; what is less than that waits for a
person. The site's settings can have a row ask first, and can never have it do more than it says here.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from catalog.models import Preference
from catalog.vocabulary import Certainty, Direction, Obstacle, Relation

if TYPE_CHECKING:
    from catalog.models import Match

NEARLY_ALL = 0.9
"""The share of the values that digests must prove where one side's bytes are gone and only keys speak for the rest."""

_ASK = "ask:"


class Answer(StrEnum):
    """What happens by itself when at most one of the models was touched. With several touched, `JOINED` and
    `IF_GONE` become `PROPOSED`.

    `IF_GONE`: the values of both are compared first; where the bytes of one are gone they join by what is proven.
    """

    JOINED = "joined"
    IF_GONE = "joined if the bytes are gone"
    PROPOSED = "proposed"
    SHOWN = "shown"
    NOTHING = "nothing"


class Made(StrEnum):
    """Which one was rounded."""

    ONE_OF_OTHER = "one is made of the other"
    BOTH_OF_A_THIRD = "both are made of a third"
    EITHER = "either"


class Row(NamedTuple):
    """One row of the table. `obstacle` says why a proposed one is no more than that."""

    name: str
    relations: frozenset[Relation]
    certainties: frozenset[Certainty]
    made: Made
    answer: Answer
    obstacle: Obstacle | None = None

    @property
    def setting(self) -> str:
        """The site's setting by which this row asks first."""
        return f"{_ASK}{self.name}"

    @property
    def joins(self) -> bool:
        """May it join by itself?"""
        return self.answer in {Answer.JOINED, Answer.IF_GONE}


_SURE = frozenset({Certainty.PROVEN, Certainty.ALL_VALUES})
_TOLD = frozenset({*_SURE, Certainty.KEYS, Certainty.SAMPLES})
_ANY = frozenset(Certainty)

TABLE: tuple[Row, ...] = (
    Row("same_tensors", frozenset({Relation.SAME_TENSORS}), frozenset({Certainty.PROVEN}), Made.EITHER, Answer.JOINED),
    Row("same_weights", frozenset({Relation.SAME_WEIGHTS}), _SURE, Made.EITHER, Answer.JOINED),
    Row("other_precision", frozenset({Relation.OTHER_PRECISION}), _SURE, Made.ONE_OF_OTHER, Answer.JOINED),
    Row(
        "keys",
        frozenset({Relation.SAME_TENSORS, Relation.SAME_WEIGHTS}),
        frozenset({Certainty.KEYS}),
        Made.EITHER,
        Answer.IF_GONE,
        Obstacle.KEYS,
    ),
    Row(
        "keys",
        frozenset({Relation.OTHER_PRECISION}),
        frozenset({Certainty.KEYS}),
        Made.ONE_OF_OTHER,
        Answer.IF_GONE,
        Obstacle.KEYS,
    ),
    Row(
        "samples",
        frozenset({Relation.SAME_TENSORS, Relation.SAME_WEIGHTS}),
        frozenset({Certainty.SAMPLES}),
        Made.EITHER,
        Answer.PROPOSED,
        Obstacle.SAMPLES,
    ),
    Row(
        "samples",
        frozenset({Relation.OTHER_PRECISION}),
        frozenset({Certainty.SAMPLES}),
        Made.ONE_OF_OTHER,
        Answer.PROPOSED,
        Obstacle.SAMPLES,
    ),
    Row(
        "siblings",
        frozenset({Relation.OTHER_PRECISION}),
        _TOLD,
        Made.BOTH_OF_A_THIRD,
        Answer.PROPOSED,
        Obstacle.SIBLINGS,
    ),
    Row("quantised", frozenset({Relation.QUANTISED}), _TOLD, Made.EITHER, Answer.PROPOSED, Obstacle.QUANTISED),
    Row(
        "relatives",
        frozenset({Relation.PART_OF, Relation.CONTAINS, Relation.DERIVED, Relation.SHARES_PARTS}),
        _ANY,
        Made.EITHER,
        Answer.SHOWN,
    ),
    Row("doubtful", frozenset({Relation.REARRANGED, Relation.CANNOT_TELL}), _ANY, Made.EITHER, Answer.SHOWN),
    Row(
        "suspected",
        frozenset(
            {Relation.SAME_TENSORS, Relation.SAME_WEIGHTS, Relation.OTHER_PRECISION, Relation.QUANTISED},
        ),
        frozenset({Certainty.SUSPECTED}),
        Made.EITHER,
        Answer.SHOWN,
    ),
    Row("nothing", frozenset({Relation.IDENTICAL, Relation.UNRELATED}), _ANY, Made.EITHER, Answer.NOTHING),
)
"""Identical ones never meet here: they are one variant. Rows above are stronger than those below."""


def row_of(match: Match) -> Row:
    """The row that speaks of a relation. A pair of no row's kind is shown and nothing more."""
    relation, certainty = Relation(match.relation), Certainty(match.certainty)
    told = certainty == Certainty.PROVEN or match.direction != Direction.NONE
    made = Made.ONE_OF_OTHER if told else Made.BOTH_OF_A_THIRD
    for row in TABLE:
        if relation in row.relations and certainty in row.certainties and row.made in {Made.EITHER, made}:
            return row
    return _SHOWN


def strength(row: Row) -> int:
    """0 for the strongest."""
    return TABLE.index(row) if row in TABLE else len(TABLE)


def asking() -> frozenset[str]:
    """The names of the rows that the site's settings have ask first."""
    keys = Preference.objects.filter(key__in={row.setting for row in TABLE if row.joins}, value=True)
    return frozenset(key.removeprefix(_ASK) for key in keys.values_list("key", flat=True))


_SHOWN = Row("shown", frozenset(), frozenset(), Made.EITHER, Answer.SHOWN)
