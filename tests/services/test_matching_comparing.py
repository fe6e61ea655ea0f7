"""All values of a pair are compared by a worker that reaches both files; who cannot, says so."""

from __future__ import annotations

import os
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.db.models.functions import Now

from catalog.errors import LeaseLost
from catalog.models import Finding, Library, Location, Match, Variant
from catalog.queries import comparing as comparisons
from catalog.services import drives, libraries
from catalog.services.matching import comparing, reaching
from catalog.services.matching import working as matching
from catalog.vocabulary import Certainty, FindingCode, Obstacle, Relation
from tests.identity.catalogue import add, catalogue, put, scan, variant_at
from tests.services.matched import bring, compare_all, made, relation, search_all

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.django_db


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


def test_a_name_and_another_layout_make_no_difference(library: Library, folder: Path) -> None:
    bring(library, folder, "f32")
    search_all()
    bring(library, folder, "renamed f16")
    search_all()
    compare_all()

    assert Variant.objects.filter(merged_into=None).values("model").distinct().count() == 1


def test_a_file_that_is_only_offline_is_out_of_reach_until_it_is_gone(library: Library, folder: Path) -> None:
    bring(library, folder, "f16", "int8")
    search_all()
    libraries.set_online(library_id=library.pk, online=False)
    reaching.look(slices=1)
    assert Match.objects.get().evidence["reach"] == "out_of_reach"

    Location.objects.filter(variant=variant_at(library, "f16.safetensors")).update(state="missing")
    reaching.look(slices=1)
    assert Match.objects.get().evidence["reach"] == "bytes_gone"


def test_what_keys_prove_of_is_joined_once_the_source_is_gone_for_good(library: Library, folder: Path) -> None:
    bring(library, folder, "f16", "int8")
    search_all()
    told = {"proven": 1.0, "by_key": 1.0, "places": True, "settings": []}
    Match.objects.update(relation=Relation.SAME_WEIGHTS, certainty=Certainty.KEYS, evidence=told)
    libraries.set_online(library_id=library.pk, online=False)
    reaching.look(slices=1)
    assert Match.objects.get().evidence["obstacle"] == Obstacle.KEYS

    Location.objects.filter(variant=variant_at(library, "f16.safetensors")).update(state="missing")
    reaching.look(slices=1)
    assert Variant.objects.filter(merged_into=None).values("model").distinct().count() == 1


def test_a_file_that_cannot_be_read_is_tried_three_times_and_the_finding_says_why(
    library: Library, folder: Path
) -> None:
    bring(library, folder, "f16", "int8")
    search_all()
    (folder / "f16.safetensors").unlink()
    os.mkfifo(folder / "f16.safetensors")

    for _ in range(3):
        with comparing.taken(queue=settings.QUEUE) as work:
            assert work is not None
            assert comparing.compare(work) is None

    assert not Match.objects.get(compare_due=False, attempts=3).lease
    assert "killed" not in Finding.objects.get(code=FindingCode.COMPARISON_FAILED).params["reason"]


def test_a_drive_that_is_gone_rests_and_its_pairs_wait(library: Library, folder: Path) -> None:
    bring(library, folder, "f16", "int8")
    search_all()
    folder.rename(folder.with_name("elsewhere"))
    with comparing.taken(queue=settings.QUEUE) as work:
        assert work is not None
        matching.compare(work)

    library.refresh_from_db()
    found = Match.objects.get()
    assert (library.online, found.compare_due, found.lease, found.attempts) == (False, True, None, 0)
    assert comparing.take(queue=settings.QUEUE) is None


def test_pairs_of_a_busy_drive_stand_in_nobodys_way(
    library: Library, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = add(tmp_path / "other")
    bring(library, folder, "f16", "int8")
    search_all()
    put(tmp_path / "other", "far.safetensors", made("f16", 4))
    put(tmp_path / "other", "near.safetensors", made("int8", 4))
    catalogue(other)
    search_all()
    assert Match.objects.filter(compare_due=True).count() == 2

    @contextmanager
    def turn(*, drive: int, lane: str) -> Iterator[bool]:
        assert lane == "bulk"
        yield drive != library.pk

    monkeypatch.setattr(drives, "below", lambda *, library_id: library_id)
    monkeypatch.setattr(drives, "turn", turn)
    with comparing.taken(queue=settings.QUEUE) as work:
        assert work is not None
        assert set(Location.objects.filter(pk__in=work.places).values_list("library", flat=True)) == {other.pk}
        with comparing.taken(queue=settings.QUEUE) as further:
            assert further is None
    assert Match.objects.get(compare_due=True, lease=None).attempts == 0
