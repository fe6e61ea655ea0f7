"""What is being done now, as the dashboard and the job pages tell it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count

from catalog.models import Job
from catalog.models.work import OPEN_STATES
from catalog.queries.jobs import Progress, Running, progress, running
from catalog.storage.values import shown
from catalog.vocabulary import JobKind, JobState, SkipReason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from uuid import UUID

_MOST_READ = 6
_PARTIAL = 99.9
_VERBS = {
    JobState.WAITING.value: (("pause", "Pause"), ("cancel", "Cancel")),
    JobState.RUNNING.value: (("pause", "Pause"), ("cancel", "Cancel")),
    JobState.PAUSED.value: (("resume", "Resume"), ("cancel", "Cancel")),
    JobState.FAILED.value: (("retry", "Retry"),),
    JobState.CANCELLED.value: (("retry", "Retry"),),
}
_COUNTS = ("new", "edited", "moved", "missing", "revived", "unchanged")


@dataclass(frozen=True, slots=True)
class JobView:
    """One job with how far it is."""

    job: Job
    progress: Progress

    @property
    def percent(self) -> float | None:
        """By bytes; None while nothing is known to divide by."""
        total = self.progress.bytes_total
        return min(100.0, 100 * self.progress.bytes_done / total) if total else None

    @property
    def verbs(self) -> tuple[tuple[str, str], ...]:
        """What can be done with it now: names of actions with their words."""
        return _VERBS.get(self.job.state, ())

    @property
    def open(self) -> bool:
        """Neither done nor given up."""
        return self.job.state in OPEN_STATES

    @property
    def found(self) -> str:
        """What an ended scan found, in a few words: `9 new, 2 moved`; empty when nothing changed."""
        words = scan_words(self.job.report)
        if words is None:
            return ""
        return ", ".join(f"{count:,} {name}" for name, count in words.counts if count and name != "unchanged")

    @property
    def part(self) -> str:
        """The path below the library that it is limited to."""
        return shown(bytes(self.job.part)) if self.job.part is not None else ""


@dataclass(frozen=True, slots=True)
class Now:
    """Everything that is read at this moment. `scans` walk, `reads` are files; the sums are over the open hash jobs."""

    jobs: tuple[JobView, ...]
    reads: tuple[Running, ...]
    hidden: int
    bytes_done: int
    bytes_total: int
    files_done: int
    files_total: int
    rate: float | None
    seconds_left: float | None

    @property
    def scans(self) -> tuple[JobView, ...]:
        """The walks among the jobs."""
        return tuple(view for view in self.jobs if view.job.kind == JobKind.SCAN)

    @property
    def hashing(self) -> bool:
        """Is there anything to be hashed?"""
        return any(view.job.kind == JobKind.HASH for view in self.jobs)

    @property
    def percent(self) -> int | None:
        """Whole percents of the bytes; never 100 before the end."""
        if not self.hashing or not self.bytes_total:
            return None
        return int(min(_PARTIAL, 100 * self.bytes_done / self.bytes_total))


def now() -> Now:
    """The open jobs and what they read."""
    jobs = tuple(views(Job.objects.filter(state__in=OPEN_STATES)))
    hashing = [view for view in jobs if view.job.kind == JobKind.HASH]
    sums = [view.progress for view in hashing]
    rate = sum(one.rate for one in sums if one.rate) or None
    done, total = sum(one.bytes_done for one in sums), sum(one.bytes_total for one in sums)
    reads = running()
    return Now(
        jobs=jobs,
        reads=tuple(reads[:_MOST_READ]),
        hidden=max(0, len(reads) - _MOST_READ),
        bytes_done=done,
        bytes_total=total,
        files_done=sum(one.files_done for one in sums),
        files_total=sum(one.files_total for one in sums),
        rate=rate,
        seconds_left=(total - done) / rate if rate else None,
    )


def views(jobs: Iterable[Job]) -> list[JobView]:
    """Jobs with their progress, open ones first, then the latest."""
    rows = jobs.select_related("library", "requested_by") if hasattr(jobs, "select_related") else jobs
    ordered = sorted(rows, key=lambda job: (job.state not in OPEN_STATES, -job.created_at.timestamp()))
    return [JobView(job, progress(job)) for job in ordered]


def find(job_id: UUID) -> JobView | None:
    """One job; None for an id that was never given out."""
    job = Job.objects.select_related("library", "requested_by").filter(pk=job_id).first()
    return JobView(job, progress(job)) if job else None


def states() -> list[tuple[str, int]]:
    """How many jobs are in each state, in the order of the vocabulary."""
    counts = dict(Job.objects.values_list("state").annotate(n=Count("pk")))
    return [(state, counts[state]) for state in JobState.values() if state in counts]


@dataclass(frozen=True, slots=True)
class ScanWords:
    """A scan's report as a page tells it."""

    counts: tuple[tuple[str, int], ...]
    skipped: tuple[tuple[str, int], ...]
    links: int
    findings: int
    seconds: float
    complete: bool


def scan_words(report: Mapping[str, object]) -> ScanWords | None:
    """The report that a scan left; None when it left none (yet)."""
    if not any(name in report for name in _COUNTS):
        return None
    skipped = report.get("skipped")
    reasons = skipped.items() if isinstance(skipped, dict) else ()
    return ScanWords(
        counts=tuple((name, _whole(report.get(name))) for name in _COUNTS),
        skipped=tuple((SkipReason.label_of(str(reason)), _whole(count)) for reason, count in reasons),
        links=_whole(report.get("links")),
        findings=_whole(report.get("findings")),
        seconds=float(_number(report.get("seconds"))),
        complete=bool(report.get("complete", True)),
    )


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _whole(value: object) -> int:
    return len(value) if isinstance(value, list | tuple) else int(_number(value))
