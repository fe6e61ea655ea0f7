"""All values of a pair are compared by a worker that reaches both files; who cannot, says so."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.db.models.functions import Now

from catalog.errors import LeaseLost
from catalog.models import Finding, Library, Match, Variant
from catalog.queries import comparing as comparisons
from catalog.services.matching import comparing, reaching
from catalog.vocabulary import Certainty, FindingCode, Relation
from tests.identity.catalogue import add, put, scan
from tests.services.matched import bring, compare_all, made, relation, search_all

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.django_db


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return add(tmp_path / "models")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "models"


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
