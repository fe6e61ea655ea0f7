"""Taking a decision back: only what it changed, never against a later one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connection

from catalog.errors import Refused
from catalog.models import Decision, ExternalId, ModelRecord, Variant
from catalog.services.identity import deciding, joining, rejections
from catalog.vocabulary import DecisionKind
from tests import rows
from tests.services.test_deciding import ada, fresh, hashed, home

if TYPE_CHECKING:
    from django.contrib.auth.models import User

__all__ = ["ada"]


@pytest.mark.django_db
class TestUndo:
    def test_it_puts_everything_back(self, ada: User) -> None:
        left, right = rows.variant("left"), rows.variant("right")
        alias = ModelRecord.objects.create(name="alias", merged_into=right.model)
        ModelRecord.objects.filter(pk=left.model_id).update(tags=["a"], notes="first")
        ModelRecord.objects.filter(pk=right.model_id).update(
            tags=["b"], notes="second", name="Best", name_source="header", kind="lora"
        )
        external = ExternalId.objects.create(scheme="hf", value="x", model=right.model)
        words = ("name", "name_source", "kind", "tags", "notes", "licence", "edited")
        before = [list(ModelRecord.objects.order_by("number").values(*words))]
        decision = deciding.merge(models=[right.model], into=left.model, user=ada)
        assert fresh(left.model).name == "Best"

        undone = deciding.undo(decision=decision, user=ada)

        connection.check_constraints()
        assert [list(ModelRecord.objects.order_by("number").values(*words))] == before
        assert (home(left), home(right)) == (left.model, right.model)
        assert fresh(right.model).merged_into is None
        assert fresh(alias).merged_into == right.model
        external.refresh_from_db()
        assert external.model == right.model
        assert (undone.kind, undone.undoes, undone.actor) == (DecisionKind.UNDO, decision, ada)

    def test_what_came_after_stays(self, ada: User) -> None:
        left, right = rows.variant("left"), rows.variant("right")
        ModelRecord.objects.filter(pk=right.model_id).update(tags=["b"], notes="second")
        decision = deciding.merge(models=[right.model], into=left.model, user=ada)
        later = rows.variant("later", model=left.model)
        third = rows.variant("third")
        deciding.merge(models=[third.model], into=left.model, user=ada)
        kept = fresh(left.model)
        kept.tags, kept.notes = [*kept.tags, "mine"], f"{kept.notes}\nmine"
        kept.save()

        deciding.undo(decision=decision, user=ada)

        assert {home(one) for one in (left, later, third)} == {left.model}
        assert home(right) == right.model
        kept = fresh(left.model)
        assert (kept.tags, kept.notes.strip()) == (["mine"], "mine")

    def test_it_is_refused_with_the_name_of_a_later_decision_that_changed_the_same(self, ada: User) -> None:
        first, second, third = (rows.variant(name) for name in ("first", "second", "third"))
        early = deciding.merge(models=[first.model], into=second.model, user=ada)
        late = deciding.merge(models=[second.model], into=third.model, user=ada)
        with pytest.raises(Refused, match=r"later decision.* merged by ada on \d{4}-.*Undo that one first"):
            deciding.undo(decision=early, user=ada)
        deciding.undo(decision=late, user=ada)
        deciding.undo(decision=early, user=ada)
        connection.check_constraints()
        assert [home(one) for one in (first, second, third)] == [first.model, second.model, third.model]

    def test_nothing_goes_back_to_a_model_that_became_another_one_since(self, ada: User) -> None:
        stays, goes, other = rows.variant("stays"), rows.variant("goes"), rows.variant("other")
        deciding.merge(models=[goes.model], into=stays.model, user=ada)
        split = deciding.split(variants=[goes], user=ada)
        late = deciding.merge(models=[stays.model], into=other.model, user=ada)
        with pytest.raises(Refused, match=r"later decision.* merged by ada"):
            deciding.undo(decision=split, user=ada)
        deciding.undo(decision=late, user=ada)
        deciding.undo(decision=split, user=ada)
        connection.check_constraints()
        assert [home(one) for one in (stays, goes, other)] == [stays.model, stays.model, other.model]

    def test_nothing_goes_back_to_a_model_that_became_another_one_again(self, ada: User) -> None:
        first, second, third = (rows.variant(name) for name in ("first", "second", "third"))
        into_third = deciding.merge(models=[second.model], into=third.model, user=ada)
        undone = deciding.undo(decision=into_third, user=ada)
        into_second = deciding.merge(models=[first.model], into=second.model, user=ada)
        again = deciding.undo(decision=into_second, user=ada)
        deciding.undo(decision=undone, user=ada)
        with pytest.raises(Refused, match="Since then"):
            deciding.undo(decision=again, user=ada)

    def test_it_is_refused_when_a_variant_was_absorbed_since(self, ada: User) -> None:
        left, right = rows.variant("left"), rows.variant("right")
        decision = deciding.merge(models=[right.model], into=left.model, user=ada)
        Variant.objects.filter(pk=right.pk).update(merged_into=left)
        with pytest.raises(Refused, match="same bytes"):
            deciding.undo(decision=decision, user=ada)

    def test_it_is_refused_when_files_moved_the_models_since(self, ada: User) -> None:
        left, right, third = (rows.variant(name) for name in "abc")
        decision = deciding.merge(models=[right.model], into=left.model, user=ada)
        Variant.objects.filter(pk=right.pk).update(model=third.model)
        with pytest.raises(Refused, match="where they belong"):
            deciding.undo(decision=decision, user=ada)

    def test_it_happens_once(self, ada: User) -> None:
        left, right = rows.variant("left"), rows.variant("right")
        decision = deciding.merge(models=[right.model], into=left.model, user=ada)
        deciding.undo(decision=decision, user=ada)
        with pytest.raises(Refused, match="undone already"):
            deciding.undo(decision=decision, user=ada)

    def test_an_undone_merge_stands_as_not_the_same_until_the_undo_is_undone(self, ada: User) -> None:
        left, right = hashed("left"), hashed("right")
        decision = joining.join_proven(variants=[right])[0]
        undone = deciding.undo(decision=decision, user=ada)
        assert rejections.stand_between([left], [right])
        assert joining.join_proven(variants=[left, right]) == []
        with pytest.raises(Refused, match="not the same"):
            deciding.merge(models=[right.model], into=left.model, user=ada)

        deciding.undo(decision=undone, user=ada)

        assert not rejections.stand_between([left], [right])
        assert home(right) == home(left) == left.model
        assert fresh(right.model).merged_into == left.model
        connection.check_constraints()

    def test_an_undone_decision_does_not_stand_in_the_way(self, ada: User) -> None:
        first, second, third = (rows.variant(name) for name in "abc")
        early = deciding.merge(models=[first.model], into=second.model, user=ada)
        late = deciding.merge(models=[second.model], into=third.model, user=ada)
        undone = deciding.undo(decision=late, user=ada)
        deciding.undo(decision=undone, user=ada)
        with pytest.raises(Refused, match="later decision"):
            deciding.undo(decision=early, user=ada)

    def test_a_model_whose_join_was_undone_counts_as_touched(self, ada: User) -> None:
        left, right = hashed("left"), hashed("right")
        decision = joining.join_proven(variants=[right])[0]
        deciding.undo(decision=decision, user=ada)
        assert fresh(left.model).touched
        assert fresh(right.model).touched

    def test_a_decision_of_another_kind_cannot_be_undone_here(self, ada: User) -> None:
        kept = Decision.objects.create(kind=DecisionKind.KEEP, actor=ada)
        with pytest.raises(Refused, match="cannot be undone here"):
            deciding.undo(decision=kept, user=ada)
