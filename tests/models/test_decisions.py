"""The rules of relations and decisions that the database keeps by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User
from django.db.models import ProtectedError

from catalog.models import Decision, Match
from catalog.vocabulary import Basis, Certainty, DecisionKind, Relation
from tests import rows

if TYPE_CHECKING:
    from catalog.models import Variant
    from tests.models.conftest import Refused

pytestmark = pytest.mark.django_db


def _pair() -> tuple[Variant, Variant]:
    one, two = sorted((rows.variant("one"), rows.variant("two")), key=lambda variant: variant.pk)
    return one, two


def _match(left: Variant, right: Variant, **fields: str) -> Match:
    known = {"relation": Relation.SAME_TENSORS, "certainty": Certainty.PROVEN, "algorithm": "tensors:v1"}
    return Match.objects.create(left=left, right=right, **known | fields)


def _decision(**fields: object) -> Decision:
    return Decision.objects.create(**{"kind": DecisionKind.JOIN, "rule": "same_tensors"} | fields)


def test_a_pair_has_one_relation(refused: Refused) -> None:
    one, two = _pair()
    _match(one, two)
    with refused("match_once_per_pair"):
        _match(one, two, relation=Relation.DERIVED)


def test_a_pair_is_kept_in_one_order(refused: Refused) -> None:
    one, two = _pair()
    with refused("match_ends_in_order"):
        _match(two, one)
    with refused("match_ends_in_order"):
        _match(one, one)


def test_relations_and_certainties_are_those_of_the_vocabulary(refused: Refused) -> None:
    one, two = _pair()
    with refused("match_relation_is_known"):
        _match(one, two, relation="cousin")
    with refused("match_certainty_is_known"):
        _match(one, two, certainty="hunch")


def test_a_decision_has_an_author_or_a_rule(refused: Refused) -> None:
    with refused("decision_has_an_author"):
        _decision(rule="")
    _decision(rule="", actor=User.objects.create(username="ada"))


def test_kinds_and_bases_are_those_of_the_vocabulary(refused: Refused) -> None:
    with refused("decision_kind_is_known"):
        _decision(kind="whim")
    with refused("decision_basis_is_known"):
        _decision(basis="feeling", left=b"l", right=b"r")


@pytest.mark.parametrize(
    "fields", [{"basis": Basis.CONTENT}, {"left": b"l"}, {"basis": "", "left": b"l", "right": None}]
)
def test_a_decision_binds_a_pair_or_nothing(refused: Refused, fields: dict[str, object]) -> None:
    with refused("decision_binds_a_pair"):
        _decision(**fields)


def test_a_decision_that_binds_a_pair() -> None:
    assert _decision(kind=DecisionKind.NOT_SAME, basis=Basis.CONTENT, left=b"l" * 32, right=b"r" * 32).pk


def test_a_decision_is_undone_once(refused: Refused) -> None:
    decision = _decision()
    _decision(kind=DecisionKind.UNDO, undoes=decision)
    with refused("undoes"):
        _decision(kind=DecisionKind.UNDO, undoes=decision)


def test_history_outlives_who_made_it() -> None:
    user = User.objects.create(username="ada")
    decision = _decision(rule="", actor=user)
    with pytest.raises(ProtectedError):
        user.delete()
    _decision(kind=DecisionKind.UNDO, undoes=decision)
    with pytest.raises(ProtectedError):
        decision.delete()


def test_what_a_row_says_of_itself() -> None:
    assert str(_match(*_pair())) == "same_tensors, proven"
    assert str(_decision()) == "joined by itself"
