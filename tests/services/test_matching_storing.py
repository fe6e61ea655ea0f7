"""What is kept of a pair: one row, replaced by what is surer or newer, never by less."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from catalog.matching.base import ComponentVerdict, Difference, Evidence
from catalog.matching.packing import unpack
from catalog.models import Match
from catalog.services.identity.absorbing import absorb
from catalog.services.matching import storing
from catalog.services.matching.storing import Found
from catalog.vocabulary import Certainty, Direction, Doubt, Relation, SameModel
from tests import rows

if TYPE_CHECKING:
    from catalog.models import Variant

pytestmark = pytest.mark.django_db

ROUNDED = Evidence(
    Relation.OTHER_PRECISION,
    Certainty.KEYS,
    SameModel.YES,
    Direction.LEFT_FROM_RIGHT,
    full=True,
    settings=(Difference("alpha", 1, 2), Difference("title", "a", "b", stops=False)),
    components=(ComponentVerdict("", "unet", Relation.OTHER_PRECISION, Certainty.KEYS, distance=float("nan")),),
)
CONFIRMED = replace(ROUNDED, certainty=Certainty.ALL_VALUES, full=False)
DERIVED = Evidence(Relation.DERIVED, Certainty.SAMPLES, SameModel.NO)
UNRELATED = Evidence(Relation.UNRELATED, Certainty.SAMPLES, SameModel.NO)


@pytest.fixture
def pair() -> tuple[Variant, Variant]:
    """Two variants, in the order of their ids."""
    first, second = sorted((rows.variant("one"), rows.variant("other")), key=lambda one: one.pk)
    return first, second


def keep(pair: tuple[Variant, Variant], evidence: Evidence, **how: bool) -> Match:
    """The row as it is in the database."""
    storing.keep_all([Found(pair[0].pk, pair[1].pk, evidence)], **how)
    return Match.objects.get()


def test_a_relation_is_kept_with_its_evidence(pair: tuple[Variant, Variant]) -> None:
    row = keep(pair, ROUNDED)

    assert (row.relation, row.certainty, row.same_model) == ("other_precision", "keys", "true")
    assert (row.direction, row.algorithm) == ("left_from_right", "match:v1")
    assert row.evidence["settings"] == ["alpha"]
    assert row.evidence["components"][0]["distance"] is None
    assert unpack(bytes(row.packed or b"")).relation is Relation.OTHER_PRECISION
    assert row.compare_due


def test_evidence_found_the_other_way_round_is_turned(pair: tuple[Variant, Variant]) -> None:
    storing.keep(pair[1].pk, pair[0].pk, ROUNDED)

    row = Match.objects.get()
    assert (row.left_id, row.right_id) == (pair[0].pk, pair[1].pk)
    assert row.direction == Direction.RIGHT_FROM_LEFT
    assert row.evidence["components"][0]["left"] == "unet"
    assert unpack(bytes(row.packed or b"")).direction is Direction.RIGHT_FROM_LEFT


def test_the_same_thing_found_twice_is_one_row(pair: tuple[Variant, Variant]) -> None:
    first = keep(pair, ROUNDED)
    storing.keep(pair[1].pk, pair[0].pk, replace(ROUNDED, direction=Direction.RIGHT_FROM_LEFT))

    again = Match.objects.get()
    assert (again.pk, again.direction) == (first.pk, first.direction)


def test_samples_never_overrule_a_comparison_of_all_values(pair: tuple[Variant, Variant]) -> None:
    keep(pair, CONFIRMED)

    assert keep(pair, DERIVED).certainty == Certainty.ALL_VALUES
    assert keep(pair, ROUNDED).certainty == Certainty.ALL_VALUES
    assert not Match.objects.get().compare_due


def test_what_is_surer_replaces_what_was_there(pair: tuple[Variant, Variant]) -> None:
    keep(pair, DERIVED)

    assert keep(pair, ROUNDED).certainty == Certainty.KEYS
    assert keep(pair, CONFIRMED).certainty == Certainty.ALL_VALUES
    assert keep(pair, replace(CONFIRMED, certainty=Certainty.PROVEN)).certainty == Certainty.PROVEN


def test_a_newer_version_replaces_keys_but_no_comparison_of_all_values(pair: tuple[Variant, Variant]) -> None:
    newer = replace(DERIVED, version="match:v2")
    keep(pair, ROUNDED)
    assert keep(pair, newer).relation == Relation.DERIVED

    keep(pair, CONFIRMED, settles=True)
    assert keep(pair, newer).relation == Relation.OTHER_PRECISION


def test_a_full_comparison_settles_also_what_it_contradicts(pair: tuple[Variant, Variant]) -> None:
    keep(pair, ROUNDED)

    row = keep(pair, replace(UNRELATED, full=True), settles=True)

    assert (row.relation, row.compare_due) == ("unrelated", False)


def test_digests_outlast_a_full_comparison(pair: tuple[Variant, Variant]) -> None:
    keep(pair, replace(ROUNDED, certainty=Certainty.PROVEN))

    assert keep(pair, DERIVED, settles=True).certainty == Certainty.PROVEN


def test_unrelated_ones_are_not_kept(pair: tuple[Variant, Variant]) -> None:
    assert storing.keep(pair[0].pk, pair[1].pk, UNRELATED) is None
    storing.keep(pair[0].pk, pair[1].pk, replace(UNRELATED, relation=Relation.SHARES_PARTS))
    assert not Match.objects.exists()

    keep(pair, DERIVED)
    storing.keep(pair[0].pk, pair[1].pk, UNRELATED)
    assert not Match.objects.exists()


def test_near_ones_are_kept_and_those_of_which_nothing_is_known_are_not(pair: tuple[Variant, Variant]) -> None:
    near = Evidence(Relation.CANNOT_TELL, Certainty.SUSPECTED, SameModel.UNKNOWN, doubt=Doubt.DOUBLE_ROUNDING)

    assert storing.keep(pair[0].pk, pair[1].pk, replace(near, doubt=Doubt.NOT_HASHED)) is None
    assert keep(pair, near).evidence["doubt"] == "double_rounding"


def test_a_variant_has_no_relation_to_itself(pair: tuple[Variant, Variant]) -> None:
    assert storing.keep(pair[0].pk, pair[0].pk, ROUNDED) is None


def test_text_that_the_database_refuses_is_cleaned(pair: tuple[Variant, Variant]) -> None:
    odd = replace(ROUNDED, settings=(Difference("a\0b\ud800", 1, 2),))

    assert "\0" not in keep(pair, odd).evidence["settings"][0]


def test_a_relation_follows_its_absorbed_end(pair: tuple[Variant, Variant]) -> None:
    keep(pair, ROUNDED)
    Match.objects.update(lease="0" * 32)
    loser = pair[0]
    survivor = rows.variant("older")

    absorb(survivor=survivor, loser=loser)

    row = Match.objects.get()
    assert {row.left_id, row.right_id} == {survivor.pk, pair[1].pk}
    turned = survivor.pk > pair[1].pk
    assert row.direction == (Direction.RIGHT_FROM_LEFT if turned else Direction.LEFT_FROM_RIGHT)
    assert unpack(bytes(row.packed or b"")).direction.value == row.direction
    assert row.lease is None
    assert row.compare_due


def test_of_two_relations_about_one_pair_the_surer_one_stays(pair: tuple[Variant, Variant]) -> None:
    survivor = rows.variant("older")
    keep(pair, CONFIRMED)
    storing.keep(survivor.pk, pair[1].pk, DERIVED)

    absorb(survivor=survivor, loser=pair[0])

    assert Match.objects.get().certainty == Certainty.ALL_VALUES


def test_a_relation_whose_ends_became_one_is_dropped(pair: tuple[Variant, Variant]) -> None:
    keep(pair, ROUNDED)

    absorb(survivor=pair[0], loser=pair[1])

    assert not Match.objects.exists()


def test_a_waiting_search_follows_its_survivor(pair: tuple[Variant, Variant]) -> None:
    type(pair[1]).objects.filter(pk=pair[1].pk).update(search_due=True)

    absorb(survivor=pair[0], loser=pair[1])

    for variant in pair:
        variant.refresh_from_db()
    assert (pair[0].search_due, pair[1].search_due) == (True, False)
