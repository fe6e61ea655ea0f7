"""Chains of roundings that would lie, and what others declare of two variants."""

from __future__ import annotations

from uuid import uuid4

import pytest

from catalog.formats import Probe
from catalog.formats.packing import pack
from catalog.models import ExternalId, Match, TensorIndex
from catalog.services.identity import deciding
from catalog.vocabulary import Certainty, Format, Obstacle, Outcome, Relation
from tests.identity.relations import digests, exact_key, home, join, related, rounding, told, variant

pytestmark = pytest.mark.django_db


def unsure(relation: Relation) -> Match:
    """Two that every value says this of, and that are not joined for it."""
    return related(variant("old"), variant("new"), relation, Certainty.ALL_VALUES)


class TestChains:
    def test_two_that_round_to_one_third_are_only_proposed(self) -> None:
        one, other, third = variant("one"), variant("other"), variant("third")
        matches = [rounding(one, third), rounding(other, third)]
        join(*matches)
        assert home(third) == home(one) != home(other)
        assert told(matches[1]) == (Obstacle.CHAIN, True)

    def test_whichever_comes_last(self) -> None:
        one, other, third = variant("one"), variant("other"), variant("third")
        assert len(join(rounding(other, third))) == 1
        late = rounding(one, third)
        assert join(late) == []
        assert told(late) == (Obstacle.CHAIN, True)

    def test_it_is_seen_through_one_of_equal_weights(self) -> None:
        one, other = variant("one"), variant("other")
        third, again = variant("third"), variant("again")
        join(rounding(one, third), rounding(other, again))
        match = related(third, again, Relation.SAME_WEIGHTS)
        assert join(match) == []
        assert told(match) == (Obstacle.CHAIN, True)

    def test_it_is_seen_by_digests_alone(self) -> None:
        one, other, third = variant("one"), variant("other"), variant("third")
        rounded = b"\x77" * 32
        digests(third, {"weights:v1": rounded})
        digests(one, {"weights-f16:v1": rounded})
        third.model = one.model
        third.save()
        match = rounding(other, third)
        assert join(match) == []
        assert told(match) == (Obstacle.CHAIN, True)

    def test_equal_exact_keys_are_no_lie(self) -> None:
        one, other, third = variant("one"), variant("other"), variant("third")
        key = uuid4()
        exact_key(one, key)
        exact_key(other, key)
        join(rounding(one, third), rounding(other, third))
        assert home(one) == home(other) == home(third)

    def test_one_that_rounds_to_the_other_is_no_lie(self) -> None:
        full, half, third = variant("full"), variant("half"), variant("third")
        join(rounding(full, third), rounding(half, third), rounding(full, half))
        assert home(full) == home(half) == home(third)

    def test_two_roundings_of_one_parent_are_no_lie(self) -> None:
        parent, one, other = variant("parent"), variant("one"), variant("other")
        join(rounding(parent, one), rounding(parent, other))
        assert home(parent) == home(one) == home(other)

    def test_what_a_person_put_together_is_not_asked_again(self) -> None:
        one, other, third, fourth = (variant(name) for name in ("one", "other", "third", "fourth"))
        other.model = third.model = one.model
        other.save()
        third.save()
        rounding(one, third)
        rounding(other, third)
        match = related(third, fourth, Relation.SAME_WEIGHTS)
        join(match)
        assert home(third) == home(fourth)


class TestDeclared:
    @pytest.mark.parametrize("relation", [Relation.QUANTISED, Relation.OTHER_PRECISION])
    def test_files_of_one_repository(self, relation: Relation) -> None:
        match = unsure(relation)
        ExternalId.objects.create(scheme="hf", value="ada/model@abc/a.gguf", variant=match.left)
        ExternalId.objects.create(scheme="hf", value="Ada/Model@def/b.gguf", model=match.right.model)
        join(match)
        assert told(match) == (Obstacle.DECLARED, True)
        assert Match.objects.get().evidence["declared"] == "repository"

    def test_files_of_one_version_at_civitai(self) -> None:
        match = unsure(Relation.QUANTISED)
        for side in (match.left, match.right):
            ExternalId.objects.create(scheme="civitai-version", value="42", variant=side)
        join(match)
        assert Match.objects.get().evidence["declared"] == "civitai-version"

    def test_a_gguf_file_whose_header_names_the_other(self) -> None:
        match = unsure(Relation.QUANTISED)
        ExternalId.objects.create(scheme="hf", value="ada/model@abc/model.safetensors", variant=match.left)
        match.right.format = Format.GGUF
        match.right.save()
        metadata = {"general.base_model.0.repo_url": "https://huggingface.co/ada/model"}
        probe = Probe(Format.GGUF, Outcome.OK, (), metadata)
        TensorIndex.objects.create(variant=match.right, packed=pack(probe), tensors=0)
        join(match)
        assert told(match) == (Obstacle.DECLARED, True)
        assert Match.objects.get().evidence["declared"] == "base_model"

    def test_others_are_not(self) -> None:
        match = unsure(Relation.QUANTISED)
        ExternalId.objects.create(scheme="hf", value="ada/model", variant=match.left)
        ExternalId.objects.create(scheme="hf", value="ada/other", variant=match.right)
        join(match)
        assert told(match) == (Obstacle.QUANTISED, True)

    def test_a_declaration_proves_nothing(self) -> None:
        match = unsure(Relation.DERIVED)
        for side in (match.left, match.right):
            ExternalId.objects.create(scheme="hf", value="ada/model", variant=side)
        join(match)
        assert home(match.left) != home(match.right)
        assert told(match) == (None, False)


class TestDecided:
    """After a person decided, what stands beside a relation is what is true now."""

    def test_an_undone_join_says_so_and_asks_nobody(self) -> None:
        match = rounding(variant("old"), variant("new"))
        (decision,) = join(match)
        undone = deciding.undo(decision=decision, user=None)
        assert told(match) == (Obstacle.REJECTED, False)
        deciding.undo(decision=undone, user=None)
        assert home(match.left) == home(match.right)
        assert told(match) == (None, False)

    def test_a_rejection_that_is_lifted_is_proposed(self) -> None:
        match = rounding(variant("old"), variant("new"))
        decision = deciding.not_same(left=match.left, right=match.right, user=None)
        assert told(match) == (Obstacle.REJECTED, False)
        deciding.undo(decision=decision, user=None)
        assert home(match.left) != home(match.right)
        assert told(match) == (Obstacle.TOUCHED, True)

    def test_an_accepted_proposal_is_none_any_more(self) -> None:
        match = unsure(Relation.QUANTISED)
        join(match)
        deciding.merge(models=[match.left.model], into=match.right.model, user=None)
        assert told(match) == (None, False)

    def test_a_decision_joins_nothing_beside_it(self) -> None:
        left, right, third = variant("left"), variant("right"), variant("third")
        rounding(left, third)
        deciding.merge(models=[left.model], into=right.model, user=None)
        assert home(third) != home(left)
