"""Sums are right, are refreshed when stale, and no write gets lost between."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest
from django.db import connection, transaction

from catalog.models import Library, Location, LocationFile, StorageTotal
from catalog.services import totals
from catalog.vocabulary import LocationState
from tests import rows

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.django_db
def test_sums_stand_for_each_format_precision_kind_base_and_state() -> None:
    rows.location(rows.variant("a", size=100), b"a")
    rows.location(rows.variant("b", size=50), b"b")
    rows.location(rows.variant("c", size=7), b"c", state=LocationState.MISSING)
    report = totals.refresh(library_id=rows.library().pk)
    assert (report.rows, report.fresh) == (2, True)
    present = StorageTotal.objects.get(state=LocationState.PRESENT)
    assert (present.format, present.precision, present.bits) == ("safetensors", "fp16", 16)
    assert (present.variants, present.locations, present.bytes) == (2, 2, 150)
    assert StorageTotal.objects.get(state=LocationState.MISSING).bytes == 7


@pytest.mark.django_db
def test_the_bytes_of_hard_links_count_once() -> None:
    variant = rows.variant("a", size=100)
    for path in (b"a", b"b"):
        rows.location(variant, path)
    LocationFile.objects.update(ino=5)
    totals.refresh(library_id=rows.library().pk)
    total = StorageTotal.objects.get()
    assert (total.variants, total.locations, total.bytes) == (1, 2, 100)


@pytest.mark.django_db
def test_what_was_not_read_yet_counts_as_pending() -> None:
    location = rows.location(rows.variant("a", size=100), b"a")
    Location.objects.filter(pk=location.pk).update(variant=None)
    totals.refresh(library_id=rows.library().pk)
    total = StorageTotal.objects.get()
    assert (total.format, total.variants, total.bytes) == ("pending", 0, 100)


@pytest.mark.django_db
def test_only_stale_libraries_are_added_up() -> None:
    library = rows.library()
    rows.location(rows.variant("a"), b"a")
    assert totals.refresh_stale() == 1
    assert totals.refresh_stale() == 0
    totals.stale([library.pk, library.pk])
    assert totals.refresh_stale() == 1
    assert StorageTotal.objects.count() == 1


@pytest.mark.django_db
def test_a_library_that_is_not_there_has_no_sums() -> None:
    assert totals.refresh(library_id=1 << 30).rows == 0


@pytest.mark.django_db(transaction=True)
def test_who_is_not_done_writing_keeps_its_library_stale() -> None:
    library = rows.library()
    rows.location(rows.variant("a", size=100), b"a")
    refreshed = []

    def refresh() -> None:
        refreshed.append(totals.refresh(library_id=library.pk))

    with transaction.atomic():
        rows.location(rows.variant("b", size=50), b"b")
        totals.stale([library.pk])
        thread = _in_thread(refresh)
        _wait_for_a_waiter()
    thread.join()
    assert not refreshed[0].fresh
    assert Library.objects.get(pk=library.pk).totals_stale
    assert totals.refresh_stale() == 1
    assert StorageTotal.objects.get().bytes == 150


def _wait_for_a_waiter() -> None:
    """Until somebody waits for a row that this transaction holds."""
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    limit = time.monotonic() + 30
    with connection.cursor() as cursor:
        while time.monotonic() < limit:
            cursor.execute(waiting)
            if cursor.fetchone() != (0,):
                return
            time.sleep(0.01)
    pytest.fail("nobody waits")


def _in_thread(work: Callable[[], None]) -> threading.Thread:
    def run() -> None:
        try:
            work()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread
