"""A variant finds its like: whichever comes first, whether its file is there or not, and by workers that get lost."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models.functions import Now

from catalog import tasks
from catalog.errors import LeaseLost
from catalog.matching import proving, whole
from catalog.matching.base import Evidence
from catalog.models import Component, ComponentProbe, Finding, Library, Location, Match, Variant
from catalog.queries import comparing as comparisons
from catalog.services import reconciling, working
from catalog.services.identity import twins
from catalog.services.matching import leases, searching
from catalog.services.matching import working as matching
from catalog.services.matching.storing import Found
from catalog.services.matching.subjects import Shelf
from catalog.vocabulary import Certainty, Direction, FindingCode, Relation, SameModel, Stage
from tests.builders import networks
from tests.builders.conversions import single
from tests.builders.misses import trained
from tests.identity.catalogue import catalogue, hash_all, put, variant_at
from tests.services.matched import bring, compare_all, relation, search_all

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from catalog.matching.base import Subject

pytestmark = pytest.mark.django_db


def test_what_is_read_waits_to_be_searched_for(library: Library, folder: Path) -> None:
    bring(library, folder, "f16", "int8")
    assert comparisons.waiting().searches == 2

    assert search_all() == 2
    assert comparisons.waiting().searches == 0
    assert leases.take() is None


def test_comparisons_wait_while_headers_or_small_files_are_read(library: Library, folder: Path) -> None:
    bring(library, folder, "f16", "int8")
    read = Location.objects.filter(library=library)
    read.update(stage=Stage.HASH, lease=uuid4(), leased_until=Now() + timedelta(seconds=60))
    tasks.search()
    assert comparisons.waiting().searches == 2

    read.update(size=working.SMALL)
    assert not reconciling.hurried(), "a large file is read for long"
    read.update(lease=None, leased_until=None)
    tasks.search()
    assert comparisons.waiting().searches == 0


def test_a_pair_that_nobody_foresaw_costs_neither_a_file_nor_the_other_likes(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bring(library, folder, "f16", "int8")
    odd = variant_at(library, "f16.safetensors")

    def stumbling(
        work: Callable[[Subject, Subject], Evidence | None],
    ) -> Callable[[Subject, Subject], Evidence | None]:
        def compared(left: Subject, right: Subject) -> Evidence | None:
            if str(odd.pk) in {left.label, right.label}:
                raise IndexError
            return work(left, right)

        return compared

    monkeypatch.setattr(twins, "prove", stumbling(proving.prove))
    monkeypatch.setattr(whole, "compare", stumbling(whole.compare))
    bring(library, folder, "renamed f16")
    search_all()

    assert not Finding.objects.filter(cleared_at=None).exists()
    assert relation(library, "f16", "renamed f16") is None
    assert relation(library, "int8", "renamed f16") is not None
    assert "could not be" in caplog.text


@pytest.mark.parametrize("order", [("f16", "int8"), ("int8", "f16")])
def test_a_quantisation_is_found_whichever_is_hashed_first(
    library: Library, folder: Path, order: tuple[str, str]
) -> None:
    for kind in order:
        bring(library, folder, kind)
        search_all()

    found = relation(library, "f16", "int8")
    assert found is not None
    assert found.relation == Relation.QUANTISED
    assert found.compare_due or found.certainty == Certainty.ALL_VALUES


def test_two_that_come_at_once_end_as_one_pair(library: Library, folder: Path) -> None:
    bring(library, folder, "f16", "int8")
    first, second = leases.take(), leases.take()
    assert first is not None
    assert second is not None
    seen = [searching._look(claim.variant, Shelf()) for claim in (first, second)]
    for claim, one in zip((first, second), seen, strict=True):
        searching._store(claim, one)

    assert Match.objects.count() == 1


def test_searching_again_changes_nothing(library: Library, folder: Path) -> None:
    bring(library, folder, "f16", "int8", "trained")
    search_all()
    compare_all()
    before = list(Match.objects.order_by("pk").values_list("pk", "relation", "certainty", "compare_due"))
    Variant.objects.update(search_due=True)
    search_all()

    assert list(Match.objects.order_by("pk").values_list("pk", "relation", "certainty", "compare_due")) == before
    assert ComponentProbe.objects.count() == Component.objects.filter(core_tensors__gt=0).count()


def test_after_the_third_loss_a_search_is_given_up_and_says_so(library: Library, folder: Path) -> None:
    bring(library, folder, "f16")
    for _ in range(3):
        assert leases.take() is not None
        Variant.objects.update(search_until=Now() - timedelta(seconds=1))
        leases.expire()

    assert leases.take() is None
    assert Finding.objects.get(code=FindingCode.COMPARISON_FAILED, cleared_at=None)

    Variant.objects.update(search_due=True)
    search_all()
    assert not Finding.objects.filter(code=FindingCode.COMPARISON_FAILED, cleared_at=None).exists()


def test_what_a_lost_search_found_is_dropped(library: Library, folder: Path) -> None:
    bring(library, folder, "f16")
    claim = leases.take()
    assert claim is not None
    Variant.objects.update(search_until=Now() - timedelta(seconds=1))
    leases.expire()

    with pytest.raises(LeaseLost):
        searching.search(claim)
    matching.search(claim, Shelf())
    assert leases.take() is not None


def test_an_error_that_nobody_foresaw_counts_as_a_loss(library: Library, folder: Path) -> None:
    bring(library, folder, "f16")
    claim = leases.take()
    assert claim is not None

    matching.interrupted(claim, RuntimeError("odd"))

    assert Variant.objects.values_list("search_due", "search_lease", "search_attempts").get() == (True, None, 1)


def test_a_search_that_is_given_back_was_never_taken(library: Library, folder: Path) -> None:
    bring(library, folder, "f16")
    claim = leases.take()
    assert claim is not None
    assert not leases.beat(claim).cancel

    leases.release(claim)

    assert leases.beat(claim).cancel
    assert Variant.objects.values_list("search_due", "search_lease", "search_attempts").get() == (True, None, 0)


def test_a_fine_tune_is_derived_and_belongs_to_the_family(library: Library, folder: Path) -> None:
    bring(library, folder, "f16")
    search_all()
    bring(library, folder, "trained")
    search_all()

    found = relation(library, "f16", "trained")
    assert found is not None
    assert (found.relation, found.same_model) == (Relation.DERIVED, SameModel.NO)
    assert len(set(ComponentProbe.objects.values_list("family", flat=True))) == 1


def test_of_what_is_only_derived_the_nearest_are_kept(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tensors = networks.convnet(3).tensors
    for size in (0.01, 0.03, 0.1):
        (content,) = single(trained(size)(tensors)).values()
        put(folder, f"{size}.safetensors", content)
    catalogue(library)
    search_all()
    Match.objects.all().delete()
    monkeypatch.setattr(searching, "_MOST_DISTANT", 1)

    bring(library, folder, "f16")
    search_all()

    assert Match.objects.count() == 1
    assert relation(library, "f16", "0.01") is not None


@pytest.mark.django_db(transaction=True)
def test_a_search_and_an_absorption_at_once_leave_nothing_behind(library: Library, folder: Path) -> None:
    """The variant is absorbed between the look and the writing."""
    bring(library, folder, "f16", "int8")
    claim = leases.take()
    assert claim is not None
    seen = searching._look(claim.variant, Shelf())
    survivor = Variant.objects.exclude(pk=claim.variant).get()
    Variant.objects.filter(pk=claim.variant).update(merged_into=survivor, content=None)

    done: list[object] = []

    def store() -> None:
        try:
            done.append(searching._store(claim, seen))
        finally:
            connection.close()

    thread = threading.Thread(target=store)
    thread.start()
    thread.join()
    assert done
    assert not Match.objects.exists()


def test_many_quantisations_of_one_source_are_not_read_two_by_two() -> None:
    sampled = Evidence(Relation.QUANTISED, Certainty.SAMPLES, SameModel.UNKNOWN, detection_limit=1e-3, full=True)
    siblings = [Found(uuid4(), uuid4(), sampled) for _ in range(20)]
    source = Found(uuid4(), uuid4(), replace(sampled, direction=Direction.LEFT_FROM_RIGHT, detection_limit=1e-2))
    by_key = Found(uuid4(), uuid4(), replace(sampled, relation=Relation.SAME_WEIGHTS, certainty=Certainty.KEYS))

    chosen = searching._chosen([*siblings, source, by_key])

    assert len(chosen) == 22
    assert [one.right for one in chosen if one.due][:2] == [by_key.right, source.right]
    assert sum(one.due for one in chosen) == 4


def test_likes_that_are_not_on_disk_keep_nobody_from_being_read(library: Library, folder: Path) -> None:
    bring(library, folder, "f16")
    there = variant_at(library, "f16.safetensors").pk
    by_key = Evidence(Relation.SAME_WEIGHTS, Certainty.KEYS, SameModel.UNKNOWN, full=True)
    gone = [Found(uuid4(), uuid4(), by_key) for _ in range(9)]
    sampled = replace(by_key, relation=Relation.QUANTISED, certainty=Certainty.SAMPLES)

    chosen = searching._chosen([*gone, Found(uuid4(), there, sampled)])

    due = [one.right for one in chosen if one.due]
    assert there in due
    assert len(due) == 4


def test_what_is_read_anew_during_its_search_is_searched_for_again(library: Library, folder: Path) -> None:
    bring(library, folder, "f16")
    claim = leases.take()
    assert claim is not None
    Component.objects.update(version=0)
    Location.objects.update(stage=Stage.HASH)
    hash_all()

    with pytest.raises(LeaseLost):
        searching.search(claim)
    assert search_all() == 1
