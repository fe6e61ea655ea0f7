"""A walk set beside what was known: what is unchanged, edited, gone and new. Pure: it reads no disk and no database."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from catalog.formats.sets import partition, single
from catalog.services.scanning.known import CALM, KnownPlace, place_of, print_of
from catalog.storage.keys import signed

if TYPE_CHECKING:
    from catalog.formats.sets import FileSet
    from catalog.services.scanning.known import Known, Row
    from catalog.storage.values import Entry, Snapshot
    from catalog.storage.walk import Walk

_DEV, _MOOD = 5, 7


class Pair(NamedTuple):
    """A known location and what lies there now."""

    place: KnownPlace
    found: FileSet


@dataclass(slots=True)
class Comparison:
    """Each place in one list, `unchanged` ones counted.

    `again`: unchanged, but missing, offline or unreadable before. `touched`: same files, sizes and times, other ctime
    or inode. `edited`: other files, sizes or times. `gone`: the walk looked there and found nothing. `new`. `devices`:
    pairs of the device that a file was on before and is on now, of all that were found.
    """

    unchanged: int = 0
    again: list[Pair] = field(default_factory=list)
    touched: list[Pair] = field(default_factory=list)
    edited: list[Pair] = field(default_factory=list)
    gone: list[KnownPlace] = field(default_factory=list)
    new: list[FileSet] = field(default_factory=list)
    devices: set[tuple[int, int]] = field(default_factory=set)


def compare(walked: Walk, known: Known) -> Comparison:
    """Takes what it finds out of `known`; the rest of it is gone, where the walk looked."""
    grouping = partition(walked.entries, walked.twins)
    result = Comparison()
    for entry in _differing(grouping.loose, known.loose, result):
        row = known.loose.pop(entry.path, None)
        _sort(result, place_of([row]) if row is not None else None, single(entry), walked)
    for found in grouping.sets:
        rows = known.sets.pop((found.path, found.set), None)
        _sort(result, place_of(rows) if rows is not None else None, found, walked)
    left = [*([row] for row in known.loose.values()), *known.sets.values()]
    result.gone = [place for rows in left if _looked(place := place_of(rows), walked)]
    return result


def _differing(loose: list[Entry], known: dict[bytes, Row], result: Comparison) -> list[Entry]:
    """The files that need a closer look. Nearly every file of a library is done with in this loop."""
    left: list[Entry] = []
    take, devices = known.pop, result.devices
    for entry in loose:
        path, now = entry[0], entry[1]
        row = take(path, None)
        if row is not None and row[1:5] == now[1:5] and row[_MOOD] == CALM:
            devices.add((row[_DEV], now[0]))
            continue
        if row is not None:
            known[path] = row
        left.append(entry)
    result.unchanged += len(loose) - len(left)
    return left


def _sort(result: Comparison, place: KnownPlace | None, found: FileSet, walked: Walk) -> None:
    if place is None:
        result.new.append(found)
        return
    before = {file.path: file for file in place.files}
    now = {file.entry.path: file.entry.snapshot for file in found.files}
    if any(not walked.covers(path) for path in before.keys() - now.keys()):
        result.unchanged += 1  # a folder of it could not be listed: nothing is known of what lies there
        return
    for path in before.keys() & now.keys():
        result.devices.add((before[path].dev, now[path].dev))
    pair = Pair(place, found)
    if before.keys() != now.keys() or any(before[path].print[1:] != print_of(now[path])[1:] for path in now):
        result.edited.append(pair)
    elif any(before[path][1:5] != facts(now[path]) for path in now):
        result.touched.append(pair)
    elif place.mood != CALM:
        result.again.append(pair)
    else:
        result.unchanged += 1


def facts(snapshot: Snapshot) -> tuple[int, int, int, int]:
    """What must not have changed, in the order of a known file's fields."""
    return signed(snapshot.ino), *snapshot[2:5]


def _looked(place: KnownPlace, walked: Walk) -> bool:
    """The walk would have met every file of the place."""
    if walked.only is not None:
        return place.path in walked.only.split(b"/")
    return all(walked.covers(file.path) for file in place.files)
