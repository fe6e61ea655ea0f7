"""`manage.py scan PATH...`: walk library folders and queue what is new; with --wait, see it catalogued."""

from __future__ import annotations

import os
import shlex
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from catalog import tasks
from catalog.errors import PathRefused
from catalog.management.output import DONE, FAILED, CatalogCommand, strings
from catalog.management.telling import Other, Told, headline, mixture, others
from catalog.management.waiting import at_rest, hands, left, notes_left
from catalog.models import Job, Library
from catalog.models.work import OPEN_STATES
from catalog.queries import jobs as progressing
from catalog.queries import met
from catalog.services import libraries, offers
from catalog.vocabulary import Format, JobKind, JobState, SkipReason, Stage
from catalog.vocabulary.sizes import human_size
from config import serving

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable, Iterator, Mapping

    from rich.text import Text

    from catalog.queries.met import Met

_WORK = (Stage.PROBE, Stage.HASH)
_FEW = 20
_SHARE, _MOST_SECONDS = 5.0, 5.0
"""Where looking takes long, it is done less often: the workers need the machine."""
_LOOKS = 400
"""So often at most is looked whether the notes of other programs are read."""
_COUNTS = ("new", "edited", "moved", "missing", "revived", "unchanged")


@dataclass(slots=True)
class Target:
    """One path that was asked for, as a library or a part of one, and what was told of it so far."""

    library: Library
    part: bytes | None
    job: Job
    told: set[int] = field(default_factory=set)
    over: bool = False
    patience: int = _LOOKS

    def waits_for_notes(self) -> bool:
        """Names out of sidecars come a moment later; nobody waits for them for ever."""
        self.patience -= 1
        return self.patience > 0 and notes_left(self.library)


class Command(CatalogCommand):
    """Adds the folders as libraries if they are new."""

    help = "Catalog folders (or single files): walk them, and have what is new read and hashed."
    needs_servers = True

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", metavar="PATH", help="a folder with models, or one file")
        parser.add_argument("--wait", action="store_true", help="come back when everything is hashed, and list it")

    def work(self, options: Mapping[str, object]) -> int:
        if not options["wait"]:
            return self._queue(strings(options, "paths"))
        with hands() as look:
            targets, code = self._targets(strings(options, "paths"))
            with self._bar(targets) as show:
                return max(code, self._follow(targets, lambda: (show(), look())))

    def _targets(self, paths: list[str]) -> tuple[list[Target], int]:
        """Each path is added and its scan asked for; one that is refused does not keep the others from it."""
        targets, code = [], DONE
        for path in paths:
            try:
                library = libraries.add(path=os.fsencode(path))
                _, part = libraries.locate(os.fsencode(path))
            except PathRefused as refused:
                self.say(str(refused))
                code = FAILED
                continue
            part = None if library.only is not None else part
            self._tell_further(path)
            targets.append(Target(library, part, tasks.start_scan(library_id=library.pk, part=part)))
        return targets, code

    def _tell_further(self, path: str) -> None:
        """Of folders that the file of a ComfyUI names."""
        further = offers.named_beside(os.fsencode(path))
        if further:
            named = " ".join(map(shlex.quote, further))
            self.say(f"Its extra_model_paths.yaml names further folders. Catalog them too: manage.py scan {named}")

    def _queue(self, paths: list[str]) -> int:
        """Without waiting: workers that run do it; where none run, the walk is done here."""
        targets, code = self._targets(paths)
        for target in targets:
            if serving.embedded_names() and serving.running() is None:
                tasks.run_scan(str(target.job.pk))
            target.job.refresh_from_db()
            code = max(code, self._queued(target))
        return code

    def _queued(self, target: Target) -> int:
        job, waiting = target.job, left(target.library, target.part, _WORK)
        self._emit_job(target, waiting)
        if job.state == JobState.FAILED:
            self.say(job.error)
            return FAILED
        if job.state == JobState.DONE:
            self.show(_summary(target))
            if waiting:
                self.show(f"{waiting} wait to be read and hashed: manage.py up, or manage.py scan --wait ...")
        else:
            self.show(f"{target.library.path_text} is being scanned; see how far with: manage.py jobs")
        return DONE

    def _emit_job(self, target: Target, waiting: int) -> None:
        if self.json:
            job = target.job
            self.emit(
                {"library": target.library.path_text, "job": job.pk, "state": job.state, "waiting": waiting}
                | {name: job.report.get(name) for name in _COUNTS}
            )

    def _follow(self, targets: list[Target], look: Callable[[], object]) -> int:
        """Until nothing is left to do; each thing is told as soon as it is done."""
        started, code = time.monotonic(), DONE
        while not all(target.over for target in targets):
            began = time.monotonic()
            for target in targets:
                if not target.over:
                    code = max(code, self._round(target, started))
            if not all(target.over for target in targets):
                pause = min(_MOST_SECONDS, _SHARE * (time.monotonic() - began))
                look()
                time.sleep(pause)
        return code

    def _round(self, target: Target, started: float) -> int:
        target.job.refresh_from_db()
        if target.job.state in OPEN_STATES:
            return self._resting(target, JobKind.SCAN)
        if target.job.state != JobState.DONE:
            target.over = True
            self.say(target.job.error or f"The scan of {target.library.path_text} was cancelled.")
            return FAILED
        working = left(target.library, target.part, _WORK) > 0
        target.over = not working and not target.waits_for_notes()
        if self.json:
            self._emit_new(target, started)
        elif target.over:
            self._tell(target)
        return self._resting(target, JobKind.HASH) if working else DONE

    def _emit_new(self, target: Target, started: float) -> None:
        """What was finished since the last time; at the end also what is no model."""
        new = met.finished(library_id=target.library.pk, part=target.part, besides=target.told)
        target.told.update(new)
        rows = met.locations(new)
        if target.over:
            rows += [*met.odd(target.library, target.part), *met.skipped(target.library, _skips(target.job))]
        for row in rows:
            self.emit(row.row() | {"seconds": round(time.monotonic() - started, 3)})

    def _tell(self, target: Target) -> None:
        """For a person, few things one by one; of many only those that need attention."""
        every = met.finished(library_id=target.library.pk, part=target.part, besides=())
        few = len(every) <= _FEW
        shown = (
            every if few else met.finished(library_id=target.library.pk, part=target.part, besides=(), odd_only=True)
        )
        for row in [*met.locations(shown), *met.odd(target.library, target.part)]:
            for line in _lines(row):
                self.show(line)
        self.show(_summary(target))
        if not few:
            self.show(f"{len(every):,} models are catalogued. Look at them: manage.py up")

    def _resting(self, target: Target, kind: JobKind) -> int:
        """Nobody waits for what does not come."""
        reason = at_rest(target.library.pk, kind)
        if not reason:
            return DONE
        target.over = True
        self.say(reason)
        return FAILED

    @contextmanager
    def _bar(self, targets: list[Target]) -> Iterator[Callable[[], None]]:
        """How far the hashing is, in bytes, on standard error, where that is a terminal."""
        if not self.stderr.isatty():
            yield lambda: None
            return
        from rich import progress  # noqa: PLC0415 - costs time that only a person at a terminal needs to spend

        columns = (progress.BarColumn(), progress.DownloadColumn(), progress.TransferSpeedColumn())
        ids = {target.library.pk for target in targets}
        with progress.Progress(*columns, progress.TimeRemainingColumn(), console=self._err, transient=True) as bar:
            task = bar.add_task("", total=None)

            def show() -> None:
                open_jobs = Job.objects.filter(kind=JobKind.HASH, library__in=ids, state__in=OPEN_STATES)
                sums = [progressing.progress(job) for job in open_jobs]
                if sums:
                    done, total = sum(one.bytes_done for one in sums), sum(one.bytes_total for one in sums)
                    bar.update(task, completed=done, total=total)

            yield show


def _skips(job: Job) -> Mapping[str, int]:
    counts = job.report.get("skipped")
    return counts if isinstance(counts, dict) else {}


def _summary(target: Target) -> str:
    """`/models: 3 new, 12 unchanged; passed by: 4 other files.`"""
    report = target.job.report
    counts = ", ".join(f"{report[name]:,} {name}" for name in _COUNTS if report.get(name)) or "nothing found"
    skips = ", ".join(f"{count:,} {SkipReason.label_of(reason)}" for reason, count in _skips(target.job).items())
    return f"{target.library.path_text}: {counts}" + (f"; passed by: {skips}" if skips else "") + "."


def _lines(row: Met) -> Iterator[str | Text]:
    yield row.path + (f"#{row.set}" if row.set else "")
    told = Told(row.kind, row.base, row.traits, row.precision, row.quantisation, 0, row.dtypes)
    container = Format.label_of(row.format) if row.format else ""
    yield headline(row.outcome, [container], told, [human_size(row.size) if row.size else ""])
    yield from mixture(told)
    yield from others(Other(*one) for one in row.candidates)
    yield from (f"  {name} {row.digests[name]}" for name in ("sha256", "folder:v1") if name in row.digests)
    yield from (f"  ! {said.sentence}" for said in row.findings)
