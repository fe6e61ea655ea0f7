"""A variant finds its like: whichever comes first, whether its file is there or not, and by workers that get lost."""

from __future__ import annotations

import os
import threading
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from catalog.errors import LeaseLost
from catalog.fingerprints.base import VERSION
from catalog.models import Component, ComponentKey, ComponentProbe, Finding, Library, Location, Match, Variant
from catalog.queries import comparing as comparisons
from catalog.services.matching import comparing, leases, reaching, renewing, searching, subjects
from catalog.services.matching import working as matching
from catalog.services.matching.subjects import Shelf
from catalog.vocabulary import Certainty, FindingCode, Relation, SameModel, Stage
from tests.builders import HALF, networks
from tests.builders.conversions import single
from tests.builders.conversions_layout import renamed
from tests.builders.conversions_precision import chain
from tests.builders.conversions_quantised import int8_beside_scales
from tests.builders.misses import trained
from tests.identity.catalogue import add, catalogue, hash_all, put, scan, variant_at

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.django_db


@lru_cache(maxsize=8)
def made(kind: str, seed: int = 3) -> bytes:
    """One file of a small network."""
    tensors = networks.convnet(seed).tensors
    change = {
        "f32": dict,
        "f16": chain(HALF),
        "renamed f16": lambda tensors: renamed(chain(HALF)(tensors)),
        "int8": lambda tensors: int8_beside_scales(tensors, by_row=True),
        "trained": trained(1e-2),
    }[kind]
    (content,) = single(change(tensors)).values()
    return content


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return add(tmp_path / "models")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "models"


def bring(library: Library, folder: Path, *kinds: str) -> None:
    """Files of these kinds, scanned and read."""
    for kind in kinds:
        put(folder, f"{kind}.safetensors", made(kind))
    catalogue(library)


def search_all() -> int:
    """Everybody who waits; how many."""
    count = 0
    while claim := leases.take():
        searching.search(claim)
        count += 1
    return count


def compare_all() -> int:
    """Every pair that can be read; how many."""
    count = 0
    while work := comparing.take(queue=settings.QUEUE):
        assert comparing.compare(work) is not None
        count += 1
    return count


def relation(library: Library, one: str, other: str) -> Match | None:
    ends = {variant_at(library, f"{name}.safetensors").pk for name in (one, other)}
    return Match.objects.filter(left__in=ends, right__in=ends).first()


def test_what_is_read_waits_to_be_searched_for(library: Library, folder: Path) -> None:
    bring(library, folder, "f16", "int8")
    assert comparisons.waiting().searches == 2

    assert search_all() == 2
    assert comparisons.waiting().searches == 0
    assert leases.take() is None


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


def test_a_source_that_is_gone_is_found(library: Library, folder: Path) -> None:
    bring(library, folder, "f16")
    search_all()
    (folder / "f16.safetensors").unlink()
    scan(library)
    bring(library, folder, "int8")
    search_all()

    found = relation(library, "f16", "int8")
    assert found is not None
    assert found.relation == Relation.QUANTISED
    reaching.look(slices=1)
    found.refresh_from_db()
    assert (found.compare_due, found.out_of_reach, found.evidence["reach"]) == (False, True, "bytes_gone")
    assert comparisons.waiting().out_of_reach == 1

    bring(library, folder, "f16")
    reaching.look(slices=1)
    found.refresh_from_db()
    assert (found.compare_due, found.out_of_reach, "reach" in found.evidence) == (True, False, False)


def test_all_values_are_compared_by_a_worker_that_reaches_both(library: Library, folder: Path) -> None:
    bring(library, folder, "f16", "int8")
    search_all()
    assert comparing.waiting(queue=settings.QUEUE, most=8) == 1
    assert comparing.waiting(queue="another host", most=8) == 0
    assert comparing.take(queue="another host") is None

    assert compare_all() == 1

    found = relation(library, "f16", "int8")
    assert found is not None
    assert (found.certainty, found.compare_due, found.lease) == (Certainty.ALL_VALUES, False, None)
    assert found.evidence["values_outside"] == 0


def test_files_of_two_hosts_are_out_of_reach(library: Library, folder: Path, tmp_path: Path) -> None:
    other = add(tmp_path / "other")
    bring(library, folder, "f16")
    bring(other, tmp_path / "other", "int8")
    search_all()
    Library.objects.filter(pk=other.pk).update(queue="another host")

    assert comparing.take(queue=settings.QUEUE) is None
    reaching.look(slices=1)

    found = Match.objects.get()
    assert (found.compare_due, found.evidence["reach"]) == (False, "out_of_reach")


@pytest.mark.parametrize("change", [{"paused": True}, {"online": False}], ids=["paused", "offline"])
def test_nothing_is_compared_that_may_not_be_read(library: Library, folder: Path, change: dict[str, bool]) -> None:
    bring(library, folder, "f16", "int8")
    search_all()
    Library.objects.update(**change)

    assert comparing.take(queue=settings.QUEUE) is None
    reaching.look(slices=1)
    assert Match.objects.get().compare_due is change.get("paused", False)


def test_the_verdict_is_dropped_when_a_file_changed(library: Library, folder: Path) -> None:
    bring(library, folder, "f16", "int8")
    search_all()
    put(folder, "f16.safetensors", made("trained"))

    work = comparing.take(queue=settings.QUEUE)
    assert work is not None
    assert comparing.compare(work) is None

    found = Match.objects.get()
    assert (found.certainty, found.compare_due, found.attempts) == (Certainty.SAMPLES, True, 0)
    assert found.lease is not None, "nobody tries again at once"


def test_a_verdict_of_a_lost_lease_is_dropped(library: Library, folder: Path) -> None:
    bring(library, folder, "f16", "int8")
    search_all()
    work = comparing.take(queue=settings.QUEUE)
    assert work is not None
    Match.objects.update(leased_until=Now() - timedelta(seconds=1))
    comparing.expire()

    with pytest.raises(LeaseLost):
        comparing._store(work, comparing._read(work))
    assert Match.objects.get().compare_due


def test_after_the_third_loss_a_comparison_is_given_up_and_says_so(library: Library, folder: Path) -> None:
    bring(library, folder, "f16", "int8")
    search_all()
    for _ in range(3):
        assert comparing.take(queue=settings.QUEUE) is not None
        Match.objects.update(leased_until=Now() - timedelta(seconds=1))
        comparing.expire()

    assert comparing.take(queue=settings.QUEUE) is None
    assert not Match.objects.get().compare_due
    assert Finding.objects.get(code=FindingCode.COMPARISON_FAILED, cleared_at=None).variant_id is not None


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


def test_a_name_and_another_layout_make_no_difference(library: Library, folder: Path) -> None:
    bring(library, folder, "f32")
    search_all()
    bring(library, folder, "renamed f16")
    search_all()
    compare_all()

    assert Variant.objects.filter(merged_into=None).values("model").distinct().count() == 1


def test_a_subject_says_what_is_kept(library: Library, folder: Path) -> None:
    bring(library, folder, "f16")
    variant = variant_at(library, "f16.safetensors")

    subject = subjects.load([variant.pk])[variant.pk]

    assert subject.content == bytes(variant.content or b"")
    assert {"tensors:v1", "weights:v1"} <= subject.whole.keys()
    assert len(subject.components) == 1
    assert subject.sound
    assert subjects.load([]) == {}
    Component.objects.update(fingerprint=b"broken")
    assert subjects.load([variant.pk])[variant.pk].components == ()


def test_a_shelf_keeps_what_was_asked_for_last(library: Library, folder: Path) -> None:
    bring(library, folder, "f16", "int8")
    first, second = Variant.objects.order_by("number").values_list("pk", flat=True)
    shelf = Shelf(most=1)
    kept = shelf.get([first])[first]

    assert shelf.get([first])[first] is kept
    shelf.get([second])
    assert shelf.get([first])[first] is not kept


def test_what_was_hashed_before_there_were_fingerprints_is_read_again(library: Library, folder: Path) -> None:
    bring(library, folder, "f16", "int8")
    search_all()
    Match.objects.all().delete()
    ComponentKey.objects.all().delete()
    Component.objects.update(fingerprint=None, version=0)

    assert renewing.renew(most=1) == 1
    assert set(Location.objects.filter(stage=Stage.HASH).values_list("priority", flat=True)) == {renewing.PRIORITY}
    assert renewing.renew() == 0, "while something waits to be read"
    hash_all()
    assert renewing.renew() == 1
    hash_all()
    assert renewing.renew() == 0

    assert set(Component.objects.values_list("version", flat=True)) == {VERSION}
    assert comparisons.waiting().searches == 2
    search_all()
    assert relation(library, "f16", "int8") is not None


def test_nothing_is_read_again_that_is_not_there(library: Library, folder: Path) -> None:
    bring(library, folder, "f16")
    os.unlink(folder / "f16.safetensors")
    scan(library)
    Component.objects.update(version=0)

    assert renewing.renew() == 0


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
