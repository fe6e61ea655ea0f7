"""Waiting for work that other processes do, or doing it here when there are none."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils import timezone
from kombu.exceptions import KombuError, OperationalError

from catalog import tasks
from catalog.models import Job, Library, Location
from catalog.queries.jobs import within
from catalog.services import reconciling
from catalog.services.notes.waiting import unread
from catalog.vocabulary import JobKind, JobState, Stage
from config import serving
from config.celery import app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

LOOK_SECONDS = 0.25
_ANSWER_SECONDS = 0.5


@contextmanager
def hands() -> Iterator[Callable[[], None]]:
    """Somebody works off the queues of this host while the body runs. Call what it yields again and again."""
    ours = settings.EMBEDDED["broker"] and serving.running() is None
    with serving.workers():
        yield _look_away if ours or _somebody_works() else _help


def _somebody_works() -> bool:
    wanted = {settings.QUEUE, tasks.quick_queue(settings.QUEUE)}
    try:
        with app.connection_for_write() as connection:  # a fresh one: a late answer to somebody else is not ours
            answers = app.control.inspect(timeout=_ANSWER_SECONDS, connection=connection).active_queues() or {}
    except (OperationalError, KombuError, OSError):
        return False
    return wanted <= {queue["name"] for queues in answers.values() for queue in queues}


def _look_away() -> None:
    time.sleep(LOOK_SECONDS)


def _help() -> None:
    """One round of everything that workers do, in this process."""
    todo = reconciling.reconcile(patience=0)
    for job in todo.scans:
        tasks.run_scan(str(job.pk))
    tasks.run_quick(settings.QUEUE)
    tasks.read_notes(settings.QUEUE)
    tasks.run_bulk(settings.QUEUE)
    if todo.totals:
        tasks.refresh_totals()


def left(library: Library, part: bytes | None, stages: Sequence[Stage]) -> int:
    """How many locations of a library, or below a part of it, still wait for one of these stages."""
    return Location.objects.filter(within(part), library=library, stage__in=stages).count()


def notes_left(library: Library) -> bool:
    """Notes of other programs wait to be read."""
    return library.online and unread().filter(library=library).exists()


def at_rest(library_id: int, kind: str) -> str:
    """Why nothing goes on in a library although something waits; empty when it goes on."""
    library = Library.objects.get(pk=library_id)
    if library.removed_at is not None:
        return f"{library.path_text} was removed meanwhile."
    paused = Job.objects.filter(library=library_id, kind=kind, state=JobState.PAUSED).first()
    if paused is not None:
        return f"The job is paused. Go on with it: manage.py jobs resume {paused.pk.hex[:8]}"
    if kind == JobKind.SCAN:
        return ""
    if not library.online:
        return f"{library.path_text} cannot be reached. Plug the drive in or mount it; the work goes on by itself."
    return "" if left(library, None, [Stage.PROBE]) else _no_bytes(library)


def _no_bytes(library: Library) -> str:
    """Why no file is read as a whole; headers are."""
    if library.paused:
        return f"Hashing of {library.path_text} is paused. Go on with it: manage.py libraries resume {library.pk}"
    if _quiet(library):
        return f"{library.path_text} is not hashed from {library.quiet_from:%H:%M} until {library.quiet_until:%H:%M}."
    return ""


def _quiet(library: Library) -> bool:
    if library.quiet_from is None or library.quiet_until is None:
        return False
    now = timezone.localtime().time()
    if library.quiet_from <= library.quiet_until:
        return library.quiet_from <= now < library.quiet_until
    return now >= library.quiet_from or now < library.quiet_until
