"""One scan by a worker: leased, kept alive while it walks, closed with its report."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now

from catalog.errors import Busy, Cancelled, CatalogError, LibraryOffline
from catalog.models import Job
from catalog.services import jobs, settling
from catalog.services.claiming import Orders
from catalog.services.keeping import Heart
from catalog.services.losses import LOSSES
from catalog.services.scanning import ScanReport, scan
from catalog.vocabulary import JobKind, JobState

log = logging.getLogger(__name__)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.models import QuerySet
    from django.db.models.expressions import CombinedExpression

_LOST = (
    "The scan stopped three times without a word, the last time after %(files)s files: its process was killed. "
    "Look into the log of the worker, then press Retry."
)

_ENDED: Mapping[str, object] = {"finished_at": Now(), "lease": None, "leased_until": None}
_OFFLINE = "Plug the drive in or mount it; it is scanned again by itself."


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


def run(job_id: UUID, token: UUID) -> None:
    """Walks, queues what is new or was left unread, and closes the job. Unforeseen errors are the caller's.

    Whoever asks for the same scan meanwhile may have put files where this walk has been: it walks again.
    """
    job = Job.objects.select_related("library").get(pk=job_id)
    if job.library is None:
        return
    part = bytes(job.part) if job.part is not None else None
    heart, done = _ScanHeart(job_id, token), False
    with heart:
        while not done:
            try:
                report = scan(library_id=job.library.pk, part=part, progress=heart.progress, cancelled=heart.cancelled)
            except (Cancelled, Busy):
                _release(job_id, token)
                return
            except LibraryOffline as gone:
                fail(job_id, token, f"{gone} {_OFFLINE}")
                return
            jobs.take_up_again(library_id=job.library.pk, part=part)
            done = _finish(job_id, token, report) or not _again(job_id, token)
    settling.settle(library_id=job.library.pk)


def _finish(job_id: UUID, token: UUID, report: ScanReport) -> bool:
    """False when the same scan was asked for meanwhile, or was taken away."""
    facts = {"report": report.as_json(), "files_done": report.seen, "files_total": report.seen}
    return bool(_held(job_id, token).exclude(report__has_key=jobs.AGAIN).update(state=JobState.DONE, **facts, **_ENDED))


def _again(job_id: UUID, token: UUID) -> bool:
    return bool(_held(job_id, token).update(report={}))


def interrupted(job_id: UUID, token: UUID, error: Exception) -> None:
    """After an error that nobody foresaw. When the database went away, the lease ends by itself."""
    if isinstance(error, DatabaseError) and not (connection.connection is not None and connection.is_usable()):
        log.warning("the database went away", exc_info=error)
        return
    sentence = str(error)
    if not isinstance(error, CatalogError):
        log.error("scan %s failed", job_id, exc_info=error)
        what = " ".join(f"{type(error).__name__}: {error}".split())[:500]
        sentence = f"The scan stopped: {what}. Look into the log of the worker, then press Retry."
    fail(job_id, token, sentence)


def fail(job_id: UUID, token: UUID, sentence: str) -> bool:
    """Closes the job with what went wrong and what to do; False if it was no longer ours."""
    return bool(_held(job_id, token).update(state=JobState.FAILED, error=sentence, **_ENDED))


class _ScanHeart(Heart):
    """Keeps the lease of a scan; a scan that is cancelled or paused loses it."""

    def __init__(self, job_id: UUID, token: UUID) -> None:
        super().__init__(self._keep)
        self._job_id, self._token, self._seen = job_id, token, 0

    def progress(self, seen: int) -> None:
        """So many names were met."""
        self._seen = seen

    def _keep(self) -> Orders:
        return Orders(cancel=not _held(self._job_id, self._token).update(leased_until=_until(), files_done=self._seen))


def _release(job_id: UUID, token: UUID) -> None:
    """Gives the scan back as if it had never begun."""
    _held(job_id, token).update(state=JobState.WAITING, lease=None, leased_until=None, attempts=F("attempts") - 1)


def unattended(*, patience: float) -> list[Job]:
    """Scans that nobody holds, for so many seconds; one that was lost three times is closed."""
    expired = Job.objects.filter(kind=JobKind.SCAN, state=JobState.RUNNING, leased_until__lt=Now())
    for job in expired.filter(attempts__gte=LOSSES):
        sentence = _LOST % {"files": job.files_done}
        expired.filter(pk=job.pk).update(
            state=JobState.FAILED, error=sentence, finished_at=Now(), lease=None, leased_until=None
        )
    late = Q(lease=None, created_at__lte=Now() - timedelta(seconds=patience))
    open_scans = Job.objects.filter(kind=JobKind.SCAN, state__in=(JobState.WAITING, JobState.RUNNING))
    lost = open_scans.filter(late | Q(leased_until__lt=Now()), library__removed_at=None)
    return list(lost.select_related("library").order_by("created_at"))


def _held(job_id: UUID, token: UUID) -> QuerySet[Job]:
    return Job.objects.filter(pk=job_id, lease=token)


def _until() -> CombinedExpression:
    return Now() + timedelta(seconds=settings.LEASE_SECONDS)
