"""Jobs are asked for once, stop when they are told to, go on, and come to an end by themselves."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.db.models.functions import Now

from catalog.errors import NotFound, Refused
from catalog.models import Finding, Job, Library, Location
from catalog.queries import jobs as progressing
from catalog.services import claiming, findings, jobs, losses, settling
from catalog.vocabulary import FindingCode, JobKind, JobState, LocationState, Stage
from tests import rows

if TYPE_CHECKING:
    from catalog.services.claiming import Claim

pytestmark = pytest.mark.django_db


def waiting(*sizes: int, stage: Stage = Stage.HASH) -> list[Location]:
    """Locations that wait for a stage; hashed already if that is to be verified."""
    made = [rows.location(rows.variant(f"m{size}", size=size), f"a/{size}".encode()) for size in sizes]
    hashed = Now() if stage is Stage.VERIFY else None
    Location.objects.filter(pk__in=[one.pk for one in made]).update(stage=stage, hashed_at=hashed)
    return made


def hash_job() -> Job:
    settling.settle()
    return Job.objects.get(kind=JobKind.HASH, state__in=(JobState.WAITING, JobState.RUNNING, JobState.PAUSED))


def taken() -> Claim:
    claim = claiming.claim(queue="local", stages=(Stage.HASH, Stage.VERIFY))
    assert claim is not None
    return claim


def work(claim: Claim, *, files: int) -> settling.Working:
    """Finishes the first files of a claim."""
    working = settling.working_on(claim)
    claiming.finish(claim, claim.location_ids[:files])
    working.count()
    return working


def state(job: Job) -> str:
    job.refresh_from_db()
    return job.state


def test_a_scan_that_is_asked_for_twice_is_one_job() -> None:
    library = rows.library()

    first, second = jobs.request_scan(library_id=library.pk), jobs.request_scan(library_id=library.pk)

    assert first == second
    assert (first.kind, first.state, first.library_id) == (JobKind.SCAN, JobState.WAITING, library.pk)


def test_scans_of_two_parts_are_two_jobs() -> None:
    library = rows.library()

    assert jobs.request_scan(library_id=library.pk, part=b"a") != jobs.request_scan(library_id=library.pk, part=b"b")


def test_a_scan_remembers_who_asked_for_it() -> None:
    user = User.objects.create_user("ada")

    asked = jobs.request_scan(library_id=rows.library(b"/a").pk, user=user)
    by_nobody = jobs.request_scan(library_id=rows.library(b"/b").pk, user=AnonymousUser())

    assert (asked.requested_by, by_nobody.requested_by) == (user, None)


def test_a_paused_scan_goes_on_when_it_is_asked_for_again() -> None:
    job = jobs.request_scan(library_id=rows.library().pk)
    jobs.pause(job_id=job.pk)

    assert jobs.request_scan(library_id=rows.library().pk).state == JobState.WAITING


def test_waiting_work_opens_a_job_that_knows_how_much_it_is() -> None:
    waiting(10, 20)
    job = hash_job()

    assert (job.files_total, job.bytes_total, job.files_done, job.bytes_done) == (2, 30, 0, 0)
    assert settling.settle() == 0
    assert Job.objects.count() == 1


def test_a_job_counts_what_is_done_and_ends_with_the_last_file() -> None:
    waiting(10, 20)
    job = hash_job()
    claim = taken()

    work(claim, files=1)
    settling.settle()
    half = progressing.progress(Job.objects.get())
    claiming.finish(claim, claim.location_ids[1:])
    settling.settle()

    assert (half.files_done, half.bytes_done, half.files_total, half.bytes_total) == (1, 10, 2, 30)
    assert state(job) == JobState.DONE
    assert job.finished_at is not None


def test_what_is_counted_after_the_end_is_not_lost() -> None:
    waiting(10, 20)
    job = hash_job()
    claim = taken()
    working = work(claim, files=1)
    claiming.finish(claim, claim.location_ids[1:])
    settling.settle()

    working.count()

    job.refresh_from_db()
    assert (job.files_done, job.bytes_done, job.files_total, job.bytes_total) == (2, 30, 2, 30)


def test_nothing_is_counted_twice() -> None:
    waiting(10, 20)
    job = hash_job()
    working = work(taken(), files=2)
    working.count()

    job.refresh_from_db()
    assert (job.files_done, job.bytes_done) == (2, 30)


def test_a_job_stays_open_while_its_library_is_scanned() -> None:
    (location,) = waiting(10)
    job = hash_job()
    scan = jobs.request_scan(library_id=location.library_id)
    Location.objects.update(stage=Stage.NONE)

    settling.settle()
    during = state(job)
    jobs.cancel(job_id=scan.pk)
    settling.settle()

    assert (during, state(job)) == (JobState.WAITING, JobState.DONE)


def test_progress_includes_the_file_that_is_being_read() -> None:
    waiting(10, 20)
    hash_job()
    claim = taken()
    settling.working_on(claim)
    claiming.heartbeat(claim, claim.location_ids[0], 7)

    job = Job.objects.get()
    (reading,) = progressing.running()

    assert progressing.progress(job).bytes_done == 7
    assert (reading.location_id, reading.done, reading.size) == (claim.location_ids[0], 7, 10)


def test_a_rate_and_the_time_left_come_from_the_marks_of_the_last_minute() -> None:
    waiting(10, 30)
    job = hash_job()
    work(taken(), files=1)
    settling.settle()
    job.refresh_from_db()
    job.report["marks"][0] = [job.report["marks"][0][0] - 10, 0]

    progress = progressing.progress(job)

    assert progress.rate is not None
    assert progress.seconds_left is not None
    assert progress.rate * progress.seconds_left == pytest.approx(30)


def test_cancel_takes_the_work_away_from_whoever_holds_it() -> None:
    waiting(10, 20)
    job = hash_job()
    claim = taken()

    jobs.cancel(job_id=job.pk)

    assert claiming.heartbeat(claim).cancel
    assert (state(job), job.cancel) == (JobState.CANCELLED, True)
    assert set(Location.objects.values_list("stage", "lease", "attempts")) == {(Stage.NONE, None, 0)}
    settling.settle()
    assert Job.objects.count() == 1


def test_what_was_cancelled_is_taken_up_again_by_retry() -> None:
    waiting(10, 20)
    job = hash_job()
    jobs.cancel(job_id=job.pk)

    again = jobs.retry(job_id=job.pk)

    assert (again.kind, again.state, again.files_total, again.bytes_total) == (JobKind.HASH, JobState.WAITING, 2, 30)
    assert again != job
    assert set(Location.objects.values_list("stage", flat=True)) == {Stage.HASH}


def test_pause_gives_the_work_back_without_counting_it_as_tried() -> None:
    waiting(10)
    job = hash_job()
    claim = taken()

    jobs.pause(job_id=job.pk)

    assert claiming.heartbeat(claim).cancel
    assert claiming.claim(queue="local", stages=(Stage.HASH,)) is None
    row = Location.objects.get()
    assert (row.stage, row.attempts, row.lease) == (Stage.HASH, 0, None)


def test_a_paused_job_goes_on_when_it_is_resumed() -> None:
    waiting(10)
    job = hash_job()
    jobs.pause(job_id=job.pk)
    settling.settle()

    assert state(job) == JobState.PAUSED
    assert jobs.resume(job_id=job.pk).state == JobState.WAITING
    assert taken().location_ids


def test_only_a_paused_job_is_resumed() -> None:
    waiting(10)
    with pytest.raises(Refused):
        jobs.resume(job_id=hash_job().pk)


@pytest.mark.parametrize("verb", [jobs.cancel, jobs.pause, jobs.resume, jobs.retry])
def test_a_job_that_never_was_is_not_found(verb: object) -> None:
    assert callable(verb)
    with pytest.raises(NotFound):
        verb(job_id=uuid4())


def test_an_ended_job_is_neither_cancelled_nor_paused() -> None:
    job = jobs.request_scan(library_id=rows.library().pk)
    jobs.cancel(job_id=job.pk)

    for verb in (jobs.cancel, jobs.pause, jobs.resume):
        with pytest.raises(Refused):
            verb(job_id=job.pk)


def test_an_open_job_is_not_tried_again() -> None:
    job = jobs.request_scan(library_id=rows.library().pk)

    with pytest.raises(Refused):
        jobs.retry(job_id=job.pk)


def test_a_job_of_a_removed_library_is_not_tried_again() -> None:
    job = jobs.request_scan(library_id=rows.library().pk)
    jobs.cancel(job_id=job.pk)
    Library.objects.update(removed_at=Now())

    with pytest.raises(Refused):
        jobs.retry(job_id=job.pk)


def test_the_jobs_of_a_removed_library_are_closed() -> None:
    job = jobs.request_scan(library_id=rows.library().pk)
    Library.objects.update(removed_at=Now())

    settling.settle()

    assert state(job) == JobState.CANCELLED


def test_a_scan_that_failed_is_run_again() -> None:
    job = jobs.request_scan(library_id=rows.library().pk, part=b"a")
    Job.objects.update(state=JobState.FAILED)

    again = jobs.retry(job_id=job.pk)

    assert (again.kind, bytes(again.part or b""), again.state) == (JobKind.SCAN, b"a", JobState.WAITING)


def failed() -> Location:
    """A file that killed its worker three times."""
    (location,) = waiting(10)
    for _ in range(losses.LOSSES):
        claim = taken()
        Location.objects.filter(lease=claim.token).update(leased_until=Now() - timedelta(seconds=1))
        losses.expire()
    return location


def test_a_file_that_failed_is_left_alone_by_later_scans() -> None:
    location = failed()

    assert jobs.take_up_again(library_id=location.library_id) == 0


def test_a_file_that_failed_is_tried_again_when_a_person_says_so() -> None:
    location = failed()

    found = jobs.retry_location(location_id=location.pk)

    assert (found.stage, found.attempts) == (Stage.HASH, 0)
    assert not Finding.objects.filter(cleared_at=None).exists()
    assert hash_job().files_total == 1


def test_retry_of_the_job_tries_the_files_that_failed_too() -> None:
    failed()
    job = hash_job_closed()

    assert jobs.retry(job_id=job.pk).files_total == 1


def hash_job_closed() -> Job:
    settling.settle()
    job, _ = Job.objects.get_or_create(kind=JobKind.HASH, library=rows.library(), defaults={"state": JobState.DONE})
    return job


def test_a_location_that_never_was_is_not_found() -> None:
    with pytest.raises(NotFound):
        jobs.retry_location(location_id=1)


def test_verify_queues_what_is_hashed_and_there() -> None:
    (hashed,) = waiting(10, stage=Stage.VERIFY)
    Location.objects.update(stage=Stage.NONE)
    rows.location(rows.variant("never hashed"), b"b")
    gone = rows.location(rows.variant("gone"), b"c", state=LocationState.MISSING)
    Location.objects.filter(pk=gone.pk).update(hashed_at=Now())

    job = jobs.request_verify(library_id=hashed.library_id)

    assert (job.kind, job.files_total, job.bytes_total) == (JobKind.VERIFY, 1, 10)
    assert list(Location.objects.filter(stage=Stage.VERIFY)) == [hashed]


def test_verify_of_a_part_is_about_what_lies_below_it() -> None:
    for path in (b"a/x", b"a/b/y", b"ab/z"):
        made = rows.location(rows.variant(path.decode(), size=5), path)
        Location.objects.filter(pk=made.pk).update(hashed_at=Now())

    job = jobs.request_verify(library_id=rows.library().pk, part=b"a")

    assert (job.files_total, job.bytes_total) == (2, 10)
    Location.objects.update(stage=Stage.NONE)
    settling.settle()
    assert state(job) == JobState.DONE


def test_a_cancelled_verify_leaves_no_file_unhashed() -> None:
    (location,) = waiting(10, stage=Stage.VERIFY)
    settling.settle()

    jobs.cancel(job_id=Job.objects.get().pk)

    location.refresh_from_db()
    assert (location.stage, location.hashed_at is None) == (Stage.NONE, False)
    assert jobs.take_up_again(library_id=location.library_id) == 0


def test_unreadable_disks_are_not_read_again_by_every_scan() -> None:
    (location,) = waiting(10)
    Location.objects.update(stage=Stage.NONE)
    findings.raise_finding(code=FindingCode.DISK_READ_ERROR, params={"where": "1", "reason": "x"}, location=location)

    assert jobs.take_up_again(library_id=location.library_id) == 0
    assert jobs.take_up_again(library_id=location.library_id, hopeless=True) == 1
