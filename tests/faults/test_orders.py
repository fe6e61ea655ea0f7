"""Cancel, pause and limits reach whoever reads, within two seconds; small files do not wait behind a huge one."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from catalog import tasks
from catalog.models import Job, Location
from catalog.queries import parts
from catalog.services import jobs, library_settings
from catalog.vocabulary import JobKind, JobState, Stage
from tests.faults.helpers import LEASE, SLOW, Trial, await_, small_tree, with_slow

if TYPE_CHECKING:
    from pathlib import Path

    from tests.processes import Workers

pytestmark = [pytest.mark.workers, pytest.mark.xdist_group("workers")]
HUGE = b"huge.bin"
HUGE_BYTES = 100 * 10**9


def hash_job() -> Job:
    return Job.objects.get(kind=JobKind.HASH)


def idle() -> bool:
    """No worker runs a task."""
    return not any(worker.running for worker in parts.workers())


@pytest.fixture
def huge(tmp_path: Path) -> Trial:
    """A folder with a file of 100 GB, all of it a hole."""
    trial = Trial.of(tmp_path, {})
    with open(tmp_path / HUGE.decode(), "wb") as file:
        os.truncate(file.fileno(), HUGE_BYTES)
    return trial


def test_small_files_do_not_wait_behind_a_huge_one(workers: Workers, huge: Trial) -> None:
    workers.start("office,local.quick", concurrency=1)
    workers.start("local", concurrency=1)
    huge.scan()
    await_(lambda: huge.being_read(HUGE))

    (huge.folder / "late.safetensors").write_bytes(small_tree()["one.safetensors"])
    huge.scan()
    await_(lambda: Location.objects.filter(path=b"late.safetensors", hashed_at__isnull=False).exists())

    assert huge.being_read(HUGE)
    jobs.cancel(job_id=hash_job().pk)


def test_the_reading_of_a_huge_file_is_told_and_stops_when_it_is_cancelled(workers: Workers, huge: Trial) -> None:
    workers.start(env=LEASE)
    huge.scan()
    await_(lambda: huge.being_read(HUGE))

    jobs.cancel(job_id=hash_job().pk)
    await_(idle)

    row = huge.location(HUGE)
    assert (row.stage, row.lease, row.hashed_at) == (Stage.NONE, None, None)
    assert hash_job().state == JobState.CANCELLED


def test_a_library_that_is_paused_is_let_go_and_goes_on_later(workers: Workers, tmp_path: Path) -> None:
    workers.start(env=LEASE)
    trial = Trial.of(tmp_path, with_slow(small_tree()), speed_limit=1)
    trial.scan()
    await_(lambda: trial.being_read(SLOW))

    library_settings.set_paused(library_id=trial.library.pk, paused=True)
    await_(lambda: trial.location(SLOW).lease is None)
    held = trial.location(SLOW)

    assert (held.stage, held.attempts) == (Stage.HASH, 0)
    trial.change(speed_limit=None)
    library_settings.set_paused(library_id=trial.library.pk, paused=False)
    trial.recovered()


def test_a_job_that_is_paused_is_let_go_and_goes_on_when_it_is_resumed(workers: Workers, tmp_path: Path) -> None:
    workers.start(env=LEASE)
    trial = Trial.of(tmp_path, with_slow(small_tree()), speed_limit=1)
    trial.scan()
    await_(lambda: trial.being_read(SLOW))

    jobs.pause(job_id=hash_job().pk)
    await_(idle)
    trial.change(speed_limit=None)
    tasks.nudge(jobs.resume(job_id=hash_job().pk))

    trial.recovered()


def test_what_was_cancelled_is_done_when_it_is_tried_again(workers: Workers, tmp_path: Path) -> None:
    workers.start(env=LEASE)
    trial = Trial.of(tmp_path, with_slow(small_tree()), speed_limit=1)
    trial.scan()
    await_(lambda: trial.being_read(SLOW))
    jobs.cancel(job_id=hash_job().pk)

    trial.change(speed_limit=None)
    tasks.nudge(jobs.retry(job_id=hash_job().pk))

    trial.recovered()


def test_the_speed_limit_holds(workers: Workers, tmp_path: Path) -> None:
    workers.start(env=LEASE)
    trial = Trial.of(tmp_path, with_slow({}), speed_limit=4)
    trial.scan()
    await_(lambda: trial.being_read(SLOW))
    started = time.monotonic()

    trial.recovered()

    assert time.monotonic() - started > 1.0  # 12 MB at 4 MB/s take three seconds, the first of which has passed
