"""Messages wake workers and nothing more: sent on commit, never too many, harmless when there is nothing to do."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from django.db import connection, transaction

from catalog import tasks
from catalog.models import Finding, Job, Library, Location, Match, ModelRecord, Note, StorageTotal, Variant
from catalog.queries import comparing as comparisons
from catalog.services import jobs, libraries, notes, reconciling
from catalog.services.matching import comparing, searching
from catalog.vocabulary import Certainty, FindingCode, JobKind, JobState, Stage
from config.celery import app
from tests import rows, servers
from tests.builders import HALF, networks, safetensors, weights, write_tree
from tests.builders.conversions_precision import chain
from tests.builders.conversions_quantised import int8_beside_scales

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.processes import Workers

pytestmark = [pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def empty_broker(transactional_db: None) -> Iterator[None]:
    """Nothing is queued before and after."""
    servers.running()
    with app.connection_or_acquire() as broker:
        broker.default_channel.client.flushdb()
        yield
        broker.default_channel.client.flushdb()


def queued(name: str) -> int:
    """Messages in a queue of the broker."""
    with app.connection_or_acquire() as broker:
        return int(broker.default_channel.client.llen(name))


def library_of(folder: Path, count: int = 1) -> Library:
    """A folder that nobody scanned yet."""
    write_tree(folder, {f"{at}.safetensors": safetensors(weights({"a": (4, 4)}, at)) for at in range(count)})
    return libraries.add(path=os.fsencode(folder))


def waiting(count: int, stage: Stage, *, size: int = 10) -> None:
    made = [rows.location(rows.variant(f"m{at}", size=size), f"{at}".encode()).pk for at in range(count)]
    Location.objects.filter(pk__in=made).update(stage=stage)


def send() -> None:
    tasks.dispatch(tasks.reconcile, queue="office")


def test_a_message_goes_out_when_its_transaction_is_committed() -> None:
    with transaction.atomic():
        send()
        before = queued("office")

    assert (before, queued("office")) == (0, 1)


def test_no_message_goes_out_when_its_transaction_is_rolled_back() -> None:
    with transaction.atomic():
        send()
        transaction.set_rollback(True)

    assert queued("office") == 0


def test_a_scan_goes_to_the_quick_workers_of_its_host(tmp_path: Path) -> None:
    library = library_of(tmp_path)
    Library.objects.update(queue="attic")

    tasks.start_scan(library_id=library.pk)

    assert queued("attic.quick") == 1


def test_as_many_messages_as_there_is_work_and_no_more() -> None:
    waiting(3, Stage.PROBE)

    tasks.wake("local")
    tasks.wake("local")

    assert (queued("local.quick"), queued("local")) == (3, 0)


def test_much_work_needs_few_messages() -> None:
    waiting(20, Stage.HASH)

    tasks.wake("local")

    assert (queued("local.quick"), queued("local")) == (tasks.MOST_WAKES, tasks.MOST_WAKES)


def test_large_files_wake_the_bulk_workers_alone() -> None:
    waiting(2, Stage.HASH, size=10**9)

    tasks.wake("local")

    assert (queued("local.quick"), queued("local")) == (0, 2)


@pytest.mark.parametrize("change", [{"paused": True}, {"online": False}], ids=["paused", "offline"])
def test_nobody_is_woken_for_what_may_not_be_read(change: dict[str, bool]) -> None:
    waiting(2, Stage.HASH)
    Library.objects.update(**change)

    tasks.wake("local")

    assert (queued("local.quick"), queued("local")) == (0, 0)


def test_a_resumed_job_wakes_its_workers() -> None:
    waiting(1, Stage.HASH, size=10**9)
    jobs.pause(job_id=hash_job().pk)

    tasks.nudge(jobs.resume(job_id=hash_job().pk))

    assert queued("local") == 1


def hash_job() -> Job:
    reconciling.reconcile()
    return Job.objects.get(kind=JobKind.HASH)


def test_a_worker_that_finds_nothing_goes_back_to_sleep() -> None:
    tasks.run_quick("local")
    tasks.run_bulk("local")
    tasks.run_scan(str(uuid4()))
    tasks.reconcile()

    assert (queued("local.quick"), queued("local"), queued("office")) == (0, 0, 0)


def test_each_batch_sends_for_the_next(tmp_path: Path) -> None:
    library = library_of(tmp_path, 3)
    job = tasks.start_scan(library_id=library.pk)
    tasks.run_scan(str(job.pk))
    waited = queued("local.quick")

    tasks.run_quick("local")

    assert waited == 3
    assert Location.objects.filter(stage=Stage.HASH).count() == 3
    assert queued("local") == 3


def test_the_belt_runs_from_the_folder_to_the_sums(tmp_path: Path) -> None:
    library = library_of(tmp_path, 3)
    job = tasks.start_scan(library_id=library.pk)

    tasks.run_scan(str(job.pk))
    tasks.run_quick("local")
    tasks.run_bulk("local")
    tasks.reconcile()
    tasks.refresh_totals()

    assert set(Job.objects.values_list("kind", "state")) == {("scan", JobState.DONE), ("hash", JobState.DONE)}
    assert not Location.objects.exclude(stage=Stage.NONE).exists()
    assert sum(StorageTotal.objects.values_list("locations", flat=True)) == 3


def converted(folder: Path) -> Library:
    """A network and two copies of it, one rounded and one under other names; read, but not yet compared."""
    tensors = networks.convnet(3).tensors
    forms = {"source": tensors, "half": chain(HALF)(tensors), "int8": int8_beside_scales(tensors, by_row=True)}
    write_tree(folder, {f"{name}.safetensors": safetensors(form) for name, form in forms.items()})
    return libraries.add(path=os.fsencode(folder))


def test_the_belt_runs_on_to_the_relations(tmp_path: Path) -> None:
    job = tasks.start_scan(library_id=converted(tmp_path).pk)
    tasks.run_scan(str(job.pk))
    tasks.run_quick("local")
    tasks.run_bulk("local")
    assert queued("office") == 1, "whoever has read something sends for those who compare"
    assert comparisons.waiting().searches == 3

    tasks.search()
    due = comparisons.waiting().comparisons
    for _ in range(due):
        tasks.run_bulk("local")

    assert due >= 1
    assert comparisons.waiting() == (0, 0, 0, 0)
    assert set(Match.objects.values_list("certainty", flat=True)) <= {Certainty.PROVEN, Certainty.ALL_VALUES}
    assert Variant.objects.values("model").distinct().count() == 2, "what is only quantised is proposed"


def test_what_waits_to_be_compared_is_sent_again(tmp_path: Path) -> None:
    job = tasks.start_scan(library_id=converted(tmp_path).pk)
    tasks.run_scan(str(job.pk))
    tasks.run_quick("local")
    tasks.run_bulk("local")
    with app.connection_or_acquire() as broker:
        broker.default_channel.client.flushdb()

    tasks.reconcile()
    assert queued("office") >= 1

    tasks.search()
    with app.connection_or_acquire() as broker:
        broker.default_channel.client.flushdb()
    tasks.reconcile()
    assert queued("local") >= 1


def test_files_come_before_comparisons_and_comparisons_beside_verifying(tmp_path: Path) -> None:
    library = converted(tmp_path)
    job = tasks.start_scan(library_id=library.pk)
    tasks.run_scan(str(job.pk))
    tasks.run_quick("local")
    tasks.run_bulk("local")
    tasks.search()
    write_tree(tmp_path, {"new.safetensors": safetensors(weights({"a": (4, 4)}, 9))})
    tasks.run_scan(str(tasks.start_scan(library_id=library.pk).pk))
    tasks.run_quick("local")
    before = comparisons.waiting().comparisons

    tasks.run_bulk("local")
    assert not Location.objects.filter(hashed_at=None).exists()
    assert comparisons.waiting().comparisons == before

    tasks.start_verify(library_id=library.pk)
    tasks.run_bulk("local")
    assert comparisons.waiting().comparisons == before - 1
    assert Location.objects.exclude(verified_at=None).exists()


def test_an_odd_pair_and_an_odd_variant_stop_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("odd")

    job = tasks.start_scan(library_id=converted(tmp_path).pk)
    tasks.run_scan(str(job.pk))
    tasks.run_quick("local")
    tasks.run_bulk("local")
    with monkeypatch.context() as patch:
        patch.setattr(searching, "_look", broken)
        tasks.search()
    assert comparisons.waiting().searches == 0
    assert Finding.objects.filter(code=FindingCode.COMPARISON_FAILED).count() == 3

    Variant.objects.update(search_due=True)
    tasks.search()
    monkeypatch.setattr(comparing, "compare_in_full", broken)
    for _ in range(3 * comparisons.waiting().comparisons):
        tasks.run_bulk("local")
    assert comparisons.waiting().comparisons == 0
    assert Finding.objects.filter(code=FindingCode.COMPARISON_FAILED, cleared_at=None).exists()


@pytest.mark.workers
@pytest.mark.xdist_group("workers")
def test_real_workers_find_compare_and_join(tmp_path: Path, celery_workers: Workers) -> None:
    library = converted(tmp_path)
    tasks.start_scan(library_id=library.pk)

    limit = time.monotonic() + 90
    while time.monotonic() < limit and not _all_settled():
        time.sleep(0.2)

    assert _all_settled(), celery_workers.log.read_text()[-4000:]
    assert Variant.objects.values("model").distinct().count() == 2


def _all_settled() -> bool:
    return (
        Location.objects.filter(hashed_at__isnull=False).count() == 3
        and comparisons.waiting() == (0, 0, 0, 0)
        and Match.objects.count() == 3
    )


def test_the_quick_workers_read_what_lies_beside_the_models(tmp_path: Path) -> None:
    library = library_of(tmp_path, 2)
    write_tree(tmp_path, {"0.json": b'{"activation text": "word"}', "1.json": b"broken"})
    job = tasks.start_scan(library_id=library.pk)
    tasks.run_scan(str(job.pk))
    tasks.run_quick("local")
    assert Note.objects.filter(read_at=None).count() == 2, "their headers were read just now"
    tasks.run_quick("local")

    assert not Note.objects.filter(read_at=None).exists()
    assert [model.trigger_words for model in ModelRecord.objects.order_by("name")] == [["word"], []]


def test_notes_that_cannot_be_read_keep_no_file_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*, queue: str) -> None:
        raise RuntimeError(queue)

    library = library_of(tmp_path)
    job = tasks.start_scan(library_id=library.pk)
    tasks.run_scan(str(job.pk))
    monkeypatch.setattr(notes, "read_waiting", broken)
    for _ in range(2):
        tasks.run_quick("local")

    assert Location.objects.get().hashed_at is not None


def test_a_message_that_comes_twice_does_nothing_the_second_time(tmp_path: Path) -> None:
    library = library_of(tmp_path)
    job = tasks.start_scan(library_id=library.pk)
    for _ in range(2):
        tasks.run_scan(str(job.pk))
        tasks.run_quick("local")
        tasks.run_bulk("local")

    job.refresh_from_db()
    assert (job.state, job.attempts) == (JobState.DONE, 1)
    assert Job.objects.get(kind=JobKind.HASH).files_done == 1
    assert not Finding.objects.exists()


def test_what_waits_without_a_message_is_sent_again(tmp_path: Path) -> None:
    library_of(tmp_path / "scan")
    job = jobs.request_scan(library_id=Library.objects.get().pk)
    Job.objects.update(created_at=job.created_at.replace(year=2000))
    waiting(2, Stage.HASH, size=10**9)

    tasks.reconcile()

    assert queued("local.quick") == 1
    assert queued("local") == 2


def test_a_scan_that_was_just_asked_for_is_not_sent_twice(tmp_path: Path) -> None:
    tasks.start_scan(library_id=library_of(tmp_path).pk)

    tasks.reconcile()

    assert queued("local.quick") == 1


def test_a_drive_that_is_back_is_scanned_by_itself(tmp_path: Path) -> None:
    library = library_of(tmp_path)
    Library.objects.update(online=False)

    tasks.reconcile()
    sent = queued("local.quick")
    tasks.look_for_drives("local")

    assert sent == 1
    assert Job.objects.get(kind=JobKind.SCAN).library == library


def test_two_never_reconcile_at_once() -> None:
    waiting(1, Stage.HASH, size=10**9)
    here, over = threading.Event(), threading.Event()

    def other() -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_lock(%s)", [reconciling.LOCK])
                here.set()
                over.wait()
                cursor.execute("SELECT pg_advisory_unlock(%s)", [reconciling.LOCK])
        finally:
            connection.close()

    thread = threading.Thread(target=other)
    thread.start()
    here.wait()
    tasks.reconcile()
    during = queued("local")
    over.set()
    thread.join()
    tasks.reconcile()

    assert (during, queued("local")) == (0, 1)
