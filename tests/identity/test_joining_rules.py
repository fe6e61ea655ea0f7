"""Every row of the table of joining, and every condition below it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from django.db import connection

from catalog.models import Decision, Finding, Match, ModelRecord, Preference
from catalog.services.identity import deciding, rules
from catalog.services.identity.rules import Answer
from catalog.vocabulary import Certainty, DecisionKind, FindingCode, Format, Kind, Obstacle, Outcome, Relation
from tests.identity.relations import gone, home, join, related, rounding, told, touch, variant

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from pytest_django import DjangoAssertNumQueries

pytestmark = pytest.mark.django_db

PROVEN, ALL_VALUES, KEYS, SAMPLES, SUSPECTED = Certainty

JOINED, IF_GONE, PROPOSED, SHOWN, NOTHING = Answer
WANTED = {
    ("same_tensors", PROVEN): JOINED,
    ("same_weights", PROVEN): JOINED,
    ("same_weights", ALL_VALUES): JOINED,
    ("same_weights", KEYS): IF_GONE,
    ("same_weights", SAMPLES): PROPOSED,
    ("rounding", PROVEN): JOINED,
    ("rounding", ALL_VALUES): JOINED,
    ("rounding", KEYS): IF_GONE,
    ("rounding", SAMPLES): PROPOSED,
    ("siblings", ALL_VALUES): PROPOSED,
    ("siblings", KEYS): PROPOSED,
    ("siblings", SAMPLES): PROPOSED,
    ("quantised", ALL_VALUES): PROPOSED,
    ("quantised", KEYS): PROPOSED,
    ("quantised", SAMPLES): PROPOSED,
    **{
        (relation.value, certainty): SHOWN
        for relation, certainty in itertools.product(
            (
                Relation.PART_OF,
                Relation.CONTAINS,
                Relation.DERIVED,
                Relation.SHARES_PARTS,
                Relation.REARRANGED,
                Relation.CANNOT_TELL,
            ),
            Certainty,
        )
    },
    **{(name, SUSPECTED): SHOWN for name in ("same_weights", "rounding", "siblings", "quantised")},
    **{("unrelated", certainty): NOTHING for certainty in Certainty},
}


def pair(name: str, certainty: Certainty, *, about: str = "", **evidence: object) -> Match:
    """Two variants that are this to one another; a rounding is made of the older one."""
    old, new = variant(f"old{about}"), variant(f"new{about}")
    if name == "rounding":
        return rounding(old, new, certainty, **evidence)
    relation = Relation.OTHER_PRECISION if name == "siblings" else Relation(name)
    made = new if relation is Relation.QUANTISED else None
    return related(old, new, relation, certainty, made=made, **evidence)


def together(match: Match) -> bool:
    return home(match.left) == home(match.right)


NAMES = sorted({name for name, _ in WANTED})


def rows_of(name: str) -> list[tuple[Match, Answer]]:
    """A pair for each certainty of a relation, with what is to become of it."""
    return [
        (pair(name, certainty, about=f" {certainty}"), answer)
        for (relation, certainty), answer in WANTED.items()
        if relation == name
    ]


class TestTable:
    @pytest.mark.parametrize("name", NAMES)
    def test_of_untouched_models(self, name: str) -> None:
        for match, wanted in rows_of(name):
            join(match)
            assert together(match) is (wanted is JOINED), match.certainty
            assert told(match)[1] is (wanted in {IF_GONE, PROPOSED}), match.certainty

    @pytest.mark.parametrize("name", NAMES)
    def test_of_one_touched_model(self, name: str) -> None:
        for match, wanted in rows_of(name):
            new = max((match.left, match.right), key=lambda one: one.number)
            touch(new)
            join(match)
            assert together(match) is (wanted is JOINED), match.certainty
            assert home(new).pk == new.model_id

    @pytest.mark.parametrize("name", NAMES)
    def test_of_several_touched_models(self, name: str) -> None:
        for match, wanted in rows_of(name):
            touch(match.left)
            touch(match.right)
            join(match)
            assert not together(match), match.certainty
            assert told(match)[1] is (wanted in {JOINED, IF_GONE, PROPOSED}), match.certainty

    def test_every_relation_and_certainty_has_an_answer(self) -> None:
        for relation, certainty in itertools.product(Relation, Certainty):
            match = Match(relation=relation, certainty=certainty)
            assert rules.row_of(match).answer in Answer

    def test_nothing_joins_that_is_not_proven_or_compared_in_full(self) -> None:
        surely = {row.answer for row in rules.TABLE if row.certainties & {KEYS, SAMPLES, SUSPECTED}}
        assert JOINED not in surely

    def test_the_older_model_stays(self) -> None:
        match = pair("rounding", PROVEN)
        older = min((match.left, match.right), key=lambda one: one.number)
        join(match)
        assert home(match.left).pk == older.model_id

    def test_a_join_names_its_rule_and_its_grounds(self) -> None:
        match = pair("rounding", ALL_VALUES)
        (decision,) = join(match)
        assert (decision.kind, decision.rule, decision.actor) == (DecisionKind.JOIN, "other_precision", None)
        assert decision.before["match"] == match.pk
        assert (decision.before["relation"], decision.before["certainty"]) == ("other_precision", "all_values")
        assert decision.models_touched.count() == 2

    def test_doing_it_again_changes_nothing(self) -> None:
        match = pair("rounding", PROVEN)
        join(match)
        assert join(match, match) == []
        assert Decision.objects.count() == 1
        assert told(match) == (None, False)

    def test_a_weaker_relation_that_proves_true_joins_then(self) -> None:
        match = pair("rounding", SAMPLES)
        join(match)
        assert told(match) == (Obstacle.SAMPLES, True)
        Match.objects.filter(pk=match.pk).update(certainty=ALL_VALUES)
        join(match)
        assert together(match)
        assert told(match) == (None, False)

    def test_what_waits_for_its_values_is_not_asked_yet(self) -> None:
        match = pair("rounding", KEYS)
        Match.objects.filter(pk=match.pk).update(compare_due=True)
        join(match)
        assert told(match) == (Obstacle.KEYS, False)

    def test_a_relation_whose_end_was_absorbed_is_left_alone(self) -> None:
        match = pair("rounding", PROVEN)
        survivor = variant("survivor")
        match.right.content = None
        match.right.merged_into = survivor
        match.right.save()
        assert join(match) == []


class TestKeysAlone:
    @pytest.mark.parametrize(
        ("proven", "by_key", "joined"), [(0.95, 1.0, True), (0.9, 1.0, True), (0.89, 1.0, False), (0.95, 0.99, False)]
    )
    def test_where_the_bytes_of_one_are_gone(self, proven: float, by_key: float, joined: bool) -> None:
        match = pair("rounding", KEYS, proven=proven, by_key=by_key)
        gone(match.left)
        join(match)
        assert together(match) is joined
        assert told(match) == ((None, False) if joined else (Obstacle.KEYS, True))

    def test_while_both_have_their_bytes_every_value_is_compared_first(self) -> None:
        match = pair("same_weights", KEYS, proven=0.95, by_key=1.0)
        join(match)
        assert told(match) == (Obstacle.KEYS, True)

    @pytest.mark.parametrize("state", ["offline", "changed", "in_trash"])
    def test_bytes_that_are_only_out_of_reach_are_not_gone(self, state: str) -> None:
        match = pair("same_weights", KEYS, proven=0.95, by_key=1.0)
        match.left.locations.update(state=state)
        join(match)
        assert not together(match)


class TestConditions:
    @pytest.mark.parametrize(
        ("left", "right", "joined"), [("checkpoint", "lora", False), ("checkpoint", "unknown", True)]
    )
    def test_no_two_known_kinds(self, left: str, right: str, joined: bool) -> None:
        match = rounding(variant("old", kind=left), variant("new", kind=right))
        join(match)
        assert together(match) is joined
        assert told(match)[0] == (None if joined else Obstacle.KINDS)

    def test_a_pipeline_folder_is_a_checkpoint(self) -> None:
        folder = variant("folder", kind=Kind.CHECKPOINT, format=Format.DIFFUSERS)
        match = rounding(variant("file", kind=Kind.CHECKPOINT), folder)
        join(match)
        assert together(match)

    def test_a_kind_that_a_person_put_beside_it_does_not_matter(self) -> None:
        old, beside, new = variant("old", kind="checkpoint"), variant("vae", kind="vae"), variant("new")
        beside.model = old.model
        beside.save()
        new.kind = Kind.CHECKPOINT
        new.save()
        match = rounding(old, new)
        join(match)
        assert together(match)

    def test_no_setting_stated_differently_by_the_variants(self) -> None:
        old = variant("old", settings={"prediction_type": "epsilon", "rank": 8})
        new = variant("new", settings={"prediction_type": "v_prediction", "rank": 8})
        match = rounding(old, new)
        join(match)
        assert told(match) == (Obstacle.SETTINGS, True)
        finding = Finding.objects.get()
        assert finding.code == FindingCode.SETTINGS_DIFFER
        assert finding.params == {"other": "old", "setting": "prediction_type"}

    def test_no_setting_stated_differently_in_their_files(self) -> None:
        match = pair("rounding", PROVEN, settings=["rope_scaling"])
        join(match)
        assert told(match) == (Obstacle.SETTINGS, True)
        assert Finding.objects.get().params == {"other": "old", "setting": "rope_scaling"}

    def test_settings_of_what_would_not_join_anyway_need_no_attention(self) -> None:
        match = pair("quantised", SAMPLES, settings=["rope_scaling"])
        join(match)
        assert told(match) == (Obstacle.SETTINGS, True)
        assert not Finding.objects.exists()

    def test_settings_that_a_person_looked_at_are_not_asked_about_again(self) -> None:
        match = pair("rounding", PROVEN, settings=["rope_scaling"])
        join(match)
        deciding.not_same(left=match.left, right=match.right, user=None)
        join(match)
        assert told(match) == (Obstacle.REJECTED, False)
        assert not Finding.objects.filter(cleared_at=None).exists()

    def test_one_that_states_nothing_does_not_bring_two_others_together(self) -> None:
        left, right = variant("left", settings={"alpha": 4}), variant("right", settings={"alpha": 8})
        middle = variant("middle")
        first, second = (related(side, middle, Relation.SAME_WEIGHTS) for side in (left, right))
        join(first, second)
        assert home(middle) == home(left) != home(right)
        assert told(second) == (Obstacle.SETTINGS, True)
        assert Finding.objects.get().params["setting"] == "alpha"

    @pytest.mark.parametrize("outcome", [Outcome.INVALID, Outcome.SUSPICIOUS, Outcome.UNSAFE])
    @pytest.mark.parametrize("name", ["same_tensors", "same_weights", "rounding"])
    def test_a_bad_file_is_proposed_and_never_joined(self, name: str, outcome: Outcome) -> None:
        match = pair(name, PROVEN)
        match.right.outcome = outcome
        match.right.save()
        join(match)
        assert told(match) == (Obstacle.UNSOUND, True)

    @pytest.mark.parametrize("certainty", [PROVEN, ALL_VALUES])
    @pytest.mark.parametrize("name", ["same_weights", "rounding"])
    def test_places_that_names_do_not_show_are_asked_about(self, name: str, certainty: Certainty) -> None:
        match = pair(name, certainty, places=False)
        join(match)
        assert told(match) == (Obstacle.PLACES, True)

    def test_equal_names_need_no_check_of_places(self) -> None:
        match = pair("same_tensors", PROVEN, places=False)
        join(match)
        assert together(match)

    def test_a_rejection_between_any_two_members_is_not_asked_again(self, django_user_model: type[User]) -> None:
        old, new, third = variant("old"), variant("new"), variant("third")
        third.model = old.model
        third.save()
        deciding.not_same(left=third, right=new, user=django_user_model.objects.create_user("ada"))
        match = rounding(old, new)
        join(match)
        assert told(match) == (Obstacle.REJECTED, False)

    def test_what_fits_two_models_that_are_not_the_same_waits(self, django_user_model: type[User]) -> None:
        left, right, new = variant("left"), variant("right"), variant("new")
        deciding.not_same(left=left, right=right, user=django_user_model.objects.create_user("ada"))
        matches = [related(side, new, Relation.SAME_WEIGHTS) for side in (left, right)]
        join(*matches)
        assert [told(match) for match in matches] == [(Obstacle.AMBIGUOUS, False)] * 2

    @pytest.mark.parametrize(
        ("name", "certainty", "setting"),
        [
            ("same_tensors", PROVEN, "ask:same_tensors"),
            ("same_weights", PROVEN, "ask:same_weights"),
            ("rounding", ALL_VALUES, "ask:other_precision"),
        ],
    )
    def test_the_site_may_have_each_row_ask(self, name: str, certainty: Certainty, setting: str) -> None:
        Preference.objects.create(key=setting, value=True)
        match = pair(name, certainty)
        join(match)
        assert told(match) == (Obstacle.ASKED, True)

    def test_the_site_may_have_keys_ask(self) -> None:
        Preference.objects.create(key="ask:keys", value=True)
        match = pair("rounding", KEYS, proven=0.95, by_key=1.0)
        gone(match.left)
        join(match)
        assert told(match) == (Obstacle.ASKED, True)

    @pytest.mark.parametrize("value", [False, "joined", 1])
    def test_a_setting_never_does_more_than_the_table(self, value: object) -> None:
        for name in ("quantised", "samples", "siblings", "same_weights"):
            Preference.objects.create(key=f"ask:{name}", value=value)
        quantised = pair("quantised", ALL_VALUES)
        join(quantised)
        assert told(quantised) == (Obstacle.QUANTISED, True)


def test_many_unrelated_relations_cost_few_statements(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    matches = [pair_of(number) for number in range(20)]
    with django_assert_max_num_queries(10):
        join(*matches)


def pair_of(number: int) -> Match:
    return related(variant(f"left {number}"), variant(f"right {number}"), Relation.DERIVED, SAMPLES)


def test_models_and_aliases_stay_in_order() -> None:
    one, other, third = variant("one"), variant("other"), variant("third")
    join(rounding(one, other))
    join(related(other, third, Relation.SAME_WEIGHTS))
    connection.check_constraints()
    assert {home(row) for row in (one, other, third)} == {one.model}
    assert ModelRecord.objects.filter(merged_into=one.model).count() == 2
