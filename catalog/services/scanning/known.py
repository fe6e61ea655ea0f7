"""What was known of a library before: one light row a file, since a scan reads them all each time."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from django.db import connection

from catalog.storage.keys import signed
from catalog.vocabulary import LocationState, Outcome, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from catalog.storage.values import Snapshot

CALM, RETRY, OFFLINE, ABSENT, PUT_AWAY = range(5)
"""What a scan must do with a place that is unchanged: nothing; read it again; call it back (three reasons)."""
REMEMBERED = frozenset((CALM, RETRY, OFFLINE))
"""The moods of places that should be there."""

# NULL stands for what nearly every row has, since it costs nothing to fetch: a calm mood, no set.
_SELECT = f"""
SELECT f.path, f.ino, f.size, f.mtime_ns, f.ctime_ns, f.dev, f.location_id,
       CASE WHEN l.state = '{LocationState.MISSING}' THEN {ABSENT}
            WHEN l.state IN ('{LocationState.REMOVED}', '{LocationState.IN_TRASH}') THEN {PUT_AWAY}
            WHEN l.state = '{LocationState.OFFLINE}' THEN {OFFLINE}
            WHEN l.outcome IN ('{Outcome.UNREADABLE}', '{Outcome.CHANGED}') AND l.stage = '{Stage.NONE}' THEN {RETRY}
       END,
       nullif(l.set_name, ''), CASE WHEN l.set_name <> '' THEN l.path END
FROM catalog_locationfile f JOIN catalog_location l ON l.id = f.location_id
WHERE l.library_id = %s
"""  # noqa: S608 - our own words
_BELOW = " AND (l.path = %s OR l.path > %s AND l.path < %s)"
MOOD = 7
_ID, _SET, _OF_SET = 6, 8, 9

Row: TypeAlias = "tuple[Any, ...]"
"""The columns above; from the second to the fifth they are those of `Snapshot`, so that slices compare."""


class Print(NamedTuple):
    """By what a file is known again under another name; inode as the tables keep it."""

    ino: int
    size: int
    mtime_ns: int


class KnownFile(NamedTuple):
    """One file as it was last seen; inode and device as the tables keep them."""

    path: bytes
    ino: int
    size: int
    mtime_ns: int
    ctime_ns: int
    dev: int

    @property
    def print(self) -> Print:
        """By what it is known again."""
        return Print(self.ino, self.size, self.mtime_ns)


@dataclass(frozen=True, slots=True)
class KnownPlace:
    """One location as it was last seen."""

    location_id: int
    path: bytes
    set_name: str
    mood: int
    files: tuple[KnownFile, ...]

    @property
    def prints(self) -> tuple[Print, ...]:
        """By what the place is known again."""
        return tuple(sorted(file.print for file in self.files))


@dataclass(slots=True)
class Known:
    """`loose`: path -> row of a file that is a model by itself. `sets`: (path, set) -> rows of its files."""

    loose: dict[bytes, Row] = field(default_factory=dict)
    sets: dict[tuple[bytes, str], list[Row]] = field(default_factory=dict)

    @property
    def remembered(self) -> int:
        """Places that should be there."""
        moods = (rows[0][MOOD] for rows in ([*((row,) for row in self.loose.values()), *self.sets.values()]))
        return sum((mood or CALM) in REMEMBERED for mood in moods)


def load(library_id: int, part: bytes = b"") -> Known:
    """The locations of a library, or of the part of it below a folder. One statement."""
    with connection.cursor() as cursor:
        if part:
            cursor.execute(_SELECT + _BELOW, [library_id, part, part + b"/", part + b"0"])  # `0` comes after `/`
        else:
            cursor.execute(_SELECT, [library_id])
        rows = cursor.fetchall()
    sets: dict[tuple[bytes, str], list[Row]] = defaultdict(list)
    for row in _of_sets(rows):
        sets[row[_OF_SET], row[_SET]].append(row)
    return Known({row[0]: row for row in rows if row[_SET] is None}, dict(sets))


def place_of(rows: Iterable[Row]) -> KnownPlace:
    """The rows of one location as a value."""
    rows = sorted(rows, key=lambda row: row[0])
    first = rows[0]
    path, set_name = (first[0], "") if first[_SET] is None else (first[_OF_SET], first[_SET])
    return KnownPlace(first[_ID], path, set_name, first[MOOD] or CALM, tuple(KnownFile(*row[:_ID]) for row in rows))


def print_of(snapshot: Snapshot) -> Print:
    """By what the file of a stat is known again."""
    return Print(signed(snapshot.ino), snapshot.size, snapshot.mtime_ns)


def _of_sets(rows: Iterable[Row]) -> Iterator[Row]:
    return (row for row in rows if row[_SET] is not None)
