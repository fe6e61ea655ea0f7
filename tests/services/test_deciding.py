"""Merging, splitting, keeping apart, and taking each of them back."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from django.db import connection, connections, transaction
from django.db.models.functions import Now

from catalog.errors import Refused
from catalog.models import Decision, ExternalId, Finding, ModelHash, ModelRecord, Variant
from catalog.services.identity import deciding, joining, rejections
from catalog.vocabulary import Basis, DecisionKind, NameSource
from tests import rows

if TYPE_CHECKING:
    from django.contrib.auth.models import User
    from django.db.backends.utils import CursorWrapper

SAME = b"\x51" * 32


@pytest.fixture
def ada(django_user_model: type[User]) -> User:
    return django_user_model.objects.create_user("ada")


def hashed(
    name: str, *, tensors: bytes | None = SAME, weights: bytes | None = None, model: ModelRecord | None = None
) -> Variant:
    """A variant whose bytes, tensors and weights have digests."""
    made = rows.variant(name, model=model)
    made.content, made.parameters = name.encode().ljust(32, b"\0"), 1000
    made.save()
    for algorithm, digest in {"tensors:v1": tensors, "weights:v1": weights}.items():
        if digest is not None:
            ModelHash.objects.create(variant=made, algorithm=algorithm, digest=digest)
    return made


def fresh(model: ModelRecord) -> ModelRecord:
    return ModelRecord.objects.get(pk=model.pk)


def home(variant: Variant) -> ModelRecord:
    return Variant.objects.select_related("model").get(pk=variant.pk).model


def bound(left: Variant, right: Variant) -> Basis:
    """What a rejection of the two would be bound to."""
    return rejections.bind(Variant.objects.get(pk=left.pk), Variant.objects.get(pk=right.pk)).basis


@pytest.mark.django_db
class TestMerge:
    def test_variants_ids_tags_and_notes_come_together_and_old_ids_answer(self, ada: User) -> None:
        left, right = rows.variant("left"), rows.variant("right")
        ModelRecord.objects.filter(pk=left.model_id).update(tags=["a", "b"], notes="first")
        ModelRecord.objects.filter(pk=right.model_id).update(tags=["b", "c"], notes="second", licence="MIT")
        ExternalId.objects.create(scheme="civitai-model", value="7", model=right.model)

        decision = deciding.merge(models=[left.model, right.model], into=left.model, user=ada, reason="same thing")

        kept = fresh(left.model)
        assert set(kept.variants.all()) == {left, right}
        assert (kept.tags, kept.notes, kept.licence) == (["a", "b", "c"], "first\n\nsecond", "MIT")
        assert kept.touched
        assert ExternalId.objects.get().model == kept
        assert fresh(right.model).merged_into == kept
        assert (decision.kind, decision.actor, decision.reason) == (DecisionKind.MERGE, ada, "same thing")
        assert set(decision.models_touched.all()) == {left.model, right.model}

    def test_earlier_aliases_name_the_live_model(self, ada: User) -> None:
        first, second, third = (rows.variant(name) for name in "abc")
        deciding.merge(models=[first.model], into=second.model, user=ada)
        deciding.merge(models=[second.model], into=third.model, user=ada)
        connection.check_constraints()
        assert {fresh(one.model).merged_into_id for one in (first, second)} == {third.model_id}

    def test_an_id_that_both_have_is_kept_once(self, ada: User) -> None:
        left, right = rows.variant("left").model, rows.variant("right").model
        for model in (left, right):
            ExternalId.objects.create(scheme="hf", value="x", model=model)
        deciding.merge(models=[right], into=left, user=ada)
        assert ExternalId.objects.filter(model=left).count() == 1

    def test_an_alias_is_refused_by_name(self, ada: User) -> None:
        first, second, third = (rows.variant(name).model for name in ("first", "second", "third"))
        deciding.merge(models=[first], into=second, user=ada)
        with pytest.raises(Refused, match="“first” was merged into “second” already"):
            deciding.merge(models=[first], into=third, user=ada)
        with pytest.raises(Refused, match="merged into “second”"):
            deciding.merge(models=[third], into=first, user=ada)
        assert fresh(third).merged_into is None

    def test_a_model_with_itself_is_nothing_to_merge(self, ada: User) -> None:
        model = rows.variant("one").model
        with pytest.raises(Refused, match="nothing to merge"):
            deciding.merge(models=[model, model], into=model, user=ada)

    def test_a_standing_not_the_same_refuses_and_says_whose(self, ada: User) -> None:
        left, right = rows.variant("left"), rows.variant("right")
        deciding.not_same(left=left, right=right, user=ada)
        with pytest.raises(Refused, match=r"“left” and “right” were decided to be not the same by ada on \d{4}-"):
            deciding.merge(models=[left.model], into=right.model, user=ada)

    def test_two_of_the_merged_may_not_be_rejected_either(self, ada: User) -> None:
        left, right, third = (rows.variant(name) for name in "abc")
        deciding.not_same(left=left, right=right, user=ada)
        with pytest.raises(Refused, match="not the same"):
            deciding.merge(models=[left.model, right.model], into=third.model, user=ada)

    def test_what_asked_for_a_decision_needs_no_more_attention(self, ada: User) -> None:
        left, right = hashed("left"), hashed("right")
        Variant.objects.filter(pk=left.pk).update(settings={"alpha": 1})
        Variant.objects.filter(pk=right.pk).update(settings={"alpha": 2})
        joining.join_proven(variants=[right])
        deciding.merge(models=[left.model], into=right.model, user=ada)
        assert Finding.objects.get().cleared_at is not None

    def test_without_a_person_the_command_line_decided(self) -> None:
        left, right = rows.variant("left").model, rows.variant("right").model
        decision = deciding.merge(models=[left], into=right, user=None)
        assert (decision.actor, decision.rule) == (None, deciding.NO_PERSON)


@pytest.mark.django_db
class TestNotSame:
    def test_it_binds_the_weights_when_they_differ(self, ada: User) -> None:
        left, right = hashed("left", weights=b"\2" * 32), hashed("right", weights=b"\1" * 32)
        decision = deciding.not_same(left=left, right=right, user=ada, reason="other training")
        assert (decision.basis, bytes(decision.left or b""), bytes(decision.right or b"")) == (
            Basis.WEIGHTS, b"\1" * 32, b"\2" * 32,
        )  # fmt: skip
        assert (decision.kind, decision.actor, decision.reason) == (DecisionKind.NOT_SAME, ada, "other training")

    def test_else_the_tensors_with_their_settings(self, ada: User) -> None:
        left, right = hashed("left", weights=SAME), hashed("right", weights=SAME)
        assert bound(left, right) == Basis.CONTENT
        Variant.objects.filter(pk=left.pk).update(settings={"alpha": 1})
        assert bound(left, right) == Basis.TENSORS
        assert bound(left, hashed("third", tensors=b"\3" * 32)) == Basis.TENSORS

    def test_else_the_contents_else_the_variants(self) -> None:
        left, right = hashed("left", tensors=None), hashed("right", tensors=None)
        assert bound(left, right) == Basis.CONTENT
        assert bound(left, rows.variant("unhashed")) == Basis.VARIANT

    def test_a_rejection_of_unhashed_variants_is_bound_anew_when_content_comes(self, ada: User) -> None:
        left, right = rows.variant("left"), hashed("right", weights=b"\1" * 32)
        decision = deciding.not_same(left=left, right=right, user=ada)
        assert decision.basis == Basis.VARIANT
        assert rejections.rebind(left) == 0

        left.content = b"\7" * 32
        left.save()
        ModelHash.objects.create(variant=left, algorithm="weights:v1", digest=b"\2" * 32)
        assert rejections.rebind(left) == 1

        decision.refresh_from_db()
        assert (decision.basis, bytes(decision.left or b"")) == (Basis.WEIGHTS, b"\1" * 32)
        assert rejections.stand_between([left], [right])

    def test_rebinding_waits_for_the_other_content(self, ada: User) -> None:
        left, right = hashed("left"), rows.variant("right")
        decision = deciding.not_same(left=left, right=right, user=ada)
        assert rejections.rebind(left) == 0
        decision.refresh_from_db()
        assert decision.basis == Basis.VARIANT

    def test_it_outlives_a_header_edit(self, ada: User) -> None:
        left, right = hashed("left", weights=b"\1" * 32), hashed("right", weights=b"\2" * 32)
        deciding.not_same(left=left, right=right, user=ada)
        edited = hashed("edited", weights=b"\1" * 32)
        assert rejections.stand_between([edited], [right])
        assert not rejections.stand_between([edited], [left])

    def test_two_of_one_model_are_split(self, ada: User) -> None:
        left = hashed("left")
        right = hashed("right", tensors=b"\2" * 32, model=left.model)
        rows.former_name(right, b"loras/right one.safetensors")
        decision = deciding.not_same(left=right, right=left, user=ada)
        assert home(left) == left.model
        new = home(right)
        assert new != left.model
        assert (new.name, new.name_source, new.touched) == ("right one", NameSource.FILE, True)
        assert set(decision.models_touched.all()) == {new, left.model}

    def test_its_like_goes_with_it(self, ada: User) -> None:
        left = hashed("left", weights=b"\1" * 32)
        right = hashed("right", tensors=b"\2" * 32, weights=b"\2" * 32, model=left.model)
        like = hashed("like", tensors=b"\3" * 32, weights=b"\2" * 32, model=left.model)
        other = hashed("other", tensors=b"\4" * 32, weights=b"\4" * 32, model=left.model)
        deciding.not_same(left=left, right=right, user=ada)
        assert home(like) == home(right) != home(left) == home(other)

    def test_saying_it_twice_is_one_decision(self, ada: User) -> None:
        left, right = hashed("left"), hashed("right")
        assert deciding.not_same(left=left, right=right, user=ada) == deciding.not_same(
            left=right, right=left, user=ada
        )

    def test_a_variant_is_the_same_as_itself(self, ada: User) -> None:
        left = hashed("left")
        alias = rows.variant("alias")
        Variant.objects.filter(pk=alias.pk).update(merged_into=left)
        alias.refresh_from_db()
        with pytest.raises(Refused, match="one variant"):
            deciding.not_same(left=left, right=alias, user=ada)

    def test_one_that_was_closed_by_equal_bytes_cannot_be_undone(self, ada: User) -> None:
        decision = deciding.not_same(left=hashed("left"), right=hashed("right"), user=ada)
        Decision.objects.filter(pk=decision.pk).update(closed_at=Now())
        with pytest.raises(Refused, match="closed already"):
            deciding.undo(decision=decision, user=ada)

    def test_undoing_it_lifts_it_and_brings_the_variants_together_again(self, ada: User) -> None:
        left = hashed("left")
        right = hashed("right", tensors=b"\2" * 32, model=left.model)
        decision = deciding.not_same(left=left, right=right, user=ada)
        undone = deciding.undo(decision=decision, user=ada)
        assert home(right) == left.model
        assert not rejections.stand_between([left], [right])
        with pytest.raises(Refused, match="undone already"):
            deciding.undo(decision=decision, user=ada)
        deciding.undo(decision=undone, user=ada)
        assert rejections.stand_between([left], [right])
        assert home(right) != left.model


@pytest.mark.django_db
class TestSplit:
    def test_variants_move_to_a_new_model_and_back_again(self, ada: User) -> None:
        left = rows.variant("left")
        right = rows.variant("right", model=left.model)
        decision = deciding.split(variants=[right], user=ada, reason="other")
        new = home(right)
        assert new != left.model
        assert (new.touched, fresh(left.model).touched) == (True, True)

        undone = deciding.undo(decision=decision, user=ada)
        assert home(right) == left.model
        assert fresh(new).merged_into == left.model
        connection.check_constraints()

        deciding.undo(decision=undone, user=ada)
        assert (home(right), fresh(new).merged_into) == (new, None)

    def test_a_new_model_that_received_more_meanwhile_stays(self, ada: User) -> None:
        left = rows.variant("left")
        right = rows.variant("right", model=left.model)
        decision = deciding.split(variants=[right], user=ada)
        more = rows.variant("more", model=home(right))
        deciding.undo(decision=decision, user=ada)
        assert home(right) == left.model
        assert home(more).merged_into is None

    def test_what_was_joined_before_goes_back_to_its_own_id(self, ada: User) -> None:
        left, right = hashed("left"), hashed("right")
        ExternalId.objects.create(scheme="hf", value="x", model=right.model)
        joining.join_proven(variants=[right])
        deciding.not_same(left=left, right=right, user=ada)
        assert (home(left), home(right)) == (left.model, right.model)
        assert fresh(right.model).merged_into is None
        assert ExternalId.objects.get().model == right.model
        connection.check_constraints()

    def test_an_id_does_not_go_back_while_others_that_came_with_it_stay(self, ada: User) -> None:
        left, right = rows.variant("left"), rows.variant("right")
        second = rows.variant("second", model=right.model)
        deciding.merge(models=[right.model], into=left.model, user=ada)
        deciding.split(variants=[right], user=ada)
        assert home(right) not in {left.model, right.model}
        assert home(second) == left.model
        assert fresh(right.model).merged_into == left.model

    def test_all_of_them_cannot_be_split_off(self, ada: User) -> None:
        left = rows.variant("left")
        with pytest.raises(Refused, match="at least one"):
            deciding.split(variants=[left], user=ada)

    def test_variants_of_two_models_cannot_be_split_off_together(self, ada: User) -> None:
        with pytest.raises(Refused, match="one model"):
            deciding.split(variants=[rows.variant("a"), rows.variant("b")], user=ada)


@pytest.mark.django_db(transaction=True)
def test_merging_both_ways_at_once_leaves_one_model() -> None:
    left, right = rows.variant("left").model, rows.variant("right").model
    start = threading.Barrier(2)
    refused = []

    def merge(one: ModelRecord, into: ModelRecord) -> None:
        try:
            start.wait(10)
            deciding.merge(models=[one], into=into, user=None)
        except Refused as error:
            refused.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=merge, args=pair) for pair in ((left, right), (right, left))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(refused) == 1
    assert ModelRecord.objects.filter(merged_into=None).count() == 1
    assert Decision.objects.count() == 1


def somebody_waits_for_us(cursor: CursorWrapper) -> bool:
    cursor.execute(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))"
    )
    return bool(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_a_decision_that_meets_a_worker_is_made_all_the_same() -> None:
    """Each waits for what the other holds; the database stops the person's part, which begins again."""
    first, last = sorted((rows.variant(name).model for name in ("left", "right")), key=lambda model: model.pk)
    holds = threading.Event()

    def work() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET LOCAL deadlock_timeout = '60s'")
                ModelRecord.objects.select_for_update().get(pk=last.pk)
                holds.set()
                assert any(somebody_waits_for_us(cursor) for _ in range(100_000))
                ModelRecord.objects.select_for_update().get(pk=first.pk)
        finally:
            connections.close_all()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        assert holds.wait(10)
        with connection.cursor() as cursor:
            cursor.execute("SET deadlock_timeout = '200ms'")
        deciding.merge(models=[last], into=first, user=None)
    finally:
        worker.join()
        connection.close()

    assert fresh(last).merged_into == first
