"""Opening and closing the jobs that stand for waiting locations, and counting what is done of them."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, F, Q, Sum
from django.db.models.functions import Coalesce, Greatest, Now

from catalog.models import Job, Library, Location
from catalog.models.work import OPEN_STATES
from catalog.queries.jobs import STAGES, waiting
from catalog.vocabulary import JobKind, JobState, Stage

if TYPE_CHECKING:
    from uuid import UUID

    from catalog.services.claiming import Claim

_MARKS = 7
_KINDS = (JobKind.HASH, JobKind.VERIFY)


@dataclass(slots=True)
class Working:
    """A claim that is being worked on: the job it counts for, and how much of it has been counted so far."""

    job_id: UUID | None
    location_ids: tuple[int, ...]
    speed: float | None = None
    files: int = 0
    bytes: int = 0

    def count(self) -> None:
        """Adds to the job what was finished of the claim since the last time."""
        done = Location.objects.filter(pk__in=self.location_ids, stage=Stage.NONE)
        files, size = done.aggregate(files=Count("pk"), size=Coalesce(Sum("size"), 0)).values()
        new_files, new_bytes = files - self.files, size - self.bytes
        if new_files <= 0 or self.job_id is None:
            return
        Job.objects.filter(pk=self.job_id).exclude(state=JobState.CANCELLED).update(
            files_done=F("files_done") + new_files,
            bytes_done=F("bytes_done") + new_bytes,
            files_total=Greatest("files_total", F("files_done") + new_files),
            bytes_total=Greatest("bytes_total", F("bytes_done") + new_bytes),
        )
        self.files, self.bytes = files, size


def working_on(claim: Claim) -> Working:
    """Marks the job of a claim as running."""
    kind = next(kind for kind in _KINDS if claim.stage.value in STAGES[kind])
    job_id = _job_of(claim, kind)
    if job_id is None:
        settle(library_id=claim.library_id)
        job_id = _job_of(claim, kind)
    if job_id is not None:
        Job.objects.filter(pk=job_id, state=JobState.WAITING).update(
            state=JobState.RUNNING, started_at=Coalesce("started_at", Now())
        )
    limit = Library.objects.filter(pk=claim.library_id).values_list("speed_limit", flat=True).first()
    return Working(job_id, claim.location_ids, limit * 1e6 if limit else None)


def _job_of(claim: Claim, kind: JobKind) -> UUID | None:
    jobs = list(Job.objects.filter(kind=kind, library=claim.library_id, state__in=OPEN_STATES).order_by("created_at"))
    if len(jobs) == 1:
        return jobs[0].pk
    return next((job.pk for job in jobs if waiting(job).filter(pk__in=claim.location_ids).exists()), None)


def settle(*, library_id: int | None = None) -> int:
    """Opens the jobs that are missing, notes how much each has to do, closes those with nothing left. How many."""
    limit = Q() if library_id is None else Q(library=library_id)
    left = _left(limit)
    _open_missing(left, limit)
    gone = Job.objects.filter(limit, state__in=OPEN_STATES, library__removed_at__isnull=False)
    gone.update(state=JobState.CANCELLED, cancel=True, finished_at=Now(), lease=None, leased_until=None)
    scanning = Job.objects.filter(limit, kind=JobKind.SCAN, state__in=(JobState.WAITING, JobState.RUNNING))
    busy = set(scanning.values_list("library_id", flat=True))
    return sum(
        _settle(job, left[job.library_id or 0, job.kind], may_close=job.library_id not in busy)
        for job in Job.objects.filter(limit, kind__in=_KINDS, state__in=OPEN_STATES)
    )


def _left(limit: Q) -> dict[tuple[int, str], tuple[int, int]]:
    """(library, kind) -> files and bytes that wait or are being worked on; (0, 0) where there are none."""
    rows = Location.objects.filter(limit, library__removed_at=None).exclude(stage=Stage.NONE)
    kind_of = {stage: kind for kind, stages in STAGES.items() for stage in stages}
    found: dict[tuple[int, str], tuple[int, int]] = defaultdict(lambda: (0, 0))
    for library, stage, files, size in rows.values_list("library", "stage").annotate(Count("pk"), Sum("size")):
        before = found[library, kind_of[stage]]
        found[library, kind_of[stage]] = before[0] + files, before[1] + int(size)
    return found


def _open_missing(left: dict[tuple[int, str], tuple[int, int]], limit: Q) -> None:
    there = set(Job.objects.filter(limit, state__in=OPEN_STATES).values_list("library", "kind"))
    missing = sorted(place for place, (files, _) in left.items() if files and place not in there)
    Job.objects.bulk_create([Job(library_id=library, kind=kind) for library, kind in missing], ignore_conflicts=True)


def _settle(job: Job, left: tuple[int, int], *, may_close: bool) -> bool:
    """Whether it was closed."""
    if job.part is not None:
        rows = waiting(job).aggregate(files=Count("pk"), size=Coalesce(Sum("size"), 0))
        left = rows["files"], rows["size"]
    row = Job.objects.filter(pk=job.pk, state=job.state)
    if left[0] == 0 and may_close:
        closed = row.update(
            state=JobState.DONE, finished_at=Now(), files_total=F("files_done"), bytes_total=F("bytes_done")
        )
        return bool(closed)
    row.update(files_total=F("files_done") + left[0], bytes_total=F("bytes_done") + left[1], report=_marked(job))
    return False


def _marked(job: Job) -> dict[str, object]:
    """The report with one more mark of how far the job was when: from these comes its rate."""
    marks = [*job.report.get("marks", []), [time.time(), job.bytes_done]] if job.state == JobState.RUNNING else []
    return {**job.report, "marks": marks[-_MARKS:]}
