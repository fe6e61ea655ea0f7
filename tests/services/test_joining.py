"""What joins by itself, and what stands against it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from catalog.errors import Refused
from catalog.hashing.tensors import OF_NOTHING
from catalog.models import Decision, Finding, Match, ModelHash, ModelRecord, Preference, Variant
from catalog.services.identity import deciding, joining
from catalog.vocabulary import DecisionKind, FindingCode, Kind, Obstacle, Outcome
from tests import rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.contrib.auth.models import User

SAME = b"\x51" * 32


def hashed(name: str, *, digest: bytes = SAME, content: bytes | None = None, **fields: object) -> Variant:
    """A variant of a model of its own, with the digests of its bytes and tensors."""
    made = rows.variant(name)
    made.content = content or name.encode().ljust(32, b"\0")
    made.parameters = 1000
    for field, value in fields.items():
        setattr(made, field, value)
    made.save()
    ModelHash.objects.create(variant=made, algorithm="tensors:v1", digest=digest)
    return made


def join(*variants: Variant) -> Sequence[Decision]:
    with transaction.atomic():
        return joining.join_proven(variants=variants)


def home(variant: Variant) -> ModelRecord:
    return Variant.objects.select_related("model").get(pk=variant.pk).model


def touch(variant: Variant) -> None:
    ModelRecord.objects.filter(pk=variant.model_id).update(touched=True)


def obstacle(left: Variant, right: Variant) -> object:
    match = Match.objects.get(left=min(left.pk, right.pk), right=max(left.pk, right.pk))
    return match.evidence.get("obstacle")


@pytest.mark.django_db
class TestJoining:
    def test_the_same_tensors_become_one_model_under_the_older_id(self) -> None:
        old, new = hashed("old"), hashed("new")

        decisions = join(new)

        assert home(new) == home(old) == old.model
        gone = ModelRecord.objects.get(pk=new.model_id)
        assert gone.merged_into == old.model
        assert [(one.kind, one.rule, one.actor) for one in decisions] == [("join", "same_tensors", None)]
        assert set(decisions[0].models_touched.all()) == {old.model, new.model}

    def test_a_join_leaves_the_relation_with_its_evidence(self) -> None:
        old, new = hashed("old"), hashed("new")
        join(new)
        match = Match.objects.get()
        assert {match.left_id, match.right_id} == {old.pk, new.pk}
        assert (match.relation, match.certainty, match.algorithm) == ("same_tensors", "proven", "match:v1")
        assert (match.same_model, match.evidence["proven"], match.evidence["places"]) == ("true", 1.0, True)
        assert match.packed is not None

    def test_the_touched_model_stays(self) -> None:
        old, new = hashed("old"), hashed("new")
        touch(new)
        join(new)
        assert home(old) == home(new) == new.model

    def test_two_touched_models_are_only_proposed(self) -> None:
        old, new = hashed("old"), hashed("new")
        touch(old)
        touch(new)
        assert join(new) == []
        assert home(old) != home(new)
        assert obstacle(old, new) == Obstacle.TOUCHED

    def test_a_whole_batch_is_joined_in_any_order(self) -> None:
        three = [hashed(name) for name in "abc"]
        join(*reversed(three))
        assert {home(variant) for variant in three} == {three[0].model}
        connection.check_constraints()

    def test_a_touched_model_gathers_all_the_others(self) -> None:
        three = [hashed(name) for name in "abc"]
        touch(three[2])
        join(*three)
        assert {home(variant) for variant in three} == {three[2].model}
        connection.check_constraints()

    def test_joining_twice_changes_nothing(self) -> None:
        old, new = hashed("old"), hashed("new")
        join(new)
        assert join(new, old) == []
        assert Decision.objects.count() == 1
        assert Match.objects.count() == 1

    def test_earlier_aliases_follow(self) -> None:
        old, new = hashed("old"), hashed("new")
        alias = ModelRecord.objects.create(name="alias", merged_into=new.model)
        join(new)
        alias.refresh_from_db()
        assert alias.merged_into == old.model
        connection.check_constraints()

    def test_other_tensors_are_left_alone(self) -> None:
        hashed("old")
        assert join(hashed("new", digest=b"\x52" * 32)) == []
        assert not Match.objects.exists()

    @pytest.mark.parametrize(("left", "right", "joined"), [("lora", "vae", False), ("lora", "unknown", True)])
    def test_two_known_different_types_are_not_joined(self, left: str, right: str, joined: bool) -> None:
        old, new = hashed("old", kind=left), hashed("new", kind=right)
        join(new)
        assert (home(old) == home(new)) is joined
        assert obstacle(old, new) == (None if joined else Obstacle.KINDS)

    def test_the_type_that_a_person_gave_counts(self) -> None:
        old, new = hashed("old", kind=Kind.LORA), hashed("new", kind=Kind.LORA)
        ModelRecord.objects.filter(pk=old.model_id).update(kind="vae", edited=["kind"])
        join(new)
        assert obstacle(old, new) == Obstacle.KINDS

    def test_a_setting_stated_differently_is_a_finding_and_no_join(self) -> None:
        old = hashed("old", settings={"alpha": 4, "rank": 8})
        new = hashed("new", settings={"alpha": 8, "rank": 8})
        join(new)
        assert home(old) != home(new)
        assert obstacle(old, new) == Obstacle.SETTINGS
        finding = Finding.objects.get()
        assert finding.code == FindingCode.SETTINGS_DIFFER
        assert finding.params == {"other": "old", "setting": "alpha"}

    def test_a_setting_that_only_one_states_does_not_matter(self) -> None:
        old, new = hashed("old", settings={"alpha": 4}), hashed("new", settings={})
        join(new)
        assert home(old) == home(new)

    def test_a_file_without_the_setting_does_not_bring_two_others_together(self) -> None:
        left, right = hashed("left", settings={"alpha": 4}), hashed("right", settings={"alpha": 8})
        middle = hashed("middle", settings={})
        join(middle)
        assert home(middle) == home(left)
        assert home(right) != home(left)
        assert obstacle(middle, right) == Obstacle.SETTINGS

    @pytest.mark.parametrize("outcome", [Outcome.INVALID, Outcome.SUSPICIOUS, Outcome.UNSAFE])
    def test_a_bad_file_is_never_joined(self, outcome: Outcome) -> None:
        old, new = hashed("old"), hashed("new", outcome=outcome)
        join(new)
        assert home(old) != home(new)
        assert obstacle(old, new) == Obstacle.UNSOUND

    def test_the_site_may_ask_first(self) -> None:
        Preference.objects.create(key="ask:same_tensors", value=True)
        old, new = hashed("old"), hashed("new")
        join(new)
        assert home(old) != home(new)
        assert obstacle(old, new) == Obstacle.ASKED

    def test_no_tensors_are_not_the_same_tensors(self) -> None:
        hashed("old", digest=min(OF_NOTHING))
        assert join(hashed("new", digest=min(OF_NOTHING))) == []
        assert not Match.objects.exists()

    def test_a_remembered_variant_still_joins(self) -> None:
        old, new = hashed("old"), hashed("new")
        place = rows.location(old, b"old.safetensors", state="missing")
        join(new)
        assert home(new) == home(old)
        assert place.variant == old

    def test_a_merged_variant_is_not_matched(self) -> None:
        old, new = hashed("old"), hashed("new")
        survivor = rows.variant("survivor")
        Variant.objects.filter(pk=old.pk).update(merged_into=survivor, content=None)
        assert join(new) == []
        assert not Match.objects.exists()

    def test_a_name_of_better_origin_wins_but_never_over_a_person(self) -> None:
        old, new, third = hashed("old"), hashed("new"), hashed("third")
        ModelRecord.objects.filter(pk=new.model_id).update(name="From the header", name_source="header")
        join(new)
        assert home(old).name == "From the header"
        ModelRecord.objects.filter(pk=old.model_id).update(name="Mine", name_source="person", edited=["name"])
        ModelRecord.objects.filter(pk=third.model_id).update(name="Sidecar", name_source="sidecar")
        join(third)
        assert home(old).name == "Mine"

    def test_a_batch_in_which_nothing_joins_costs_three_statements(self) -> None:
        alone = [hashed(f"alone {number}", digest=bytes([number]) * 32) for number in range(1, 20)]
        with CaptureQueriesContext(connection) as asked:
            assert joining.join_proven(variants=alone) == []
        assert len(asked) == 3


@pytest.mark.django_db
class TestRejected:
    @pytest.fixture
    def ada(self, django_user_model: type[User]) -> User:
        return django_user_model.objects.create_user("ada")

    def test_a_standing_not_the_same_keeps_them_apart(self, ada: User) -> None:
        old, new = hashed("old"), hashed("new")
        deciding.not_same(left=old, right=new, user=ada, reason="licences differ")
        join(new)
        assert home(old) != home(new)
        assert obstacle(old, new) == Obstacle.REJECTED

    def test_a_rejection_between_any_two_members_keeps_their_groups_apart(self, ada: User) -> None:
        old, new = hashed("old"), hashed("new")
        other = hashed("other", digest=b"\x53" * 32)
        Variant.objects.filter(pk=other.pk).update(model=old.model)
        deciding.not_same(left=other, right=new, user=ada, reason="")
        join(new)
        assert home(old) != home(new)

    def test_an_undone_join_is_not_joined_again(self, ada: User) -> None:
        old, new = hashed("old"), hashed("new")
        decision = join(new)[0]
        deciding.undo(decision=decision, user=ada)
        assert join(new, old) == []
        assert home(new) == new.model

    def test_what_fits_two_models_that_are_not_the_same_waits(self, ada: User) -> None:
        left, right = hashed("left"), hashed("right")
        deciding.not_same(left=left, right=right, user=ada, reason="")
        third = hashed("third")
        join(third)
        assert len({home(left), home(right), home(third)}) == 3
        assert obstacle(left, third) == Obstacle.AMBIGUOUS

    def test_a_header_edit_keeps_to_the_model_of_its_place(self, ada: User) -> None:
        left, right = hashed("left"), hashed("right")
        deciding.not_same(left=left, right=right, user=ada, reason="")
        rows.former_name(right, b"right.safetensors")
        edited = hashed("edited")
        rows.location(edited, b"right.safetensors")
        join(edited)
        assert home(edited) == home(right) != home(left)

    def test_a_header_edit_does_not_ask_again(self, ada: User) -> None:
        left, right = hashed("left", digest=b"\x54" * 32), hashed("right")
        deciding.not_same(left=left, right=right, user=ada, reason="")
        edited = hashed("edited")
        join(edited)
        assert home(edited) == home(right)
        with pytest.raises(Refused, match="not the same"):
            deciding.merge(models=[home(left)], into=home(edited), user=ada, reason="")


@pytest.mark.django_db(transaction=True)
def test_two_workers_that_store_the_same_tensors_at_once_join_them() -> None:
    names = ["left", "right"]
    made = [rows.variant(name) for name in names]
    Variant.objects.update(parameters=10)
    start = threading.Barrier(2)

    def store(variant: Variant) -> None:
        try:
            start.wait(10)
            with transaction.atomic():
                ModelHash.objects.create(variant=variant, algorithm="tensors:v1", digest=SAME)
                joining.join_proven(variants=[variant])
        finally:
            connections.close_all()

    threads = [threading.Thread(target=store, args=(variant,)) for variant in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert {home(variant) for variant in made} == {made[0].model}
    assert Decision.objects.filter(kind=DecisionKind.JOIN).count() == 1
