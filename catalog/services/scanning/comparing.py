"""A walk set beside what was known: what is unchanged, edited, gone and new. Pure: it reads no disk and no database."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from catalog.formats.sets import partition, single
from catalog.services.scanning.known import CALM, MOOD, KnownPlace, place_of, print_of
from catalog.storage.keys import signed

if TYPE_CHECKING:
    from catalog.formats.sets import FileSet, Grouping
    from catalog.services.scanning.known import Known, Row
    from catalog.storage.values import Entry, Snapshot
    from catalog.storage.walk import Walk

_DEV = 5


class Pair(NamedTuple):
    """A known location and what lies there now."""

    place: KnownPlace
    found: FileSet


@dataclass(slots=True)
class Comparison:
    """Each place in one list, `unchanged` ones counted.

    `again`: unchanged, but missing, offline or unreadable before. `touched`: same files, sizes and times, other ctime
    or inode. `edited`: other files, sizes or times. `gone`: the walk looked there and found nothing. `new`.
    """

    unchanged: int = 0
    again: list[Pair] = field(default_factory=list)
    touched: list[Pair] = field(default_factory=list)
    edited: list[Pair] = field(default_factory=list)
    gone: list[KnownPlace] = field(default_factory=list)
    new: list[FileSet] = field(default_factory=list)


def compare(walked: Walk, known: Known) -> Comparison:
    """What became of every place that is known, and what is new."""
    grouping = partition(walked.entries, walked.twins)
    result = Comparison()
    for entry in _differing(grouping.loose, known.loose):
        row = known.loose.get(entry.path)
        _sort(result, place_of([row]) if row is not None else None, single(entry), walked)
    for found in grouping.sets:
        rows = known.sets.get((found.path, found.set))
        _sort(result, place_of(rows) if rows is not None else None, found, walked)
    there = len(grouping.loose) + len(grouping.sets) - len(result.new)
    if there < len(known.loose) + len(known.sets):
        result.gone = _gone(grouping, known, walked)
    result.unchanged = there - len(result.again) - len(result.touched) - len(result.edited)
    return result


def devices(walked: Walk, known: Known) -> set[tuple[int, int]]:
    """The devices that files were on before and are on now, of all that were found; as the tables keep them."""
    before = {path: row[_DEV] for path, row in known.loose.items()}
    before |= {row[0]: row[_DEV] for rows in known.sets.values() for row in rows}
    now = ((entry.path, entry.snapshot.dev) for entry in walked.entries)
    return {(before[path], signed(dev)) for path, dev in now if path in before}


def _differing(loose: list[Entry], known: dict[bytes, Row]) -> list[Entry]:
    """The files that need a closer look. Nearly every file of a library is done with in this loop."""
    left: list[Entry] = []
    find = known.get
    for entry in loose:
        row = find(entry[0])
        if row is None or row[1:5] != entry[1][1:5] or row[MOOD] is not None:
            left.append(entry)
    return left


def _sort(result: Comparison, place: KnownPlace | None, found: FileSet, walked: Walk) -> None:
    if place is None:
        result.new.append(found)
        return
    before = {file.path: file for file in place.files}
    now = {file.entry.path: file.entry.snapshot for file in found.files}
    if any(not walked.covers(path) for path in before.keys() - now.keys()):
        return  # a folder of it could not be listed: nothing is known of what lies there
    pair = Pair(place, found)
    if before.keys() != now.keys() or any(before[path].print[1:] != print_of(now[path])[1:] for path in now):
        result.edited.append(pair)
    elif any(before[path][1:5] != facts(now[path]) for path in now):
        result.touched.append(pair)
    elif place.mood != CALM:
        result.again.append(pair)


def _gone(grouping: Grouping, known: Known, walked: Walk) -> list[KnownPlace]:
    loose = {entry.path for entry in grouping.loose}
    sets = {(found.path, found.set) for found in grouping.sets}
    left = [[row] for path, row in known.loose.items() if path not in loose]
    left += [rows for key, rows in known.sets.items() if key not in sets]
    return [place for rows in left if _looked(place := place_of(rows), walked)]


def facts(snapshot: Snapshot) -> tuple[int, int, int, int]:
    """What must not have changed, in the order of a known file's fields."""
    return signed(snapshot.ino), *snapshot[2:5]


def _looked(place: KnownPlace, walked: Walk) -> bool:
    """The walk would have met every file of the place."""
    if walked.only is not None:
        return place.path in walked.only.split(b"/")
    return all(walked.covers(file.path) for file in place.files)
