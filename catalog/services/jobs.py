"""Jobs as people see them: asked for, cancelled, paused, resumed and tried again.

A scan job carries its own lease. A hash or verify job stands for all locations of its library that wait for that
(`queries.jobs.waiting`). Taking a lease away stops whoever held it within a second, so cancel and pause need no word
with the worker. Whoever calls these wakes the workers afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now

from catalog.errors import NotFound, Refused
from catalog.models import Finding, Job, Location
from catalog.models.work import OPEN_STATES
from catalog.queries.jobs import waiting, within
from catalog.services import findings, settling
from catalog.vocabulary import FindingCode, JobKind, JobState, LocationState, Outcome, Stage

if TYPE_CHECKING:
    from typing import TypeAlias
    from uuid import UUID

    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
    from django.db.models import QuerySet

    User: TypeAlias = AbstractBaseUser | AnonymousUser | None

AGAIN = "again"
"""In the report of a scan that runs: it was asked for once more."""
ASKED_PRIORITY = 0
"""Of what a person asked for, beside the priorities that a scan gives."""
_HOPELESS = (FindingCode.READER_FAILED, FindingCode.DISK_READ_ERROR)


def request_scan(*, library_id: int, part: bytes | None = None, user: User = None) -> Job:
    """The open scan of a library, or of a path below it; made if there is none, resumed if it was paused.

    One that runs walks once more when it is through: the files that are meant may lie where it has been.
    """
    job = _open(JobKind.SCAN, library_id, part, user)
    Job.objects.filter(pk=job.pk, state=JobState.RUNNING).update(report={AGAIN: True})
    return resume(job_id=job.pk) if job.state == JobState.PAUSED else job


def request_verify(*, library_id: int, part: bytes | None = None, user: User = None) -> Job:
    """Has the hashed files of a library, or below a path of it, read again and compared."""
    with transaction.atomic():
        there = Location.objects.filter(within(part), library=library_id, state=LocationState.PRESENT)
        asked = Q(stage=Stage.NONE, hashed_at__isnull=False) | Q(stage=Stage.VERIFY)
        there.filter(asked, lease=None).update(
            stage=Stage.VERIFY, priority=ASKED_PRIORITY, attempts=0, alone=False, done_bytes=0
        )
        job = _open(JobKind.VERIFY, library_id, part, user)
    settling.settle(library_id=library_id)
    job.refresh_from_db()
    return job


def cancel(*, job_id: UUID) -> Job:
    """Ends an open job: what it waits for is dropped, and whoever works on it stops within two seconds."""
    with transaction.atomic():
        job = _locked(job_id)
        waiting(job).update(stage=Stage.NONE, lease=None, leased_until=None, attempts=0, alone=False, done_bytes=0)
        Job.objects.filter(pk=job_id).update(
            cancel=True, state=JobState.CANCELLED, lease=None, leased_until=None, finished_at=Now()
        )
    job.refresh_from_db()
    return job


def pause(*, job_id: UUID) -> Job:
    """Stops an open job until it is resumed; a file that is being read is read again from its beginning."""
    with transaction.atomic():
        job = _locked(job_id)
        held = waiting(job).filter(lease__isnull=False)
        held.update(lease=None, leased_until=None, attempts=F("attempts") - 1, done_bytes=0)
        Job.objects.filter(pk=job_id).update(state=JobState.PAUSED, lease=None, leased_until=None)
    job.refresh_from_db()
    return job


def resume(*, job_id: UUID) -> Job:
    """Goes on with a paused job."""
    with transaction.atomic():
        job = _locked(job_id)
        if job.state != JobState.PAUSED:
            raise Refused("This job is not paused, so there is nothing to resume.")
        job.state, job.attempts = JobState.WAITING.value, 0
        job.report.pop("marks", None)
        job.save(update_fields=["state", "attempts", "report"])
    return job


def retry(*, job_id: UUID) -> Job:
    """Runs an ended job again, also over the files that failed; gives the new job."""
    job = Job.objects.select_related("library").filter(pk=job_id).first()
    if job is None:
        raise NotFound(f"No job has the id {job_id}.")
    if job.state in OPEN_STATES:
        raise Refused("This job has not ended yet. Cancel it first, or wait for its end.")
    if job.library is None or job.library.removed_at is not None:
        raise Refused("The library folder of this job was removed. Add it again first.")
    part = bytes(job.part) if job.part is not None else None
    if job.kind == JobKind.SCAN:
        return request_scan(library_id=job.library.pk, part=part)
    if job.kind == JobKind.VERIFY:
        return request_verify(library_id=job.library.pk, part=part)
    take_up_again(library_id=job.library.pk, hopeless=True)
    again = _open(JobKind.HASH, job.library.pk, None, None)
    settling.settle(library_id=job.library.pk)
    again.refresh_from_db()
    return again


def retry_location(*, location_id: int) -> Location:
    """Tries one file again that failed."""
    location = Location.objects.filter(pk=location_id).first()
    if location is None:
        raise NotFound(f"No location has the number {location_id}.")
    _take_up(Location.objects.filter(pk=location_id), hopeless=True)
    settling.settle(library_id=location.library_id)
    location.refresh_from_db()
    return location


def take_up_again(*, library_id: int, part: bytes | None = None, hopeless: bool = False) -> int:
    """Queues what was left unread, say by a cancelled job; with `hopeless` also what failed. How many locations."""
    return _take_up(Location.objects.filter(within(part), library=library_id), hopeless=hopeless)


def _take_up(rows: QuerySet[Location], *, hopeless: bool) -> int:
    left = rows.filter(stage=Stage.NONE, state__in=(LocationState.PRESENT, LocationState.CHANGED))
    unread = left.filter(variant=None)
    unhashed = left.filter(Q(hashed_at=None) | Q(state=LocationState.CHANGED), variant__isnull=False)
    if hopeless:
        findings.clear(codes=_HOPELESS, locations=list(left.values_list("pk", flat=True)))
    else:
        failed = Finding.objects.filter(location=OuterRef("pk"), code__in=_HOPELESS, cleared_at=None)
        unread = unread.filter(~Exists(failed), outcome=Outcome.PENDING)
        unhashed = unhashed.filter(~Exists(failed)).exclude(outcome=Outcome.UNREADABLE)
    again = {"attempts": 0, "alone": False, "done_bytes": 0}
    return unread.update(stage=Stage.PROBE, **again) + unhashed.update(stage=Stage.HASH, **again)


def _open(kind: JobKind, library_id: int, part: bytes | None, user: User) -> Job:
    job, _ = Job.objects.get_or_create(
        kind=kind.value,
        library_id=library_id,
        part=part,
        state__in=OPEN_STATES,
        defaults={"requested_by_id": user.pk if user is not None else None},
    )
    return job


def _locked(job_id: UUID) -> Job:
    """The open job, locked. Raises `NotFound`, or `Refused` when it has ended."""
    job = Job.objects.select_for_update().filter(pk=job_id).first()
    if job is None:
        raise NotFound(f"No job has the id {job_id}.")
    if job.state not in OPEN_STATES:
        state = JobState.label_of(job.state)
        raise Refused(f"This job has ended ({state}). Press Retry to run it again.")
    return job
