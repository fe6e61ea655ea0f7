"""The conveyor belt. A message only wakes a worker, which then takes from the database whatever waits there.

So a message that is lost, late or delivered twice does no harm: `reconcile` sends what is missing, and a worker that
finds nothing goes back to sleep.
"""

from __future__ import annotations

import gc
import logging
import time
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID

from celery import shared_task
from celery.signals import worker_process_init, worker_ready, worker_shutting_down
from django.conf import settings
from django.db import connections, transaction
from kombu.exceptions import ChannelError, KombuError, OperationalError
from redis import RedisError

from catalog.models import Job, Library
from catalog.queries import comparing as comparisons
from catalog.services import drives, grouping, jobs, notes, reconciling, scan_runs, stopping, totals, working
from catalog.services.matching import comparing, leases
from catalog.services.matching import working as matching
from catalog.services.matching.subjects import Shelf
from catalog.vocabulary import JobKind, Stage
from config.celery import app

if TYPE_CHECKING:
    from celery import Task
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

    from catalog.services.working import Lane

OFFICE = settings.CELERY_TASK_DEFAULT_QUEUE
MOST_WAKES = 8
"""So many messages wait for a queue's workers at most: each of them sends the next."""
_AWAY_SECONDS = 5.0
_SEARCH_SECONDS = 5.0
_GROUP_SECONDS = 5.0
_MOST_SEARCHES = 2
_down_until = 0.0

log = logging.getLogger(__name__)


def dispatch(task: Task[..., None], *args: object, queue: str) -> None:
    """Sends a message when the transaction is committed. A broker that is down costs time, never work."""
    transaction.on_commit(partial(_send, task, args, queue))


def start_scan(
    *, library_id: int, part: bytes | None = None, user: AbstractBaseUser | AnonymousUser | None = None
) -> Job:
    """Asks for a scan and sends it to the workers of the library."""
    job = jobs.request_scan(library_id=library_id, part=part, user=user)
    send_scan(job)
    return job


def start_verify(
    *, library_id: int, part: bytes | None = None, user: AbstractBaseUser | AnonymousUser | None = None
) -> Job:
    """Asks for the files of a library to be read again, and wakes its workers."""
    job = jobs.request_verify(library_id=library_id, part=part, user=user)
    nudge(job)
    return job


def send_scan(job: Job) -> None:
    """To the workers that reach the library."""
    if job.library is not None:
        dispatch(run_scan, str(job.pk), queue=quick_queue(job.library.queue))


def nudge(job: Job) -> None:
    """After a job was resumed or tried again: has the workers look at it now."""
    if job.kind == JobKind.SCAN:
        send_scan(job)
    elif job.library is not None:
        wake(job.library.queue)


def quick_queue(queue: str) -> str:
    """The queue for the short work of a host."""
    return f"{queue}.quick"


def wake(queue: str) -> None:
    """Sends as many messages as there is work for, less those that wait already."""
    quick, bulk = reconciling.waiting(queue, most=MOST_WAKES)
    for task, name, wanted in ((run_quick, quick_queue(queue), quick), (run_bulk, queue, bulk)):
        for _ in range(wanted - _queued(name) if wanted else 0):
            dispatch(task, queue, queue=name)
    wake_searches()


def wake_searches() -> None:
    """Sends for those who compare, when a variant waits for that and no worker is busy with headers or small files.

    Whoever has read some sends again.
    """
    if comparisons.searches_wait() and not reconciling.hurried() and _queued(OFFICE) < _MOST_SEARCHES:
        dispatch(search, queue=OFFICE)


@shared_task(name="catalog.tasks.run_scan")
def run_scan(job_id: str) -> None:
    """One scan, unless it has ended or somebody is at it."""
    job = UUID(job_id)
    token = scan_runs.start(job)
    if token is None:
        return
    try:
        scan_runs.run(job, token)
    except Exception as error:  # noqa: BLE001 - the edge: it ends in the job's row
        scan_runs.interrupted(job, token, error)
    for queue in Library.objects.filter(jobs=job).values_list("queue", flat=True):
        wake(queue)


@shared_task(name="catalog.tasks.run_quick")
def run_quick(queue: str) -> None:
    """Reads what other programs noted of the files whose headers are known; then headers, then hashes small files."""
    read_notes(queue)
    _work_once(queue, working.QUICK)


def read_notes(queue: str) -> None:
    """The next notes, and the next message if more wait. They still wait after an error; the files do not wait."""
    try:
        report = notes.read_waiting(queue=queue)
    except Exception:  # the edge: a name or a preview is missing, and nothing else
        log.exception("reading the notes of other programs failed")
        connections["default"].close_if_unusable_or_obsolete()
        return
    if report.notes:
        wake(queue)


@shared_task(name="catalog.tasks.run_bulk")
def run_bulk(queue: str) -> None:
    """Hashes files of any size; when none waits, compares the values of a pair and verifies, in turn."""
    if _work_once(queue, working.BULK) is not Stage.HASH and _compare_once(queue):
        wake(queue)


def _compare_once(queue: str) -> bool:
    """One pair, if any waits whose drives may be read now."""
    with comparing.taken(queue=queue) as pair:
        if pair is None:
            return False
        try:
            matching.compare(pair)
        except Exception as error:  # noqa: BLE001 - the edge: it ends in a finding of the variant
            matching.interrupted(pair, error)
    return True


def _work_once(queue: str, lane: Lane) -> Stage | None:
    """One claim, and the next message if more waits. The stage that was worked on."""
    with working.taken(queue=queue, lane=lane) as claim:
        if claim is None:
            return None
        try:
            working.work(claim, lane=lane)
        except Exception as error:  # noqa: BLE001 - the edge: it ends in a finding of the file
            working.interrupted(claim, error)
    wake(queue)
    return claim.stage


@shared_task(name="catalog.tasks.search")
def search() -> None:
    """Compares variants with what the catalogue knows, for some seconds; then the next message if more wait."""
    shelf, until = Shelf(), time.monotonic() + _SEARCH_SECONDS
    while time.monotonic() < until and not reconciling.hurried() and (claim := leases.take()) is not None:
        try:
            matching.search(claim, shelf)
        except Exception as error:  # noqa: BLE001 - the edge: it ends in a finding of the variant
            matching.interrupted(claim, error)
    wake_searches()
    if comparisons.comparisons_wait():
        for queue in Library.objects.filter(removed_at=None, online=True).values_list("queue", flat=True).distinct():
            wake(queue)


@shared_task(name="catalog.tasks.reconcile")
def reconcile() -> None:
    """Sends again whatever waits without a message."""
    todo = reconciling.reconcile()
    for job in todo.scans:
        if job.library is not None and _queued(quick_queue(job.library.queue)) < MOST_WAKES:
            send_scan(job)
    for queue in todo.queues:
        wake(queue)
    for queue in todo.offline:
        dispatch(look_for_drives, queue, queue=quick_queue(queue))
    if todo.searches:
        wake_searches()
    if todo.totals:
        dispatch(refresh_totals, queue=OFFICE)


@shared_task(name="catalog.tasks.look_for_drives")
def look_for_drives(queue: str) -> None:
    """Scans libraries that can be reached again, on a host that may see them."""
    for library_id in drives.back(queue=queue):
        start_scan(library_id=library_id)


@shared_task(name="catalog.tasks.refresh_totals")
def refresh_totals() -> None:
    """Adds up the libraries whose sums are out of date, and groups anew what may be a duplicate."""
    totals.refresh_stale()
    grouping.refresh_due(seconds=_GROUP_SECONDS)


@worker_ready.connect
def _look_around(**_facts: object) -> None:
    """What waited while no worker ran need not wait for the clock."""
    dispatch(reconcile, queue=OFFICE)


@worker_process_init.connect
def _settle_in(**_facts: object) -> None:
    """What was loaded stays: the collector of cycles need not look through it again and again (a tenth of the work)."""
    gc.freeze()


@worker_shutting_down.connect
def _stop_at_the_next_block(**_facts: object) -> None:
    stopping.ask()


def _send(task: Task[..., None], args: tuple[object, ...], queue: str) -> None:
    if time.monotonic() < _down_until:
        return
    try:
        task.apply_async(args, queue=queue)
    except (OperationalError, KombuError, OSError) as error:
        _note(error)


def _queued(name: str) -> int:
    """How many messages wait in a queue of the broker; as if it were full when the broker is away."""
    if time.monotonic() < _down_until:
        return MOST_WAKES
    try:
        with app.connection_or_acquire() as connection:
            return int(connection.default_channel.queue_declare(name, passive=True).message_count)
    except ChannelError:
        return 0  # nothing was ever sent there
    except (RedisError, KombuError, OSError) as error:
        _note(error)
        return MOST_WAKES


def _note(error: BaseException) -> None:
    """Whoever waits for an answer waits once: for a while nothing more is tried."""
    global _down_until  # noqa: PLW0603 - one broker a process
    _down_until = time.monotonic() + _AWAY_SECONDS
    log.warning("the broker does not answer (%s); work waits in the database until it does", error)
