"""How far jobs are, and what is being read at this moment: sums over few rows, cheap enough to ask every second."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q, Sum

from catalog.models import Job, Location
from catalog.vocabulary import JobKind, JobState, Stage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from django.db.models import QuerySet

STAGES: Mapping[str, tuple[str, ...]] = {
    JobKind.SCAN.value: (),
    JobKind.HASH.value: (Stage.PROBE.value, Stage.HASH.value),
    JobKind.VERIFY.value: (Stage.VERIFY.value,),
}
"""What the locations wait for that a job of each kind stands for."""

_LEAST_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Progress:
    """`rate` in bytes a second and `seconds_left` are None as long as nothing can be said of them."""

    bytes_done: int
    bytes_total: int
    files_done: int
    files_total: int
    rate: float | None = None
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True)
class Running:
    """A location that is being read at this moment."""

    location_id: int
    library_id: int
    library: str
    path: str
    stage: str
    variant_id: UUID | None
    size: int
    done: int


def within(part: bytes | None) -> Q:
    """Locations at a path, below it, or (sets that fill a folder) around it; None for all."""
    if not part:
        return Q()
    above = [part[:end] for end, byte in enumerate(part) if byte == ord("/")]
    return Q(path__in=[b"", *above, part]) | Q(path__gte=part + b"/", path__lt=part + b"0")  # 0 comes after /


def waiting(job: Job) -> QuerySet[Location]:
    """The locations whose work the job still stands for; none of a scan."""
    rows = Location.objects.filter(library=job.library_id, stage__in=STAGES[job.kind])
    return rows.filter(within(bytes(job.part) if job.part is not None else None))


def progress(job: Job) -> Progress:
    """With the bytes of the files that are being read. Of a scan only the files that were met so far are known."""
    inside = 0
    if job.state == JobState.RUNNING and STAGES[job.kind]:
        inside = waiting(job).filter(lease__isnull=False).aggregate(done=Sum("done_bytes"))["done"] or 0
    done = job.bytes_done + inside
    total = max(job.bytes_total, done)
    rate = _rate(job, done) if job.state == JobState.RUNNING else None
    left = (total - done) / rate if rate else None
    return Progress(done, total, job.files_done, max(job.files_total, job.files_done), rate, left)


def running(library: int | None = None) -> list[Running]:
    """What is being read now, in one library or in all; the largest first."""
    rows = Location.objects.filter(lease__isnull=False, done_bytes__gt=0)
    if library is not None:
        rows = rows.filter(library=library)
    return [
        Running(
            location_id=row.pk,
            library_id=row.library_id,
            library=row.library.name,
            path=str(row),
            stage=row.stage,
            variant_id=row.variant_id,
            size=row.size,
            done=row.done_bytes,
        )
        for row in rows.select_related("library").order_by("-size", "pk")
    ]


def _rate(job: Job, done: int) -> float | None:
    """Since the oldest mark that the reconciler left in the last minute, else since the start."""
    marks = job.report.get("marks") or []
    if marks:
        since, before = marks[0]
    elif job.started_at is not None:
        since, before = job.started_at.timestamp(), 0
    else:
        return None
    seconds = time.time() - since
    return (done - before) / seconds if seconds > _LEAST_SECONDS and done > before else None
