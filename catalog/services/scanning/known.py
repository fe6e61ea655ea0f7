"""What was known of a library before: one light row a file, since a scan reads them all each time."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from django.db.models import Case, F, IntegerField, Q, Value, When

from catalog.models import LocationFile
from catalog.storage.keys import signed
from catalog.vocabulary import LocationState, Outcome, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from catalog.storage.values import Snapshot

CALM, RETRY, OFFLINE, ABSENT, PUT_AWAY = range(5)
"""What a scan must do with a place that is unchanged: nothing; read it again; call it back (three reasons)."""
REMEMBERED = frozenset((CALM, RETRY, OFFLINE))
"""The moods of places that should be there."""

_MOOD = Case(
    When(location__state=LocationState.MISSING, then=Value(ABSENT)),
    When(location__state__in=(LocationState.REMOVED, LocationState.IN_TRASH), then=Value(PUT_AWAY)),
    When(location__state=LocationState.OFFLINE, then=Value(OFFLINE)),
    When(
        location__outcome__in=(Outcome.UNREADABLE, Outcome.CHANGED),
        location__stage=Stage.NONE,
        then=Value(RETRY),
    ),
    default=Value(CALM),
    output_field=IntegerField(),
)
_SET_PATH = Case(When(~Q(location__set_name=""), then=F("location__path")))
_COLUMNS = ("path", "ino", "size", "mtime_ns", "ctime_ns", "dev", "location_id", "mood", "location__set_name", "of_set")
_ID, _MOOD_AT, _SET, _OF_SET = 6, 7, 8, 9

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
    sets: dict[tuple[bytes, str], list[Row]] = field(default_factory=lambda: defaultdict(list))

    @property
    def remembered(self) -> int:
        """Files that were there when they were last looked for, or whose drive was not."""
        rows = [*self.loose.values(), *(row for rows in self.sets.values() for row in rows)]
        return sum(row[_MOOD_AT] in REMEMBERED for row in rows)


def load(library_id: int, part: bytes = b"") -> Known:
    """The locations of a library, or of the part of it below a folder. One statement."""
    known = Known()
    for row in _rows(library_id, part):
        if row[_SET]:
            known.sets[row[_OF_SET], row[_SET]].append(row)
        else:
            known.loose[row[0]] = row
    return known


def place_of(rows: Iterable[Row]) -> KnownPlace:
    """The rows of one location as a value."""
    rows = sorted(rows)
    path, set_name = (rows[0][_OF_SET], rows[0][_SET]) if rows[0][_SET] else (rows[0][0], "")
    files = tuple(KnownFile(*row[:_ID]) for row in rows)
    return KnownPlace(rows[0][_ID], path, set_name, rows[0][_MOOD_AT], files)


def print_of(snapshot: Snapshot) -> Print:
    """By what the file of a stat is known again."""
    return Print(signed(snapshot.ino), snapshot.size, snapshot.mtime_ns)


def below(part: bytes) -> Q:
    """Of files: their location is this path, or lies below it."""
    inside = Q(location__path__gte=part + b"/", location__path__lt=part + b"0")  # `0` comes after `/`
    return inside | Q(location__path=part)


def _rows(library_id: int, part: bytes) -> Iterable[Row]:
    files = LocationFile.objects.filter(location__library_id=library_id)
    if part:
        files = files.filter(below(part))
    return files.annotate(mood=_MOOD, of_set=_SET_PATH).values_list(*_COLUMNS)
