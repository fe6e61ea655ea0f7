"""Groups of duplicates: which files and variants are in one, what is gained, and that the rows keep up."""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from catalog.models import DuplicateGroup, DuplicateMember, GroupDue, Location, LocationFile, ModelHash, Variant
from catalog.services import grouping
from catalog.services.identity import deciding
from catalog.services.identity.absorbing import absorb
from catalog.vocabulary import Certainty, GroupSort, Relation
from tests import rows
from tests.identity.relations import exact_key, gone, join, related, rounding

if TYPE_CHECKING:
    from django.contrib.auth.models import User

_NUMBERS = itertools.count(1)


def variant(name: str, *paths: str, size: int = 100, bits: int = 16, digest: bytes | None = None) -> Variant:
    """A hashed single-file variant at these places, each with an inode of its own."""
    made = rows.variant(name, size=size)
    made.content = digest or next(_NUMBERS).to_bytes(32, "big")
    made.bits = bits
    made.save()
    ModelHash.objects.create(variant=made, file=made.files.get(), algorithm="blake3", digest=made.content)
    for path in paths or (name,):
        rows.location(made, path.encode())
    Location.objects.filter(variant=made).update(hashed_at=timezone.now())
    return made


def groups(sort: GroupSort = GroupSort.MODEL) -> list[tuple[set[str], int, int]]:
    """Members (by the name of the variant, or the path), bytes, and bytes to gain."""
    grouping.refresh_due()
    found = []
    for row in DuplicateGroup.objects.filter(sort=sort).order_by("-reclaimable", "pk"):
        members = DuplicateMember.objects.filter(group=row).select_related("variant", "file__location")
        names = {member.file.location.path_text if member.file else _name(member.variant) for member in members}
        found.append((names, row.bytes, row.reclaimable))
    return found


def _name(of: Variant) -> str:
    return bytes(of.files.get().name).decode().removesuffix(".safetensors")


def kept() -> set[str]:
    return {_name(member.variant) for member in DuplicateMember.objects.filter(kept=True, file=None)}


@pytest.mark.django_db
class TestIdentical:
    def test_one_digest_at_several_inodes(self) -> None:
        variant("a", "a1", "a2", "a3")
        variant("b")
        assert groups(GroupSort.IDENTICAL) == [({"a1", "a2", "a3"}, 300, 200)]
        assert DuplicateMember.objects.filter(kept=True).count() == 1

    def test_hard_links_gain_nothing(self) -> None:
        variant("a", "a1", "a2")
        LocationFile.objects.update(ino=5)
        assert groups(GroupSort.IDENTICAL) == []

    def test_a_hard_link_beside_a_copy_is_a_member(self) -> None:
        variant("a", "a1", "a2", "a3")
        LocationFile.objects.filter(location__path_text__in=["a1", "a2"]).update(ino=5)
        assert groups(GroupSort.IDENTICAL) == [({"a1", "a2", "a3"}, 200, 100)]

    def test_one_inode_number_on_two_hosts_is_two_files(self) -> None:
        made = variant("a", "a1")
        other = rows.library(b"/elsewhere")
        other.queue = "other"
        other.save()
        place = rows.location(made, b"a2", where=other)
        Location.objects.update(hashed_at=timezone.now())
        LocationFile.objects.filter(location=place).update(ino=LocationFile.objects.get(location__path_text="a1").ino)
        assert groups(GroupSort.IDENTICAL) == [({"a1", "a2"}, 200, 100)]

    def test_a_file_in_several_folders_is_seen(self) -> None:
        variant("folder one", digest=b"\x01" * 32)
        other = rows.variant("folder two")
        ModelHash.objects.create(variant=other, file=other.files.get(), algorithm="blake3", digest=b"\x01" * 32)
        rows.location(other, b"folder two")
        Location.objects.update(hashed_at=timezone.now())
        grouping.due([other.pk])
        assert groups(GroupSort.IDENTICAL) == [({"folder one", "folder two"}, 200, 100)]

    @pytest.mark.parametrize("state", ["missing", "changed", "offline", "in_trash", "removed"])
    def test_only_what_is_there_counts(self, state: str) -> None:
        variant("a", "a1", "a2", "a3")
        assert len(groups(GroupSort.IDENTICAL)) == 1
        Location.objects.filter(path_text="a1").update(state=state)
        assert groups(GroupSort.IDENTICAL) == [({"a2", "a3"}, 200, 100)]
        Location.objects.filter(path_text="a2").update(state=state)
        assert groups(GroupSort.IDENTICAL) == []
        Location.objects.update(state="present")
        assert groups(GroupSort.IDENTICAL) == [({"a1", "a2", "a3"}, 300, 200)]

    def test_a_group_keeps_its_number(self) -> None:
        variant("a", "a1", "a2", "a3")
        groups()
        before = DuplicateGroup.objects.get()
        Location.objects.get(path_text="a3").delete()
        groups()
        assert DuplicateGroup.objects.get() == before

    def test_what_was_absorbed_is_grouped_under_its_survivor(self) -> None:
        old, new = variant("old"), variant("new")
        groups()
        with transaction.atomic():
            absorb(survivor=old, loser=new)
        assert groups(GroupSort.IDENTICAL) == [({"old", "new"}, 200, 100)]
        assert set(DuplicateMember.objects.values_list("variant", flat=True)) == {old.pk}


@pytest.mark.django_db
class TestOneModel:
    @pytest.mark.parametrize("relation", [Relation.SAME_TENSORS, Relation.SAME_WEIGHTS, Relation.OTHER_PRECISION])
    @pytest.mark.parametrize("certainty", [Certainty.PROVEN, Certainty.ALL_VALUES])
    def test_sure_relations_make_a_group(self, relation: Relation, certainty: Certainty) -> None:
        related(variant("a"), variant("b"), relation, certainty)
        assert groups() == [({"a", "b"}, 200, 100)]
        row = DuplicateGroup.objects.get()
        assert (row.relation, row.certainty) == (relation, certainty)

    @pytest.mark.parametrize("relation", [one for one in Relation if one is not Relation.IDENTICAL])
    @pytest.mark.parametrize("certainty", [Certainty.KEYS, Certainty.SAMPLES, Certainty.SUSPECTED])
    def test_weaker_ones_are_no_edges(self, relation: Relation, certainty: Certainty) -> None:
        related(variant("a"), variant("b"), relation, certainty)
        assert groups() == []

    @pytest.mark.parametrize(
        "relation",
        [Relation.QUANTISED, Relation.PART_OF, Relation.DERIVED, Relation.SHARES_PARTS, Relation.REARRANGED],
    )
    def test_other_relations_are_none_however_sure(self, relation: Relation) -> None:
        related(variant("a"), variant("b"), relation, Certainty.ALL_VALUES)
        assert groups() == []

    def test_an_accepted_relation_is_an_edge(self, django_user_model: type[User]) -> None:
        full, small = variant("full", size=300), variant("small", bits=4)
        related(full, small, Relation.QUANTISED, Certainty.SAMPLES, made=small)
        assert groups() == []
        ada = django_user_model.objects.create_user("ada")
        decision = deciding.merge(models=[small.model], into=full.model, user=ada)
        assert groups() == [({"full", "small"}, 400, 100)]
        assert kept() == {"full"}
        deciding.undo(decision=decision, user=ada)
        assert groups() == []

    def test_a_chain_of_relations_is_one_group_and_its_weakest_counts(self) -> None:
        full, half, renamed = variant("full", size=200, bits=32), variant("half"), variant("renamed")
        rounding(full, half)
        related(half, renamed, Relation.SAME_WEIGHTS, Certainty.ALL_VALUES)
        assert groups() == [({"full", "half", "renamed"}, 400, 200)]
        ties = {_name(one.variant): (one.relation, one.certainty) for one in DuplicateMember.objects.all()}
        assert ties == {
            "full": ("identical", "proven"),
            "half": ("other_precision", "proven"),
            "renamed": ("other_precision", "all_values"),
        }
        assert kept() == {"full"}

    def test_a_sound_one_is_kept_rather_than_one_of_more_bits(self) -> None:
        full, half = variant("full", bits=32), variant("half")
        Variant.objects.filter(pk=full.pk).update(outcome="suspicious")
        rounding(full, half)
        groups()
        assert kept() == {"half"}

    def test_a_remembered_one_holds_others_together_and_is_no_member(self) -> None:
        full, half, renamed = gone(variant("full", bits=32)), variant("half"), variant("renamed")
        rounding(full, half)
        rounding(full, renamed)
        assert groups() == [({"half", "renamed"}, 200, 100)]

    def test_never_across_a_rejection(self, django_user_model: type[User]) -> None:
        one, middle, other = variant("one"), variant("middle"), variant("other")
        related(one, middle, Relation.SAME_TENSORS)
        related(middle, other, Relation.SAME_WEIGHTS)
        assert groups() == [({"one", "middle", "other"}, 300, 200)]
        decision = deciding.not_same(left=one, right=other, user=django_user_model.objects.create_user("ada"))
        assert groups() == [({"one", "middle"}, 200, 100)]
        deciding.undo(decision=decision, user=None)
        assert groups() == [({"one", "middle", "other"}, 300, 200)]

    def test_never_across_a_rejection_within_one_model_either(self, django_user_model: type[User]) -> None:
        ada = django_user_model.objects.create_user("ada")
        one, other, later = variant("one"), variant("other"), variant("later")
        for made, digest in ((one, b"\x01"), (other, b"\x02"), (later, b"\x02")):
            ModelHash.objects.create(variant=made, file=None, algorithm="weights:v1", digest=digest * 32)
        joined = join(related(one, other, Relation.SAME_WEIGHTS, Certainty.ALL_VALUES))
        join(related(later, other, Relation.SAME_WEIGHTS))
        related(later, one, Relation.SAME_WEIGHTS, Certainty.ALL_VALUES)
        deciding.undo(decision=joined[0], user=ada)
        later.refresh_from_db()
        assert later.model_id == one.model_id, "it was received since, and stays"
        assert groups() == [({"other", "later"}, 200, 100)]

    def test_never_across_a_chain_that_lies(self) -> None:
        one, other, third = variant("one", bits=32), variant("other", bits=32), variant("third")
        rounding(one, third)
        rounding(other, third)
        assert groups() == [({"one", "third"}, 200, 100)]

    def test_equal_keys_make_the_chain_true(self) -> None:
        one, other, third = variant("one", bits=32), variant("other", bits=32), variant("third")
        key = one.pk
        exact_key(one, key)
        exact_key(other, key)
        rounding(one, third)
        rounding(other, third)
        assert groups() == [({"one", "other", "third"}, 300, 200)]

    @pytest.mark.parametrize(
        ("name", "value"), [("obstacle", "settings"), ("obstacle", "kinds"), ("settings", ["alpha"])]
    )
    def test_equal_weights_that_mean_something_else_are_no_edge(self, name: str, value: object) -> None:
        match = related(variant("a"), variant("b"), Relation.SAME_TENSORS)
        match.evidence[name] = value
        match.save()
        assert groups() == []

    def test_equal_weights_of_which_names_do_not_tell_the_places_are_no_edge(self) -> None:
        related(variant("a"), variant("b"), Relation.SAME_WEIGHTS, places=False)
        assert groups() == []

    def test_two_models_that_people_touched_are_grouped_all_the_same(self) -> None:
        related(variant("a"), variant("b"), Relation.SAME_TENSORS, obstacle="touched")
        assert groups() == [({"a", "b"}, 200, 100)]

    def test_a_relation_that_goes_away_takes_its_group_along(self) -> None:
        match = related(variant("a"), variant("b"), Relation.SAME_TENSORS)
        groups()
        match.relation = Relation.DERIVED
        match.save()
        assert groups() == []
        match.relation = Relation.SAME_WEIGHTS
        match.save()
        assert len(groups()) == 1
        match.delete()
        assert groups() == []

    def test_a_group_that_falls_apart_keeps_its_number_once(self) -> None:
        four = [variant(name) for name in "abcd"]
        matches = [related(one, other, Relation.SAME_TENSORS) for one, other in itertools.pairwise(four)]
        groups()
        before = DuplicateGroup.objects.get().pk
        matches[1].delete()
        assert [names for names, _, _ in groups()] == [{"a", "b"}, {"c", "d"}]
        assert before in set(DuplicateGroup.objects.values_list("pk", flat=True))

    def test_bytes_count_once_and_copies_first(self) -> None:
        one, other = variant("one", "one", "one copied"), variant("other")
        related(one, other, Relation.SAME_TENSORS)
        assert groups(GroupSort.IDENTICAL) == [({"one", "one copied"}, 200, 100)]
        assert groups() == [({"one", "other"}, 200, 100)]

    def test_a_file_that_another_one_needs_is_not_gained(self) -> None:
        one, other = variant("one"), variant("other", size=40)
        related(one, other, Relation.SAME_TENSORS)
        assert groups() == [({"one", "other"}, 140, 40)]
        pipeline = rows.variant("pipeline", size=40)
        ModelHash.objects.create(
            variant=pipeline, file=pipeline.files.get(), algorithm="blake3", digest=bytes(other.content or b"")
        )
        place = rows.location(pipeline, b"pipeline")
        grouping.due([pipeline.pk])
        Location.objects.update(hashed_at=timezone.now())
        assert groups() == [({"one", "other"}, 140, 0)]
        Location.objects.filter(pk=place.pk).update(state="missing")
        assert groups() == [({"one", "other"}, 140, 40)]

    def test_a_join_by_itself_is_a_group(self) -> None:
        one, other = variant("one"), variant("other")
        join(rounding(one, other))
        assert len(groups()) == 1


@pytest.mark.django_db
def test_what_did_not_change_is_not_looked_at() -> None:
    variant("a", "a1", "a2")
    groups()
    with CaptureQueriesContext(connection) as asked:
        assert grouping.refresh_due() == 0
    assert len(asked) <= 4  # the lock, the marks, and the transaction around them


@pytest.mark.django_db
def test_many_variants_without_duplicates_cost_as_many_statements_as_one() -> None:
    counts = []
    for number in (1, 40):
        for at in range(number):
            variant(f"{number} {at}")
        with CaptureQueriesContext(connection) as asked:
            grouping.refresh_due()
        counts.append(len(asked))
    assert counts[0] == counts[1]


@pytest.mark.django_db
def test_marks_of_many_transactions_are_taken_in_parts() -> None:
    for name in "abc":
        variant(name, f"{name}1", f"{name}2")
    marks = GroupDue.objects.count()
    assert grouping.refresh_due(at_once=2) == marks
    assert DuplicateGroup.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_a_mark_that_is_written_meanwhile_is_not_lost() -> None:
    one, other = variant("one"), variant("other")
    grouping.refresh_due()
    ready, done = threading.Event(), threading.Event()

    def write() -> None:
        try:
            with transaction.atomic():
                related(one, other, Relation.SAME_TENSORS)
                ready.set()
                done.wait(10)
        finally:
            connections.close_all()

    writer = threading.Thread(target=write)
    writer.start()
    ready.wait(10)
    grouping.due([one.pk])
    grouping.refresh_due()
    assert not DuplicateGroup.objects.exists()
    done.set()
    writer.join()
    grouping.refresh_due()
    assert DuplicateGroup.objects.count() == 1
