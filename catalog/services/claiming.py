"""Taking work and giving it back: the lease of a worker on the locations that it works on.

A lease is a random token on each row. Whoever writes a result fences it with the token, so that a worker that was
thought dead writes nothing; whoever takes the token away (cancel, pause, a lease that ended) stops the work. All
times are the database's.

with transaction.atomic():
    claiming.fence(claim, ids)     # the rows, locked; LeaseLost if they are somebody else's by now
    ...                            # write the results
    claiming.finish(claim, ids)    # lets go of them, in the same transaction
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from django.conf import settings
from django.db import connection
from django.db.models import F

from catalog.errors import LeaseLost
from catalog.models import Location
from catalog.vocabulary import Stage

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

FILES = 100
BYTES = 10**9

RESTING = """(lib.paused OR COALESCE(CASE
    WHEN lib.quiet_from <= lib.quiet_until
    THEN local.time >= lib.quiet_from AND local.time < lib.quiet_until
    ELSE local.time >= lib.quiet_from OR local.time < lib.quiet_until END, FALSE))"""
"""No bytes are read now: paused, or in the quiet hours, which may go over midnight. Headers are read all the same."""

_CHOOSE = """
SELECT work.library_id, work.stage, work.alone
FROM catalog_library lib
CROSS JOIN (SELECT (now() AT TIME ZONE %(zone)s)::time AS time) local
CROSS JOIN unnest(%(stages)s::text[]) wanted(stage)
CROSS JOIN LATERAL (
    SELECT library_id, stage, alone, priority, size, id FROM catalog_location
    WHERE library_id = lib.id AND stage = wanted.stage AND stage <> '' AND lease IS NULL AND size <= %(max_size)s
    ORDER BY priority, size, id LIMIT 1
) work
WHERE lib.queue = %(queue)s AND lib.online AND lib.removed_at IS NULL AND NOT lib.id = ANY(%(without)s)
  AND (wanted.stage = 'probe' OR NOT RESTING)
  AND NOT EXISTS (
    SELECT FROM catalog_job job WHERE job.library_id = lib.id AND job.state = 'paused'
    AND job.kind = CASE wanted.stage WHEN 'probe' THEN 'hash' ELSE wanted.stage END)
ORDER BY work.priority, work.size, work.id
""".replace("RESTING", RESTING)

_TAKE = """
UPDATE catalog_location SET lease = %(token)s, leased_until = now() + %(seconds)s * interval '1 second',
    attempts = attempts + 1, done_bytes = 0
WHERE id IN (
    SELECT id FROM (
        SELECT id, row_number() OVER least_first AS place, sum(size) OVER least_first AS total
        FROM (
            SELECT id, size, priority FROM catalog_location
            WHERE library_id = %(library)s AND stage = %(stage)s AND stage <> '' AND lease IS NULL
              AND size <= %(max_size)s AND alone = %(alone)s
            ORDER BY priority, size, id LIMIT %(files)s FOR UPDATE SKIP LOCKED
        ) free
        WINDOW least_first AS (ORDER BY priority, size, id)
    ) counted
    WHERE place = 1 OR total <= %(bytes)s
)
RETURNING id, priority, size
"""

_BEAT = """
WITH beat AS (
    UPDATE catalog_location
    SET leased_until = now() + %(seconds)s * interval '1 second',
        done_bytes = CASE WHEN id = %(location)s THEN %(done)s ELSE done_bytes END
    WHERE id = ANY(%(ids)s) AND lease = %(token)s
      AND (id = %(location)s OR leased_until < now() + %(seconds)s * interval '0.7 second')
)
SELECT EXISTS (SELECT FROM catalog_location WHERE id = ANY(%(ids)s) AND lease = %(token)s),
       lib.removed_at IS NOT NULL OR NOT lib.online OR (%(stage)s <> 'probe' AND RESTING),
       lib.speed_limit,
       (SELECT count(DISTINCT lease) FROM catalog_location WHERE library_id = lib.id AND lease IS NOT NULL)
FROM catalog_library lib CROSS JOIN (SELECT (now() AT TIME ZONE %(zone)s)::time AS time) local
WHERE lib.id = %(library)s
""".replace("RESTING", RESTING)


@dataclass(frozen=True, slots=True)
class Claim:
    """Locations of one library that wait for the same stage, leased to whoever holds the token."""

    token: uuid.UUID
    library_id: int
    stage: Stage
    location_ids: tuple[int, ...]


class Orders(NamedTuple):
    """What a worker is told at each beat of its heart.

    `cancel`: none of the rows is ours any more. `pause`: give the rows back. `speed`: bytes a second that this claim
    may read, None for no limit.
    """

    cancel: bool = False
    pause: bool = False
    speed: float | None = None

    @property
    def stop(self) -> bool:
        """Drop what is being done."""
        return self.cancel or self.pause


def claim(
    *,
    queue: str,
    stages: Sequence[Stage],
    limit_files: int = FILES,
    limit_bytes: int = BYTES,
    max_size: int | None = None,
    without: Collection[int] = (),
) -> Claim | None:
    """Leases the most urgent rows of one library; None if nothing waits that may be worked on now.

    Paused, offline and removed libraries and those in their quiet hours are left out, and the libraries `without`.
    At most `limit_files`, and `limit_bytes` together (one at least); `max_size` is the largest size of one.
    """
    limits: dict[str, str | int | float | uuid.UUID | list[str] | list[int]] = {
        "queue": queue,
        "stages": [stage.value for stage in stages],
        "max_size": 2**62 if max_size is None else max_size,
        "without": list(without),
        "zone": settings.TIME_ZONE,
        "seconds": settings.LEASE_SECONDS,
        "bytes": limit_bytes,
    }
    with connection.cursor() as cursor:
        cursor.execute(_CHOOSE, limits)
        for library_id, stage, alone in cursor.fetchall():
            token = uuid.uuid4()
            own = {"library": library_id, "stage": stage, "alone": alone, "token": token}
            cursor.execute(_TAKE, limits | own | {"files": 1 if alone else limit_files})
            rows = sorted(cursor.fetchall(), key=lambda row: (row[1], row[2], row[0]))
            if rows:
                return Claim(token, library_id, _stage(stage, stages), tuple(row[0] for row in rows))
    return None


def _stage(value: str, stages: Sequence[Stage]) -> Stage:
    return next(stage for stage in stages if stage.value == value)


def heartbeat(claim: Claim, location_id: int | None = None, done_bytes: int = 0) -> Orders:
    """Keeps the lease for another while, notes how far one location is read, and brings back what to do."""
    with connection.cursor() as cursor:
        cursor.execute(
            _BEAT,
            {
                "seconds": settings.LEASE_SECONDS,
                "location": location_id,
                "done": done_bytes,
                "ids": list(claim.location_ids),
                "token": claim.token,
                "library": claim.library_id,
                "stage": claim.stage.value,
                "zone": settings.TIME_ZONE,
            },
        )
        row = cursor.fetchone()
    if row is None:
        return Orders(cancel=True)
    ours, rests, limit, readers = row
    return Orders(cancel=not ours, pause=rests, speed=limit * 1e6 / max(readers, 1) if limit else None)


def fence(claim: Claim, ids: Collection[int]) -> list[Location]:
    """The rows, locked in order of their ids until the transaction ends. Raises `LeaseLost` unless all are ours."""
    rows = list(Location.objects.select_for_update().filter(pk__in=ids, lease=claim.token).order_by("pk"))
    if len(rows) < len(set(ids)):
        raise LeaseLost("Another worker has taken over; what was computed here is dropped.")
    return rows


def finish(claim: Claim, ids: Collection[int], *, stage: Stage = Stage.NONE) -> None:
    """Lets go of rows whose results are written in this transaction; `stage` is what they wait for next.

    Raises `LeaseLost` unless all are ours, so that the results are rolled back.
    """
    freed = Location.objects.filter(pk__in=ids, lease=claim.token).update(
        stage=stage, lease=None, leased_until=None, attempts=0, alone=False, done_bytes=0
    )
    if freed < len(set(ids)):
        raise LeaseLost("Another worker has taken over; what was computed here is dropped.")


def release(claim: Claim, ids: Collection[int] | None = None) -> int:
    """Gives rows back as if they had never been taken: a pause, a shutdown, a drive that is gone. How many."""
    rows = Location.objects.filter(pk__in=claim.location_ids if ids is None else ids, lease=claim.token)
    return rows.update(lease=None, leased_until=None, attempts=F("attempts") - 1, done_bytes=0)
