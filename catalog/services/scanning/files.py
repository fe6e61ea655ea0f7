"""The rows of the files of a location."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from catalog.models import LocationFile
from catalog.services import bulk
from catalog.services.scanning.known import Print, print_of
from catalog.services.scanning.rows import batches, save
from catalog.storage.keys import signed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from catalog.formats.sets import FileSet, SetFile
    from catalog.services.scanning.comparing import Pair

_STAT = ("size", "mtime_ns", "ctime_ns", "ino", "dev")
_NEW = ("location_id", "position", "path", "name", "role", *_STAT, "file_id", "quick")


def insert(found: Iterable[tuple[int, FileSet]]) -> None:
    """Rows for the files of new locations."""
    rows = [_row(location_id, position, file) for location_id, one in found for position, file in enumerate(one.files)]
    _save_new(rows)


def refresh(pairs: Sequence[Pair]) -> None:
    """The same files, sizes and times; the rest of the stat is new."""
    rows = _rows(pairs)
    for pair in pairs:
        now = {file.entry.path: file for file in pair.found.files}
        for row in rows[pair.place.location_id]:
            _take_stat(row, now[bytes(row.path)])
    save(_all(rows), _STAT)


def rename(pairs: Sequence[Pair]) -> None:
    """The same files under other names: each row is found by what its file is known by."""
    rows = _rows(pairs)
    for pair in pairs:
        now: dict[Print, list[SetFile]] = defaultdict(list)
        for file in pair.found.files:
            now[print_of(file.entry.snapshot)].append(file)
        for row in rows[pair.place.location_id]:
            file = now[Print(row.ino, row.size, row.mtime_ns)].pop(0)
            row.path, row.name, row.role = file.entry.path, file.name, file.role.value
            _take_stat(row, file)
    save(_all(rows), ("path", "name", "role", *_STAT))


def replace(pairs: Sequence[Pair]) -> None:
    """Other bytes, or other files. A file that kept its name keeps its place in the variant; its quick id is void
    unless size and time are the same.
    """
    before = _rows(pairs)
    rows: list[LocationFile] = []
    for pair in pairs:
        old = {bytes(row.path): row for row in before[pair.place.location_id]}
        for position, file in enumerate(pair.found.files):
            row = _row(pair.place.location_id, position, file)
            same = old.get(file.entry.path)
            if same is not None:
                row.file_id = same.file_id
                row.quick = same.quick if (same.size, same.mtime_ns) == (row.size, row.mtime_ns) else None
            rows.append(row)
    LocationFile.objects.filter(location_id__in=sorted(before)).delete()
    _save_new(rows)


def _save_new(rows: Iterable[LocationFile]) -> None:
    for batch in batches(rows):
        bulk.insert(LocationFile, _NEW, ([getattr(row, column) for column in _NEW] for row in batch))


def _rows(pairs: Sequence[Pair]) -> Mapping[int, list[LocationFile]]:
    rows: dict[int, list[LocationFile]] = defaultdict(list)
    ids = sorted(pair.place.location_id for pair in pairs)
    if ids:
        for row in LocationFile.objects.filter(location_id__in=ids).order_by("location_id", "position"):
            rows[row.location_id].append(row)
    return rows


def _all(rows: Mapping[int, list[LocationFile]]) -> list[LocationFile]:
    return [row for files in rows.values() for row in files]


def _row(location_id: int, position: int, file: SetFile) -> LocationFile:
    row = LocationFile(
        location_id=location_id, position=position, path=file.entry.path, name=file.name, role=file.role.value
    )
    _take_stat(row, file)
    return row


def _take_stat(row: LocationFile, file: SetFile) -> None:
    stat = file.entry.snapshot
    row.size, row.mtime_ns, row.ctime_ns = stat.size, stat.mtime_ns, stat.ctime_ns
    row.ino, row.dev = signed(stat.ino), signed(stat.dev)
