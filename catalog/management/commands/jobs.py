"""`manage.py jobs`: what is being done in the background, and how far it is; cancel, pause, resume, retry."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from catalog import tasks
from catalog.errors import NotFound
from catalog.management.output import DONE, CatalogCommand
from catalog.management.verbs import Verbs
from catalog.models import Job
from catalog.models.work import OPEN_STATES
from catalog.queries.jobs import Progress, progress
from catalog.services import jobs
from catalog.storage.values import shown
from catalog.vocabulary import JobKind, JobState
from catalog.vocabulary.sizes import human_size

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable, Mapping

VERBS: Mapping[str, tuple[Callable[..., Job], str]] = {
    "cancel": (jobs.cancel, "end one; what it had not done yet is dropped"),
    "pause": (jobs.pause, "stop one until it is resumed"),
    "resume": (jobs.resume, "go on with a paused one"),
    "retry": (jobs.retry, "run an ended one again, also over the files that failed"),
}
_SHORT = 8
_LATEST = 20


class Command(CatalogCommand):
    """JOB is the id of a job, or its first digits."""

    help = "List the background work; cancel, pause, resume or retry a job."
    needs_servers = True

    def arguments(self, parser: ArgumentParser) -> None:
        verbs = Verbs(parser)
        listing = verbs.add("list", help="open jobs and the latest others (this is the default)")
        listing.add_argument("--all", action="store_true", help="every job there ever was")
        for verb, (_, text) in VERBS.items():
            verbs.add(verb, help=text).add_argument("job", metavar="JOB", help="its id, or the first digits")

    def work(self, options: Mapping[str, object]) -> int:
        verb = str(options.get("verb") or "list")
        if verb in VERBS:
            job = VERBS[verb][0](job_id=_find(str(options["job"])).pk)
            if verb in ("resume", "retry"):
                tasks.nudge(job)
            self._tell(job)
            return DONE
        rows = _listed(everything=bool(options.get("all")))
        for job in rows:
            self._tell(job)
        if not rows:
            self.say("Nothing was ever asked for. Begin with: manage.py scan FOLDER")
        return DONE

    def _tell(self, job: Job) -> None:
        far = progress(job)
        if self.json:
            self.emit(_row(job, far))
        else:
            self.show(_line(job, far))
            if job.error:
                self.show(f"          {job.error}")


def _listed(*, everything: bool) -> list[Job]:
    rows = Job.objects.select_related("library").order_by("-created_at")
    if everything:
        return list(rows)
    return [*rows.filter(state__in=OPEN_STATES), *rows.exclude(state__in=OPEN_STATES)[:_LATEST]]


def _find(text: str) -> Job:
    """The one job whose id begins so. Raises `NotFound`."""
    digits = re.sub("-", "", text.lower())
    found = [job for job in Job.objects.all() if job.pk.hex.startswith(digits)] if digits else []
    if len(found) == 1:
        return found[0]
    if found:
        raise NotFound(f"The ids of {len(found)} jobs begin with {text}. Give more digits.")
    raise NotFound(f"The id of no job begins with {text}. See them with: manage.py jobs list --all")


def _row(job: Job, far: Progress) -> dict[str, object]:
    return {
        "id": job.pk,
        "kind": job.kind,
        "library": job.library.path_text if job.library is not None else None,
        "part": shown(bytes(job.part)) if job.part is not None else None,
        "state": job.state,
        "bytes_done": far.bytes_done,
        "bytes_total": far.bytes_total,
        "files_done": far.files_done,
        "files_total": far.files_total,
        "rate": far.rate,
        "seconds_left": far.seconds_left,
        "error": job.error,
        "created_at": job.created_at,
        "started_at": job.started_at,
        "finished_at": job.finished_at,
    }


def _line(job: Job, far: Progress) -> str:
    """`1f2e3d4c  Hash    running    12 of 40 files, 3.2 GB of 9.1 GB, 210 MB/s  /models`"""
    parts = [f"{far.files_done:,} of {far.files_total:,} files" if far.files_total else f"{far.files_done:,} files"]
    if far.bytes_total:
        parts.append(f"{human_size(far.bytes_done)} of {human_size(far.bytes_total)}")
    if far.rate:
        parts.append(f"{human_size(int(far.rate))}/s")
    place = job.library.path_text if job.library is not None else ""
    if job.part is not None:
        place = f"{place}/{shown(bytes(job.part))}"
    kind, state = JobKind.label_of(job.kind), JobState.label_of(job.state)
    return f"{job.pk.hex[:_SHORT]}  {kind:7} {state:10} {', '.join(parts)}  {place}"
