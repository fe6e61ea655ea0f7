"""The second look: files that are still being written wait, and files with another inode are recognised by quick id."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from catalog.errors import FileProblem
from catalog.models import LocationFile
from catalog.services.scanning.comparing import Pair, facts
from catalog.storage.keys import signed
from catalog.storage.quick import quick_id

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from catalog.formats.sets import FileSet, SetFile
    from catalog.services.scanning.comparing import Comparison
    from catalog.storage.root import Root
    from catalog.storage.values import Snapshot

_FRESH_NS = 2_000_000_000
_PAUSE = 0.05
"""Seconds between the two looks at a file that was written a moment ago: a copy under way grows in that time."""


class Touched(NamedTuple):
    """Places whose files have another ctime or inode: recognised, or not to be told without reading the header."""

    recognised: list[Pair]
    untold: list[Pair]


def settle(root: Root, result: Comparison, pause: Callable[[], None]) -> int:
    """Takes new and edited places out of which a file is being written, and returns how many files that are.

    `pause` is called before each look; it may raise.
    """
    _let_time_pass(result)
    growing = 0
    still: list[FileSet] = []
    for found in result.new:
        pause()
        unsteady = _unsteady(root, found)
        growing += unsteady
        if not unsteady:
            still.append(found)
    result.new = still
    edited: list[Pair] = []
    for pair in result.edited:
        pause()
        unsteady = _unsteady(root, pair.found)
        growing += unsteady
        if not unsteady:
            edited.append(pair)
    result.edited = edited
    return growing


def recognise(root: Root, result: Comparison, pause: Callable[[], None]) -> Touched:
    """Compares quick ids of the touched places. One that differs is edited, and goes there."""
    told = Touched([], [])
    quick = _quick_ids(result.touched)
    for pair in result.touched:
        pause()
        same = _is_same(root, pair, quick)
        if same is None:
            told.untold.append(pair)
        elif same:
            told.recognised.append(pair)
        else:
            result.edited.append(pair)
    return told


def drop_known_links(library_id: int, part: bytes, new: list[FileSet]) -> list[FileSet]:
    """A scan of a part takes a link whose target lies elsewhere for a file: leaves out those that are known there."""
    inodes = {file: signed(found.entry.snapshot.ino) for file, found in _links_out(new, part)}
    if not inodes:
        return new
    known = LocationFile.objects.filter(location__library_id=library_id, ino__in=sorted(set(inodes.values())))
    elsewhere = {
        (ino, size) for path, ino, size in known.values_list("path", "ino", "size") if not _below(bytes(path), part)
    }
    return [found for found in new if not _all_in(found, elsewhere)]


def _links_out(new: list[FileSet], part: bytes) -> list[tuple[bytes, SetFile]]:
    return [
        (file.entry.path, file)
        for found in new
        for file in found.weights
        if file.entry.real is not None and not _below(file.entry.real, part)
    ]


def _below(path: bytes, part: bytes) -> bool:
    return path.startswith(part + b"/")


def _all_in(found: FileSet, inodes: set[tuple[int, int]]) -> bool:
    stats = [file.entry.snapshot for file in found.weights]
    return all((signed(stat.ino), stat.size) in inodes for stat in stats)


def _let_time_pass(result: Comparison) -> None:
    sets = [*result.new, *(pair.found for pair in result.edited)]
    newest = max((file.entry.snapshot.mtime_ns for found in sets for file in found.files), default=0)
    if newest > time.time_ns() - _FRESH_NS:
        time.sleep(_PAUSE)


def _unsteady(root: Root, found: FileSet) -> int:
    """Files of which size or time are other than a moment ago, or that are gone."""
    return sum(not _steady(root, file.entry.path, file.entry.snapshot) for file in found.files)


def _steady(root: Root, path: bytes, before: Snapshot) -> bool:
    try:
        now = root.look(path)
    except OSError:
        return False
    return (now.size, now.mtime_ns) == (before.size, before.mtime_ns)


def _quick_ids(pairs: Sequence[Pair]) -> dict[tuple[int, bytes], bytes | None]:
    files = LocationFile.objects.filter(location_id__in=[pair.place.location_id for pair in pairs])
    rows = files.values_list("location_id", "path", "quick") if pairs else ()
    return {(location, bytes(path)): bytes(quick) if quick is not None else None for location, path, quick in rows}


def _is_same(root: Root, pair: Pair, quick: dict[tuple[int, bytes], bytes | None]) -> bool | None:
    """None when there is nothing to compare with, or the file cannot be read now."""
    before_all = {file.path: file for file in pair.place.files}
    for file in pair.found.files:
        if before_all[file.entry.path][1:5] == facts(file.entry.snapshot):
            continue
        before = quick.get((pair.place.location_id, file.entry.path))
        if before is None:
            return None
        try:
            with root.open(file.entry.path) as opened:
                now = quick_id(opened)
        except FileProblem:
            return None
        if now != before:
            return False
    return True
