"""The lease of a scan: taken when a worker begins, kept while it walks, given back with the report."""

from __future__ import annotations

from dataclasses import asdict, is_dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from django.conf import settings
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now

from catalog.models import Job
from catalog.services.claiming import Orders
from catalog.services.losses import LOSSES
from catalog.vocabulary import JobKind, JobState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.models import QuerySet
    from django.db.models.expressions import CombinedExpression

_LOST = (
    "The scan stopped three times without a word, the last time after %(files)s files: its process was killed. "
    "Look into the log of the worker, then press Retry."
)


def start(job_id: UUID) -> UUID | None:
    """Leases a scan; None if it has ended, is paused, or another worker has it."""
    token = uuid4()
    free = Q(lease=None) | Q(leased_until__lt=Now())
    taken = Job.objects.filter(free, pk=job_id, kind=JobKind.SCAN, state__in=(JobState.WAITING, JobState.RUNNING))
    began = taken.update(
        lease=token,
        leased_until=_until(),
        attempts=F("attempts") + 1,
        state=JobState.RUNNING,
        started_at=Coalesce("started_at", Now()),
    )
    return token if began else None


def heartbeat(job_id: UUID, token: UUID, files: int) -> Orders:
    """Keeps the lease; to stop is told by its loss."""
    kept = _held(job_id, token).update(leased_until=_until(), files_done=files)
    return Orders(cancel=not kept)


def finish(job_id: UUID, token: UUID, report: object) -> bool:
    """Closes the job with the report of the scan; False if it was no longer ours."""
    facts = asdict(report) if is_dataclass(report) and not isinstance(report, type) else {}
    return _end(job_id, token, state=JobState.DONE, report=facts)


def fail(job_id: UUID, token: UUID, sentence: str) -> bool:
    """Closes the job with what went wrong and what to do."""
    return _end(job_id, token, state=JobState.FAILED, error=sentence)


def release(job_id: UUID, token: UUID) -> bool:
    """Gives the scan back as if it had never begun: a shutdown."""
    back = {"state": JobState.WAITING, "lease": None, "leased_until": None, "attempts": F("attempts") - 1}
    return bool(_held(job_id, token).update(**back))


def unattended() -> list[Job]:
    """Scans that nobody holds, for the reconciler to send again; one that was lost three times is closed."""
    expired = Job.objects.filter(kind=JobKind.SCAN, state=JobState.RUNNING, leased_until__lt=Now())
    for job in expired.filter(attempts__gte=LOSSES):
        sentence = _LOST % {"files": job.files_done}
        expired.filter(pk=job.pk).update(
            state=JobState.FAILED, error=sentence, finished_at=Now(), lease=None, leased_until=None
        )
    late = Q(lease=None, created_at__lt=Now() - timedelta(seconds=settings.RECONCILE_SECONDS / 2))
    open_scans = Job.objects.filter(kind=JobKind.SCAN, state__in=(JobState.WAITING, JobState.RUNNING))
    lost = open_scans.filter(late | Q(leased_until__lt=Now()), library__removed_at=None)
    return list(lost.select_related("library").order_by("created_at"))


def _held(job_id: UUID, token: UUID) -> QuerySet[Job]:
    return Job.objects.filter(pk=job_id, lease=token)


def _end(job_id: UUID, token: UUID, **facts: object) -> bool:
    ended: Mapping[str, object] = {"finished_at": Now(), "lease": None, "leased_until": None}
    return bool(_held(job_id, token).update(**facts, **ended))


def _until() -> CombinedExpression:
    return Now() + timedelta(seconds=settings.LEASE_SECONDS)
