"""What becomes of a claim: done, given back, or counted against its files."""

from __future__ import annotations

import os
import shutil
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import DatabaseError, connection
from django.db.models.functions import Now

from catalog.models import Finding, Job, Library, Location, ModelHash
from catalog.services import claiming, drives, jobs, keeping, libraries, scan_runs, settling, working
from catalog.services.claiming import Orders
from catalog.storage.mounts import Drive
from catalog.vocabulary import FindingCode, JobKind, JobState, LocationState, Stage
from tests.builders import safetensors, weights, write_tree

if TYPE_CHECKING:
    from pathlib import Path

    from catalog.services.claiming import Claim
    from catalog.services.working import Lane

pytestmark = pytest.mark.django_db
LORA = safetensors(weights({"a": (8, 8)}, 1))
OTHER = safetensors(weights({"a": (8, 8)}, 2))


def scanned(folder: Path, *names: str) -> Library:
    """A library whose files wait to be probed."""
    write_tree(folder, {name: safetensors(weights({"a": (8, 8)}, at)) for at, name in enumerate(names)})
    library = libraries.add(path=os.fsencode(folder))
    scan(library)
    return library


def scan(library: Library, part: bytes | None = None) -> Job:
    job = jobs.request_scan(library_id=library.pk, part=part)
    token = scan_runs.start(job.pk)
    assert token is not None
    scan_runs.run(job.pk, token)
    job.refresh_from_db()
    return job


def next_claim(lane: Lane = working.QUICK) -> Claim | None:
    with working.taken(queue="local", lane=lane) as claim:
        return claim


def work_off(lane: Lane = working.QUICK) -> int:
    """Everything that waits; how many claims it was."""
    claims = 0
    while (claim := next_claim(lane)) is not None:
        working.work(claim, lane=lane)
        claims += 1
    return claims


def test_a_file_goes_from_the_scan_to_its_hashes(tmp_path: Path) -> None:
    scanned(tmp_path, "a.safetensors", "b.safetensors")

    assert work_off() == 2  # one claim of headers, one of bytes

    assert set(Location.objects.values_list("state", "stage", "lease")) == {(LocationState.PRESENT, Stage.NONE, None)}
    assert ModelHash.objects.filter(algorithm="sha256").count() == 2
    job = Job.objects.get(kind=JobKind.HASH)
    assert (job.state, job.files_done, job.bytes_done) == (JobState.DONE, 2, 2 * len(LORA))


def test_headers_come_before_bytes(tmp_path: Path) -> None:
    library = scanned(tmp_path, "a.safetensors")
    first = next_claim()
    assert first is not None
    working.work(first, lane=working.QUICK)
    write_tree(tmp_path, {"late.safetensors": OTHER + b""})
    scan(library)

    second, third = next_claim(), next_claim()

    assert [claim and claim.stage for claim in (first, second, third)] == [Stage.PROBE, Stage.PROBE, Stage.HASH]


def test_the_quick_lane_leaves_large_files_to_the_other(tmp_path: Path) -> None:
    library = scanned(tmp_path, "a.safetensors")
    (tmp_path / "large.bin").touch()
    os.truncate(tmp_path / "large.bin", working.SMALL)
    scan(library)

    work_off(working.QUICK)

    left = Location.objects.get(stage=Stage.HASH)
    assert bytes(left.path) == b"large.bin"
    claim = next_claim(working.BULK)
    assert claim is not None
    assert claim.location_ids == (left.pk,)


def test_a_library_that_went_away_turns_offline_and_its_work_waits(tmp_path: Path) -> None:
    library = scanned(tmp_path / "drive", "a.safetensors")
    claim = next_claim()
    assert claim is not None
    (tmp_path / "drive").rename(tmp_path / "elsewhere")

    working.work(claim, lane=working.QUICK)

    library.refresh_from_db()
    row = Location.objects.get()
    assert (library.online, row.state, row.stage) == (False, LocationState.OFFLINE, Stage.PROBE)
    assert (row.lease, row.attempts) == (None, 0)
    assert Finding.objects.get(cleared_at=None).code == FindingCode.LIBRARY_OFFLINE
    assert next_claim() is None


def test_an_empty_mount_point_is_a_drive_that_went_away(tmp_path: Path) -> None:
    library = scanned(tmp_path, "a.safetensors", "b.safetensors")
    work_off()
    jobs.request_verify(library_id=library.pk)
    claim = next_claim(working.BULK)
    assert claim is not None
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()

    working.work(claim, lane=working.BULK)

    library.refresh_from_db()
    assert not library.online
    assert set(Location.objects.values_list("state", "lease", "attempts")) == {(LocationState.OFFLINE, None, 0)}


def test_a_library_that_is_back_goes_on_where_it_was(tmp_path: Path) -> None:
    library = scanned(tmp_path / "drive", "a.safetensors")
    claim = next_claim()
    assert claim is not None
    (tmp_path / "drive").rename(tmp_path / "elsewhere")
    working.work(claim, lane=working.QUICK)
    Job.objects.update(finished_at=Now() - timedelta(minutes=2))
    assert drives.back(queue="local") == []

    (tmp_path / "elsewhere").rename(tmp_path / "drive")

    assert drives.back(queue="local") == [library.pk]
    scan(library)
    work_off()
    row = Location.objects.get()
    assert (row.state, row.stage) == (LocationState.PRESENT, Stage.NONE)
    assert row.hashed_at is not None


def test_a_library_that_a_scan_called_offline_is_not_scanned_again_at_once(tmp_path: Path) -> None:
    scanned(tmp_path, "a.safetensors")
    Library.objects.update(online=False)

    assert drives.back(queue="local") == []


def test_one_file_that_vanished_is_no_drive_that_went_away(tmp_path: Path) -> None:
    library = scanned(tmp_path, "a.safetensors", "b.safetensors")
    (tmp_path / "a.safetensors").unlink()

    work_off()

    library.refresh_from_db()
    assert library.online
    assert Location.objects.get(path=b"b.safetensors").hashed_at is not None


def test_work_that_was_taken_away_writes_nothing(tmp_path: Path) -> None:
    scanned(tmp_path, "a.safetensors")
    claim = next_claim()
    assert claim is not None
    jobs.cancel(job_id=Job.objects.get(kind=JobKind.HASH).pk)

    working.work(claim, lane=working.QUICK)

    row = Location.objects.get()
    assert (row.variant, row.stage) == (None, Stage.NONE)


def test_an_error_that_nobody_foresaw_is_told_after_three_times(tmp_path: Path) -> None:
    scanned(tmp_path, "a.safetensors")

    for _ in range(3):
        claim = next_claim()
        assert claim is not None
        working.interrupted(claim, ZeroDivisionError("division by zero"))

    finding = Finding.objects.get()
    assert "ZeroDivisionError: division by zero" in FindingCode(finding.code).sentence(finding.params)
    assert next_claim() is None


def test_a_fault_of_the_database_while_it_answers_counts_too(tmp_path: Path) -> None:
    scanned(tmp_path, "a.safetensors")
    claim = next_claim()
    assert claim is not None

    working.interrupted(claim, DatabaseError("deadlock detected"))

    row = Location.objects.get()
    assert (row.lease, row.attempts, row.alone) == (None, 1, True)


def test_a_scan_of_a_folder_that_is_gone_says_so(tmp_path: Path) -> None:
    library = scanned(tmp_path / "drive", "a.safetensors")
    (tmp_path / "drive").rename(tmp_path / "elsewhere")

    job = scan(library)

    assert job.state == JobState.FAILED
    assert "cannot be reached" in job.error


def test_a_scan_that_goes_wrong_says_so() -> None:
    job = jobs.request_scan(library_id=Library.objects.create(name="x", path=b"/x", path_key=b"x", path_text="/x").pk)
    token = scan_runs.start(job.pk)
    assert token is not None

    scan_runs.interrupted(job.pk, token, ZeroDivisionError("division by zero"))

    job.refresh_from_db()
    assert (job.state, job.lease) == (JobState.FAILED, None)
    assert "ZeroDivisionError" in job.error


def test_a_scan_is_run_by_one_worker_at_once(tmp_path: Path) -> None:
    tmp_path.joinpath("a").touch()
    job = jobs.request_scan(library_id=libraries.add(path=os.fsencode(tmp_path)).pk)

    assert scan_runs.start(job.pk) is not None
    assert scan_runs.start(job.pk) is None


def test_a_scan_that_is_asked_for_while_it_runs_walks_once_more(tmp_path: Path) -> None:
    job = jobs.request_scan(library_id=libraries.add(path=os.fsencode(tmp_path)).pk)
    token = scan_runs.start(job.pk)
    assert token is not None
    again = jobs.request_scan(library_id=libraries.add(path=os.fsencode(tmp_path)).pk)

    scan_runs.run(job.pk, token)

    job.refresh_from_db()
    assert (again.pk, job.state, job.report["complete"]) == (job.pk, JobState.DONE, True)
    assert jobs.AGAIN not in job.report


def test_a_scan_that_is_cancelled_is_not_begun(tmp_path: Path) -> None:
    job = jobs.request_scan(library_id=libraries.add(path=os.fsencode(tmp_path)).pk)
    jobs.cancel(job_id=job.pk)

    assert scan_runs.start(job.pk) is None


def test_a_scan_that_was_lost_three_times_is_given_up(tmp_path: Path) -> None:
    job = jobs.request_scan(library_id=libraries.add(path=os.fsencode(tmp_path)).pk)
    for _ in range(3):
        assert scan_runs.start(job.pk) is not None
        Job.objects.update(leased_until=job.created_at)

    assert scan_runs.unattended(patience=0) == []
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert "three times" in job.error


def test_cancelled_files_are_taken_up_again_by_the_next_scan(tmp_path: Path) -> None:
    library = scanned(tmp_path, "a.safetensors")
    jobs.cancel(job_id=Job.objects.get(kind=JobKind.HASH).pk)
    assert work_off() == 0

    scan(library)

    assert work_off() == 2


@pytest.mark.django_db(transaction=True)
def test_a_slow_drive_has_one_reader_a_lane() -> None:
    drive = Drive(device=7, total=1, free=1, rotational=True)
    turns: list[bool] = []

    def other() -> None:
        try:
            for lane in ("bulk", "quick"):
                with drives.turn(drive=drive, lane=lane) as mine:
                    turns.append(mine)
        finally:
            connection.close()

    with drives.turn(drive=drive, lane="bulk") as first:
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    with drives.turn(drive=drive, lane="bulk") as again:
        pass

    assert (first, turns, again) == (True, [False, True], True)


def test_a_fast_drive_has_as_many_as_come() -> None:
    with drives.turn(drive=Drive(device=7, total=1, free=1), lane="bulk") as mine:
        assert mine


@pytest.mark.django_db(transaction=True)
def test_the_heart_beats_on_after_the_database_was_away() -> None:
    beats: list[int] = []
    done = threading.Event()

    def beat() -> Orders:
        beats.append(1)
        if len(beats) == 1:
            raise DatabaseError("gone")
        done.set()
        return Orders(pause=True)

    with keeping.Heart(beat) as heart:
        assert not heart.cancelled()
        assert done.wait(10)

    assert heart.cancelled()


@pytest.mark.django_db(transaction=True)
def test_the_heart_keeps_a_lease_while_its_worker_is_busy(tmp_path: Path) -> None:
    scanned(tmp_path, "a.safetensors")
    claim = next_claim()
    assert claim is not None
    before = Location.objects.get().leased_until
    assert before is not None

    with keeping.ClaimHeart(claim, job=settling.working_on(claim)) as heart:
        heart.progress(claim.location_ids[0], 5)
        while Location.objects.get().done_bytes != 5:
            pass

    after = Location.objects.get().leased_until
    assert after is not None
    assert after > before
    assert claiming.release(claim) == 1
