"""Workers are killed, woken twice, stopped and poisoned; the catalogue comes out the same."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from catalog import tasks
from catalog.models import Finding, Job, Location, ModelHash, Variant
from catalog.services import scan_runs
from catalog.services.losses import LOSSES
from catalog.vocabulary import FindingCode, JobKind, JobState, Stage
from tests.faults.helpers import LEASE, SLOW, Trial, await_, kill_pool, small_tree, with_slow

if TYPE_CHECKING:
    from pathlib import Path

    from tests.processes import Workers

pytestmark = [pytest.mark.workers, pytest.mark.xdist_group("workers")]


def test_without_a_fault(workers: Workers, tmp_path: Path) -> None:
    workers.start(env=LEASE)
    trial = Trial.of(tmp_path, small_tree())

    scan = trial.scan()

    trial.recovered()
    scan.refresh_from_db()
    hashing = Job.objects.get(kind=JobKind.HASH)
    assert (scan.state, hashing.state) == (JobState.DONE, JobState.DONE)
    assert (hashing.files_done, hashing.bytes_done) == (len(trial.tree), sum(map(len, trial.tree.values())))


def test_a_process_of_the_pool_is_killed_in_the_middle_of_a_file(workers: Workers, tmp_path: Path) -> None:
    worker = workers.start(env=LEASE)
    trial = Trial.of(tmp_path, with_slow(small_tree()), speed_limit=1)
    trial.scan()
    await_(lambda: trial.being_read(SLOW))

    kill_pool(worker)
    trial.change(speed_limit=None)

    trial.recovered()


def test_the_whole_worker_is_killed_and_another_one_comes(workers: Workers, tmp_path: Path) -> None:
    workers.start(env=LEASE)
    trial = Trial.of(tmp_path, with_slow(small_tree()), speed_limit=1)
    trial.scan()
    await_(lambda: trial.being_read(SLOW))

    workers.kill()
    trial.change(speed_limit=None)
    workers.start(env=LEASE)

    trial.recovered()


def test_every_message_is_delivered_many_times(workers: Workers, tmp_path: Path) -> None:
    for _ in range(2):
        workers.start(env=LEASE)
    trial = Trial.of(tmp_path, with_slow(small_tree()))
    job = trial.scan()
    for _ in range(20):
        tasks.send_scan(job)
        tasks.dispatch(tasks.run_quick, "local", queue="local.quick")
        tasks.dispatch(tasks.run_bulk, "local", queue="local")

    trial.recovered()
    assert Job.objects.filter(kind=JobKind.SCAN).count() == 1
    assert sum(Job.objects.filter(kind=JobKind.HASH).values_list("files_done", flat=True)) == len(trial.tree)


def test_a_file_that_kills_its_reader_is_set_aside_and_the_others_go_on(workers: Workers, tmp_path: Path) -> None:
    worker = workers.start(env=LEASE)
    trial = Trial.of(tmp_path, with_slow(small_tree()), speed_limit=1)
    trial.scan()

    killed = set()

    def poison() -> bool:
        if trial.being_read(SLOW) and (lease := trial.location(SLOW).lease) not in killed:
            killed.add(lease)
            kill_pool(worker)
        return trial.at_rest()

    await_(poison, seconds=90, tick=True)

    assert len(killed) == LOSSES
    finding = Finding.objects.get(code=FindingCode.READER_FAILED)
    assert finding.location == trial.location(SLOW)
    assert Location.objects.filter(hashed_at=None).get() == finding.location
    assert not Location.objects.exclude(stage=Stage.NONE).exists()


def test_two_workers_read_the_same_content_at_once(workers: Workers, tmp_path: Path) -> None:
    content = with_slow({})[SLOW.decode()]
    for _ in range(2):
        workers.start(env=LEASE)
    trial = Trial.of(tmp_path, {f"{number}.safetensors": content for number in range(8)})

    trial.scan()

    trial.recovered()
    one = Variant.objects.get(merged_into=None)
    assert set(Variant.objects.exclude(pk=one.pk).values_list("merged_into", flat=True)) <= {one.pk}
    assert ModelHash.objects.exclude(variant=one).count() == 0


def test_a_worker_that_is_told_to_stop_gives_its_work_back(workers: Workers, tmp_path: Path) -> None:
    worker = workers.start()
    trial = Trial.of(tmp_path, with_slow({}), speed_limit=1)
    trial.scan()
    await_(lambda: trial.being_read(SLOW))

    worker.send_signal(signal.SIGTERM)
    worker.wait(10)

    row = trial.location(SLOW)
    assert (row.stage, row.lease, row.attempts, row.alone) == (Stage.HASH, None, 0, False)


def test_a_scan_whose_worker_died_is_sent_again(workers: Workers, tmp_path: Path) -> None:
    trial = Trial.of(tmp_path, small_tree())
    job = trial.scan()
    assert scan_runs.start(job.pk) is not None
    Job.objects.update(leased_until=job.created_at)

    workers.start(env=LEASE)

    trial.recovered()
    job.refresh_from_db()
    assert (job.state, job.attempts) == (JobState.DONE, 2)


def test_the_pool_dies_with_its_worker(workers: Workers) -> None:
    worker = workers.start(env=LEASE)
    with open(f"/proc/{worker.pid}/task/{worker.pid}/children") as children:
        pool = children.read().split()

    workers.kill()

    await_(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in pool))
