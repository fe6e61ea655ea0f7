"""What a header that was read does to the rows: a birth, a move, a variant described anew, or bytes to be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import connection

from catalog.models import Location, LocationFile
from catalog.services import bulk
from catalog.services.identity import births, learning, moving, redescribing
from catalog.services.identity.fencing import LEASE, let_go
from catalog.storage.keys import signed
from catalog.vocabulary import LocationState, Outcome, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from catalog.models import Library
    from catalog.services.identity.known import Known
    from catalog.services.identity.moving import Vanished
    from catalog.services.identity.reading import Reading

_SOON, _ORDINARY, _LAST = 1, 2, 9

_FILE = ["id", "quick", "file_id", "size", "mtime_ns", "ctime_ns", "ino", "dev"]
_PLACE = ["id", "variant_id", "outcome", "state", "hashed_at", "verified_at", "priority", *LEASE]

_SHARED = """
SELECT size FROM catalog_location WHERE size = ANY(%s) AND state <> 'missing' GROUP BY size HAVING count(*) > 1
"""


@dataclass(slots=True)
class Attached:
    """What became of the places, each in one list, and what each of them waits for."""

    born: list[Reading] = field(default_factory=list)
    moved: list[tuple[Reading, Vanished]] = field(default_factory=list)
    described: list[Reading] = field(default_factory=list)
    known: list[Reading] = field(default_factory=list)
    stages: dict[int, Stage] = field(default_factory=dict)


def attach(*, readings: Sequence[Reading], library: Library, known: Mapping[int, Known]) -> Attached:
    """Writes what the headers of these locations say, and lets go of them. The caller holds their rows locked.

    `known` is what the programs that keep the files say, by the number of the location.
    """
    result = _sorted(readings)
    born = births.give_birth(readings=result.born, library=library, known=known)
    for reading in result.described:
        redescribing.describe(reading, library=library)
        reading.place.location.state = LocationState.PRESENT.value
    moving.take_over((reading.place.id, vanished) for reading, vanished in result.moved)
    births.remember_names(
        library=library,
        seen=[
            (vanished.location.variant_id, bytes(reading.place.location.path))
            for reading, vanished in result.moved
            if vanished.location.variant_id
        ],
    )
    for reading in result.born:
        place = reading.place
        place.location.variant_id = born[place.id].variant_id
        for file, file_id in zip(place.files, born[place.id].file_ids, strict=True):
            file.file_id = file_id
    for reading, vanished in result.moved:
        _take_place(reading, vanished)
    _write(readings, result)
    unchanged = [reading for reading in result.known if not reading.place.edited]  # whose bytes those are shows later
    others = [*unchanged, *result.described, *(reading for reading, _ in result.moved)]
    moved = {reading.place.id for reading, _ in result.moved}
    learning.learn(ids=[reading.place.id for reading in others], known=known, moved=moved)
    return result


def _sorted(readings: Sequence[Reading]) -> Attached:
    """Says of each place what becomes of it, and sets what it waits for."""
    result = Attached()
    free = [reading for reading in readings if reading.place.variant is None or reading.place.edited]
    vanished = moving.find(free)
    for reading in readings:
        place = reading.place
        gone = vanished.get(place.id)
        if gone is not None:
            result.moved.append((reading, gone))
            result.stages[place.id] = Stage.NONE if gone.location.hashed_at else Stage.HASH
        elif place.variant is None:
            result.born.append(reading)
            result.stages[place.id] = Stage.HASH
        elif redescribing.may(reading):
            result.described.append(reading)
            result.stages[place.id] = Stage.HASH
        else:
            result.known.append(reading)
            result.stages[place.id] = _stage_of_known(reading)
    return result


def _stage_of_known(reading: Reading) -> Stage:
    """Bytes that were read before, and show the same quick id, are only verified when there is nothing better to do."""
    place = reading.place
    before = [bytes(file.quick) if file.quick is not None else None for file in place.files]
    if before == list(reading.quick) and not place.edited and place.location.hashed_at is not None:
        return Stage.VERIFY
    if place.location.hashed_at is not None and not place.edited:
        place.location.state = LocationState.CHANGED.value
    return Stage.HASH


def _take_place(reading: Reading, vanished: Vanished) -> None:
    place, gone = reading.place, vanished.location
    place.location.variant_id = gone.variant_id
    place.location.hashed_at, place.location.verified_at = gone.hashed_at, gone.verified_at
    place.location.state = LocationState.PRESENT.value
    for file, mark in zip(place.files, moving.marks_of(reading), strict=True):
        file.file_id = vanished.files.get(mark)


def _write(readings: Sequence[Reading], result: Attached) -> None:
    """The columns of the locations and of their files, in the order of their numbers."""
    shared = _shared_sizes({reading.place.location.size for reading in readings})
    places = []
    files = []
    for reading in sorted(readings, key=lambda one: one.place.id):
        row, stage = reading.place.location, result.stages[reading.place.id]
        outcome = reading.probe.outcome.value
        priority = _priority(row, stage, shared)
        told = (row.pk, row.variant_id, outcome, row.state, row.hashed_at, row.verified_at, priority)
        places.append((*told, *let_go(stage)))
        files += _file_rows(reading)
    bulk.update(Location, _PLACE, places)
    bulk.update(LocationFile, _FILE, files)


def _file_rows(reading: Reading) -> list[tuple[object, ...]]:
    """The files of a place as they were when they were opened."""
    return [
        (
            row.pk,
            quick,
            row.file_id,
            now.size,
            now.mtime_ns,
            now.ctime_ns,
            signed(now.ino),
            signed(now.dev),
        )
        for row, now, quick in zip(reading.place.files, reading.snapshots, reading.quick, strict=True)
    ]


def _priority(row: Location, stage: Stage, shared: set[int]) -> int:
    """Files that share their size with another may be copies, so they are read first."""
    if stage is Stage.VERIFY:
        return _LAST
    return min(row.priority, _SOON if row.size in shared else _ORDINARY)


def _shared_sizes(sizes: set[int]) -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(_SHARED, [sorted(sizes)])
        return {row[0] for row in cursor.fetchall()}


def mark_failed(rows: Iterable[tuple[int, Outcome]]) -> None:
    """Notes that places could not be read, and lets go of them; nothing else of them changes."""
    bulk.update(Location, ["id", "outcome", *LEASE], [(pk, outcome.value, *let_go()) for pk, outcome in sorted(rows)])
