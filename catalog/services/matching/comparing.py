"""Comparing every value of two variants: by a worker that reaches the files of both, one pair at a time.

The lease lies on the relation. A verdict counts only if both files are afterwards what they were before; else it is
dropped, and the pair waits until its lease has ended and the next scan has looked at the files.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now

from catalog.errors import ChangedFile, FileProblem, LeaseLost, LibraryOffline
from catalog.fingerprints.values import ValueReader
from catalog.formats.packing import unpack
from catalog.matching.full import compare_in_full
from catalog.models import Location, Match, TensorIndex
from catalog.services import drives, findings, libraries
from catalog.services.claiming import RESTING, Orders
from catalog.services.findings import Raised
from catalog.services.identity import joining
from catalog.services.identity.holding import hold_homes
from catalog.services.identity.locking import in_one_transaction
from catalog.services.identity.places import Place, as_seen, open_all
from catalog.services.keeping import Heart
from catalog.services.losses import LOSSES
from catalog.services.matching import storing, subjects
from catalog.services.matching.ends import live
from catalog.services.matching.storing import Found
from catalog.storage.root import Root
from catalog.vocabulary import FindingCode

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from contextlib import AbstractContextManager

    from django.db.models import QuerySet

    from catalog.matching.base import Evidence
    from catalog.models import Library
    from catalog.storage.files import OpenFile

_PLACE = """(
    SELECT place.id, place.variant_id, lib.id AS library_id FROM catalog_location place
    JOIN catalog_library lib ON lib.id = place.library_id
    CROSS JOIN (SELECT (now() AT TIME ZONE %(zone)s)::time AS time) local
    WHERE place.variant_id = due.EITHER AND place.state = 'present' AND place.hashed_at IS NOT NULL
      AND lib.queue = %(queue)s AND lib.online AND lib.removed_at IS NULL AND NOT RESTING
      AND NOT lib.id = ANY(%(without)s)
    ORDER BY place.id LIMIT 1)""".replace("RESTING", RESTING)

_TAKE = """
WITH free AS (
    SELECT due.id, l.id AS left_place, r.id AS right_place FROM catalog_match due
    CROSS JOIN LATERAL LEFT_PLACE l CROSS JOIN LATERAL RIGHT_PLACE r
    WHERE due.compare_due AND due.lease IS NULL
    ORDER BY due.id LIMIT 1 FOR NO KEY UPDATE OF due SKIP LOCKED
)
UPDATE catalog_match taken SET lease = %(token)s, leased_until = now() + %(seconds)s * interval '1 second',
    attempts = attempts + 1
FROM free WHERE taken.id = free.id
RETURNING taken.id, taken.left_id, taken.right_id, free.left_place, free.right_place
""".replace("LEFT_PLACE", _PLACE.replace("EITHER", "left_id")).replace(
    "RIGHT_PLACE", _PLACE.replace("EITHER", "right_id")
)

_WAITING = """
SELECT count(*) FROM (
    SELECT FROM catalog_match due CROSS JOIN LATERAL LEFT_PLACE l CROSS JOIN LATERAL RIGHT_PLACE r
    WHERE due.compare_due AND due.lease IS NULL LIMIT %(most)s
) found
""".replace("LEFT_PLACE", _PLACE.replace("EITHER", "left_id")).replace(
    "RIGHT_PLACE", _PLACE.replace("EITHER", "right_id")
)

_BEAT = """
WITH beat AS (
    UPDATE catalog_match SET leased_until = now() + %(seconds)s * interval '1 second'
    WHERE id = %(match)s AND lease = %(token)s RETURNING id
)
SELECT EXISTS (SELECT FROM beat), bool_or(lib.removed_at IS NOT NULL OR NOT lib.online OR RESTING), min(lib.speed_limit)
FROM catalog_location place JOIN catalog_library lib ON lib.id = place.library_id
CROSS JOIN (SELECT (now() AT TIME ZONE %(zone)s)::time AS time) local
WHERE place.id = ANY(%(places)s)
""".replace("RESTING", RESTING)


_LOST = "the process that compared the two files was killed each time"


class Comparison(NamedTuple):
    """A relation that is being settled, leased to whoever holds the token, and where the files of both ends lie."""

    token: UUID
    match: int
    ends: tuple[UUID, UUID]
    places: tuple[int, int]


@contextmanager
def taken(*, queue: str) -> Iterator[Comparison | None]:
    """The next pair whose drives may both be read now; None when there is nothing to do."""
    busy: set[int] = set()
    while (work := take(queue=queue, without=busy)) is not None:
        with ExitStack() as stack:
            waits = {library for library in _libraries(work) if not stack.enter_context(_turn(library))}
            if not waits:
                yield work
                return
        release(work)
        busy |= waits
    yield None


def take(*, queue: str, without: Collection[int] = ()) -> Comparison | None:
    """The next pair both of whose files the workers of the queue reach; None when none waits.

    `without` are libraries from which nothing is read just now.
    """
    token = uuid4()
    given: dict[str, str | float | UUID | list[int]] = {"seconds": settings.LEASE_SECONDS, "zone": settings.TIME_ZONE}
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, given | {"token": token, "queue": queue, "without": list(without)})
        row = cursor.fetchone()
    return Comparison(token, row[0], (row[1], row[2]), (row[3], row[4])) if row else None


def waiting(*, queue: str, most: int) -> int:
    """How many pairs wait for the workers of a queue, counted up to `most`."""
    given: dict[str, str | int | list[int]] = {"queue": queue, "most": most, "zone": settings.TIME_ZONE, "without": []}
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, given)
        return int(cursor.fetchone()[0])


def compare(work: Comparison) -> Evidence | None:
    """Reads both and keeps what that says; None if a file cannot be read, or is not what it was.

    Raises `Cancelled`, `LeaseLost`, `LibraryOffline`.
    """
    try:
        evidence = _read(work)
    except FileProblem as problem:
        _look_again_later(work, problem)
        return None
    _store(work, evidence)
    return evidence


def release(work: Comparison) -> None:
    """Gives it back as if it had never been taken."""
    held(work).update(lease=None, leased_until=None, attempts=F("attempts") - 1)


def fail(work: Comparison, reason: str) -> None:
    """An error that nobody foresaw: the same as a loss."""
    _give_up(held(work), reason)


def expire() -> None:
    """Gives the pairs of workers that show no sign of life to others."""
    _give_up(Match.objects.filter(compare_due=True, lease__isnull=False, leased_until__lt=Now()), _LOST)


def held(work: Comparison) -> QuerySet[Match]:
    """The row, if it is still ours."""
    return Match.objects.filter(pk=work.match, lease=work.token)


def _libraries(work: Comparison) -> list[int]:
    rows = Location.objects.filter(pk__in=work.places)
    return sorted(set(rows.values_list("library", flat=True)))


def _turn(library: int) -> AbstractContextManager[bool]:
    return drives.turn(drive=drives.below(library_id=library), lane="bulk")


def _read(work: Comparison) -> Evidence:
    known = subjects.load(work.ends)
    if len(known) < 2:
        raise LeaseLost("One of the two is another variant by now.")
    heart = Heart(lambda: _beat(work))
    with ExitStack() as stack:
        left, right = (_Opened(end, place, stack) for end, place in zip(work.ends, work.places, strict=True))
        with heart:
            evidence = compare_in_full(
                known[work.ends[0]],
                known[work.ends[1]],
                left.values(heart.spend),
                right.values(heart.spend),
                cancelled=heart.cancelled,
            )
        left.refuse_changes()
        right.refuse_changes()
    return evidence


class _Opened:
    """The files of one end, open and as they were when they were hashed."""

    def __init__(self, variant: UUID, location: int, stack: ExitStack) -> None:
        row = Location.objects.select_related("library", "variant").filter(pk=location, variant=variant).first()
        index = TensorIndex.objects.filter(variant=variant).values_list("packed", flat=True).first()
        if row is None:
            raise ChangedFile(FindingCode.CHANGING)
        if index is None:
            raise LookupError("of one of the two it is not known where its tensors lie")
        root = stack.enter_context(_root(row.library))
        place = Place(row, tuple(row.files.order_by("position")), row.variant)
        self._files: list[OpenFile] = open_all(root, place, stack)
        self._index = unpack(bytes(index))
        if not all(as_seen(file, seen) for file, seen in zip(self._files, place.files, strict=True)):
            raise ChangedFile(FindingCode.CHANGING)
        self.refuse_changes()

    def values(self, spend: Callable[[int], None]) -> ValueReader:
        """What reads them; `spend` is told of every byte."""

        def read(file: int, offset: int, length: int) -> bytes:
            found = self._files[file].read_at(offset, length)
            spend(len(found))
            return found

        return ValueReader(self._index.tensors, self._index.metadata, read)

    def refuse_changes(self) -> None:
        """Raises `ChangedFile` if anybody wrote to one of them, or may just now."""
        if any(file.being_written() or not file.still_same() for file in self._files):
            raise ChangedFile(FindingCode.CHANGING)


def _root(library: Library) -> Root:
    try:
        return Root(bytes(library.path))
    except LibraryOffline:
        libraries.set_online(library_id=library.pk, online=False)
        raise


def _beat(work: Comparison) -> Orders:
    given: dict[str, float | str | UUID | list[int]] = {"seconds": settings.LEASE_SECONDS, "zone": settings.TIME_ZONE}
    given |= {"match": work.match, "token": work.token, "places": list(work.places)}
    with connection.cursor() as cursor:
        cursor.execute(_BEAT, given)
        ours, rests, limit = cursor.fetchone()
    return Orders(cancel=not ours, pause=bool(rests), speed=limit * 1e6 if limit else None)


def _look_again_later(work: Comparison, problem: FileProblem) -> None:
    """A file that changed does not count against the pair: its lease is left to end by itself, and a scan will see it.

    One that cannot be read does, unless the whole library is gone.
    """
    for library in _libraries(work):
        drives.look(library_id=library)
    if isinstance(problem, ChangedFile):
        held(work).update(attempts=F("attempts") - 1)
    else:
        fail(work, str(problem))


@in_one_transaction
def _store(work: Comparison, evidence: Evidence) -> None:
    """The verdict, and what follows from it. Models are locked first, then variants by number, then the relation."""
    hold_homes(work.ends)
    ends = live(work.ends)
    if not held(work).select_for_update(no_key=True).exists() or not _still_there(work):
        raise LeaseLost("The pair is somebody else's by now; what was read here is dropped.")
    held(work).update(lease=None, leased_until=None, compare_due=False, attempts=0)
    left, right = (ends.get(end, end) for end in work.ends)
    kept = storing.keep_all([Found(left, right, evidence)], settles=True)
    findings.clear(codes=[FindingCode.COMPARISON_FAILED], variant=left)
    joining.join(kept)


def _still_there(work: Comparison) -> bool:
    """The files that were read are still those of the two variants."""
    rows = dict(Location.objects.filter(pk__in=work.places).values_list("pk", "variant"))
    return [rows.get(place) for place in work.places] == list(work.ends)


@in_one_transaction
def _give_up(lost: QuerySet[Match], reason: str) -> None:
    """After the third loss what samples and keys say is all that is said, and a finding tells why."""
    rows = list(lost.select_for_update(no_key=True, skip_locked=True).order_by("pk").defer("packed"))
    hopeless = [row for row in rows if row.attempts >= LOSSES]
    Match.objects.filter(pk__in=[row.pk for row in rows]).update(lease=None, leased_until=None)
    Match.objects.filter(pk__in=[row.pk for row in hopeless]).update(compare_due=False)
    code = FindingCode.COMPARISON_FAILED
    findings.raise_all(found=[Raised(code, {"reason": reason}, variant_id=row.left_id) for row in hopeless])
    joining.join(hopeless)
