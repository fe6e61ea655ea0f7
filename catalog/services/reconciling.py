"""What must be sent again: the database knows all work, so a lost message, worker or broker costs only time."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connection
from django.db.models import Q

from catalog.models import GroupDue, Job, Library, Location
from catalog.queries import comparing as comparisons
from catalog.services import losses, scan_runs, settling
from catalog.services.matching import comparing, leases, reaching, renewing
from catalog.services.notes import waiting as notes
from catalog.services.working import SMALL
from catalog.vocabulary import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LOCK = 0x1507_0005

_FREE = """SELECT FROM catalog_location JOIN catalog_library lib ON lib.id = library_id
    WHERE lib.queue = %(queue)s AND lib.online AND lib.removed_at IS NULL AND lease IS NULL AND """
_WAITING = """SELECT (SELECT count(*) FROM (FREE stage = 'probe' LIMIT %(most)s) headers),
    (SELECT count(*) FROM (FREE NOT lib.paused AND stage = 'hash' AND size < %(small)s LIMIT %(most)s) small),
    (SELECT count(*) FROM (FREE NOT lib.paused AND stage IN ('hash', 'verify') LIMIT %(most)s) bulk),
    EXISTS (SELECT FROM catalog_note JOIN catalog_library lib ON lib.id = library_id
        WHERE lib.queue = %(queue)s AND lib.online AND lib.removed_at IS NULL AND read_at IS NULL)
""".replace("FREE", _FREE)


@dataclass(frozen=True, slots=True)
class ToSend:
    """`scans` have neither lease nor delivery; `queues` have work, `offline` ones a drive that may be back.

    `searches`: variants wait to be compared with what is known.
    """

    scans: Sequence[Job] = ()
    queues: Sequence[str] = ()
    offline: Sequence[str] = ()
    totals: bool = False
    searches: bool = False


def reconcile(*, patience: float | None = None) -> ToSend:
    """Frees what dead workers held, opens and closes jobs. Empty when somebody else is at it just now.

    A scan that was asked for less than `patience` seconds ago is left to the message that was sent for it.
    """
    with _alone() as alone:
        if not alone:
            return ToSend()
        losses.expire()
        leases.expire()
        comparing.expire()
        reaching.look()
        renewing.renew()
        settling.settle()
        known = Library.objects.filter(removed_at=None)
        waiting = Location.objects.exclude(stage=Stage.NONE).values("library").distinct()
        busy = Q(pk__in=waiting) | Q(pk__in=notes.unread().values("library"))
        if comparisons.comparisons_wait():
            busy = Q()  # whoever reaches both files is seen when it is woken
        return ToSend(
            scans=scan_runs.unattended(patience=settings.RECONCILE_SECONDS / 2 if patience is None else patience),
            queues=sorted(set(known.filter(busy, online=True).values_list("queue", flat=True))),
            offline=sorted(set(known.filter(online=False).values_list("queue", flat=True))),
            totals=Library.objects.filter(totals_stale=True).exists() or GroupDue.objects.exists(),
            searches=comparisons.searches_wait(),
        )


def waiting(queue: str, *, most: int) -> tuple[int, int]:
    """How many locations wait for the quick and for the bulk workers of a queue, counted up to `most`.

    Notes that can be read are one more: whoever reads some sends for the next. Pairs to be compared are bulk work.
    """
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, {"queue": queue, "most": most, "small": SMALL})
        headers, small, bulk, noted = cursor.fetchone()
    quick = headers + small + (noted and notes.unread().filter(library__queue=queue).exists())
    return min(most, quick), min(most, bulk + comparing.waiting(queue=queue, most=most))


def hurried() -> bool:
    """Are headers or small files being read just now? People wait for these; comparisons can wait for their end."""
    reading = Location.objects.filter(lease__isnull=False)
    return reading.filter(Q(stage=Stage.PROBE) | Q(stage=Stage.HASH, size__lt=SMALL)).exists()


@contextmanager
def _alone() -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        mine = bool(cursor.fetchone()[0])
        try:
            yield mine
        finally:
            if mine:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
