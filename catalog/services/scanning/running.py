"""One scan of one library, from the lock to the stamp."""

from __future__ import annotations

import gc
import os
import time
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from django.db import Error, connection
from django.db.models import Case, F, Func, Q, Value, When
from django.db.models.fields import BooleanField
from django.db.models.functions import Now

from catalog.errors import Busy, Cancelled, LibraryOffline, NotFound
from catalog.layouts.kept import Tools
from catalog.models import Library
from catalog.services import libraries
from catalog.services.identity import learning, reuniting, stores
from catalog.services.scanning import drives, known, notes, noticing, settling, tools
from catalog.services.scanning.comparing import compare, devices
from catalog.services.scanning.drives import Drives
from catalog.services.scanning.moving import take_moves
from catalog.services.scanning.report import ScanReport
from catalog.services.scanning.writing import Changes, write
from catalog.storage.root import Root
from catalog.storage.walk import WalkRules, walk
from catalog.vocabulary import SkipReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from catalog.services.scanning.comparing import Comparison
    from catalog.services.scanning.known import KnownPlace
    from catalog.storage.walk import Walk

_LOCK = 0x1507_04
_BETWEEN_WORDS = 0.25


def scan(
    *,
    library_id: int,
    part: bytes | None = None,
    progress: Callable[[int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> ScanReport:
    """Compares a library, or a part of it, with what was known, and writes what changed.

    `part` is a path below the library; of a file, its folder is scanned. `progress` hears how many names were seen;
    it and `cancelled` are called a few times a second. Raises `Cancelled`, `Busy` when another
    scan of the library is under way, `NotFound` for a library that is not there or was removed, and `LibraryOffline`
    (with its finding) when the folder cannot be reached or is an empty mount point: then nothing is missing.
    """
    with _locked(library_id) as (library, others), _uncollected():
        talk = _Talk(progress or _silent, cancelled or _never)
        return _Scan(library, others, talk).run(part)


def _silent(seen: int) -> None:
    pass


def _never() -> bool:
    return False


@contextmanager
def _locked(library_id: int) -> Iterator[tuple[Library, list[Library]]]:
    """The library, and the other live ones, while nobody else scans it."""
    lock = Func(Value(_LOCK), F("pk"), function="pg_try_advisory_lock", template="%(function)s(%(expressions)s::int)")
    mine = Case(When(pk=library_id, then=lock), output_field=BooleanField())
    rows = Library.objects.filter(Q(pk=library_id) | Q(removed_at=None)).annotate(mine=mine)
    libraries_by_id = {row.pk: row for row in rows}
    library = libraries_by_id.pop(library_id, None)
    if library is not None and not library.mine:
        raise Busy(f"{library.path_text} is being scanned already.")
    try:
        if library is None or library.removed_at is not None:
            raise NotFound("This library folder is not there, or was removed.")
        yield library, [other for other in libraries_by_id.values() if other.queue == library.queue]
    finally:
        with suppress(Error), connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s::int)", [_LOCK, library_id])


@contextmanager
def _uncollected() -> Iterator[None]:
    """A scan makes values by the ten thousand and no cycles: the collector would look at them again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class _Talk:
    """Passes on how far the scan is, and asks whether to stop: not more than a few times a second."""

    def __init__(self, progress: Callable[[int], None], cancelled: Callable[[], bool]) -> None:
        self._progress, self._cancelled = progress, cancelled
        self._next_word = self._next_question = 0.0
        self._stopped = False

    def seen(self, count: int) -> None:
        """So many names were seen."""
        if (now := time.monotonic()) >= self._next_word:
            self._next_word = now + _BETWEEN_WORDS
            self._progress(count)

    def stopped(self) -> bool:
        """The scan is to stop."""
        if not self._stopped and (now := time.monotonic()) >= self._next_question:
            self._next_question = now + _BETWEEN_WORDS
            self._stopped = self._cancelled()
        return self._stopped

    def pause(self) -> None:
        """Raises `Cancelled` when the scan is to stop."""
        if self.stopped():
            raise Cancelled("The scan was cancelled. What it has not written yet is found by the next one.")


class _Scan:
    """One scan, once the library is its own."""

    def __init__(self, library: Library, others: list[Library], talk: _Talk) -> None:
        self._library, self._others, self._talk = library, others, talk
        self._started = time.monotonic()
        self._before = Drives.from_json(library.last_report.get("drives"))

    def run(self, part: bytes | None) -> ScanReport:
        """A folder that cannot be reached turns offline, with one finding, and nothing in it is missing."""
        try:
            with Root(bytes(self._library.path)) as root:
                rules = self._rules(_folder_of(root, part or b""))
                walked = walk(root, rules, cancelled=self._talk.stopped, progress=self._talk.seen)
                self._talk.pause()
                return self._compare(root, walked)
        except LibraryOffline:
            libraries.set_online(library_id=self._library.pk, online=False)
            raise

    def _rules(self, part: bytes) -> WalkRules:
        library, own = self._library, bytes(self._library.path).rstrip(b"/") + b"/"
        below = (bytes(other.path) for other in self._others)
        return WalkRules(
            include=tuple(library.include),
            exclude=tuple(library.exclude),
            nested=frozenset(path.removeprefix(own) for path in below if path.startswith(own)),
            only=bytes(library.only) if library.only is not None else None,
            part=b"" if library.only is not None else part,
        )

    def _compare(self, root: Root, walked: Walk) -> ScanReport:
        if walked.broken_off:
            raise self._gone("went away while it was looked at")
        known_now = known.load(self._library.pk, walked.part)
        if drives.is_empty_mount_point(root, walked, self._before, known_now.remembered):
            raise self._gone("is empty: nothing is mounted there")
        if not self._library.online:
            libraries.set_online(library_id=self._library.pk, online=True)
            known_now = known.load(self._library.pk, walked.part)
        result = compare(walked, known_now)
        changes, growing = self._second_look(root, walked, result)
        found = devices(walked, known_now) if result.gone else set()
        lost = self._sort_gone(root, result, changes, found)
        if lost and not (found or changes.new or walked.part):
            raise self._gone("is on another drive than before")
        report = self._report(walked, result, changes, growing)
        owners = tools.look(self._library, walked, quiet=not report.changed, all_there=walked.complete and not lost)
        write(self._library, changes, owners.layout_at, self._talk.pause)
        tools.correct(self._library, owners)
        if changes.missing:
            reuniting.reunite(missing=[place.location_id for place in changes.missing])
        return self._finish(root, walked, report, lost, owners)

    def _second_look(self, root: Root, walked: Walk, result: Comparison) -> tuple[Changes, int]:
        """What must be looked at once more: the changes, and how many files are still being written."""
        moved = take_moves(result)
        told = settling.recognise(root, result, self._talk.pause)
        growing = settling.settle(root, result, self._talk.pause)
        if walked.part:
            result.new = settling.drop_known_links(self._library.pk, walked.part, result.new)
        changes = Changes(moved, result.edited, told.recognised, told.untold, result.again, new=result.new)
        return changes, growing

    def _sort_gone(
        self, root: Root, result: Comparison, changes: Changes, found: set[tuple[int, int]]
    ) -> Mapping[bytes, list[KnownPlace]]:
        """What is gone is missing, unless its drive is."""
        gone = [place for place in result.gone if place.mood in known.REMEMBERED]
        lost = drives.on_lost_drives(root, gone, self._before, found)
        away = {place.location_id for places in lost.values() for place in places}
        changes.missing = [place for place in gone if place.location_id not in away]
        changes.away = [place for place in gone if place.location_id in away and place.mood != known.OFFLINE]
        return lost

    def _report(self, walked: Walk, result: Comparison, changes: Changes, growing: int) -> ScanReport:
        skipped = dict(walked.skipped)
        if growing:
            skipped[SkipReason.PARTIAL] = skipped.get(SkipReason.PARTIAL, 0) + growing
        moods = [pair.place.mood for pair in changes.pairs]
        return ScanReport(
            new=len(changes.new),
            edited=len(changes.edited),
            touched=len(changes.recognised) + len(changes.untold),
            moved=len(changes.moved),
            missing=len(changes.missing),
            away=len(changes.away),
            revived=sum(mood not in {known.CALM, known.RETRY} for mood in moods),
            unchanged=result.unchanged + sum(pair.place.mood == known.RETRY for pair in result.again),
            skipped=skipped,
            links=len(walked.links),
            seen=walked.seen,
            complete=walked.complete,
        )

    def _finish(
        self, root: Root, walked: Walk, report: ScanReport, lost: Mapping[bytes, list[KnownPlace]], owners: Tools
    ) -> ScanReport:
        """Findings and, after a scan of the whole library, the stamp."""
        wanted = [*noticing.of_walk(self._library, walked), *noticing.of_drives(self._library, lost)]
        whole = not walked.part
        mark = notes.settle(self._library, walked, changed=report.changed)
        kept = self._kept(root, walked, report) | {"notes": mark} | owners.report() if whole else {}
        if whole:
            wanted += noticing.of_twin(self._library, self._others, str(kept["shape"]))
        noticing.settle(self._library, wanted, walked)
        report = replace(report, findings=len(wanted), seconds=round(time.monotonic() - self._started, 3))
        if whole:
            kept |= self._ask_stores(root, walked)
            stamp = {"last_report": report.as_json() | kept, "last_scan_at": Now()}
            if Tools.kept(self._library.last_report) != owners or report.changed:
                stamp |= tools.of_library(owners, (entry.path for entry in walked.entries))
            Library.objects.filter(pk=self._library.pk).update(**stamp)
        return report

    def _ask_stores(self, root: Root, walked: Walk) -> dict[str, object]:
        """The programs that keep these files are asked about what is known already when they may say more of it."""
        mark = stores.stamp(root, [bytes(other.path) for other in self._others], walked)
        if self._library.last_report.get("stores", "") != mark:
            learning.refresh(root=root, library=self._library, pause=self._talk.pause)
        return {"stores": mark}

    def _kept(self, root: Root, walked: Walk, report: ScanReport) -> dict[str, object]:
        """What the next scan wants to know of this one."""
        before = self._library.last_report
        if not report.changed and {"shape", "drives"} <= before.keys():
            return {"shape": before["shape"], "drives": before["drives"]}
        return {"shape": noticing.shape(walked), "drives": self._before.after(root, walked).as_json()}

    def _gone(self, what: str) -> LibraryOffline:
        return LibraryOffline(f"{self._library.path_text} {what}.")


def _folder_of(root: Root, part: bytes) -> bytes:
    """The part itself, or the folder of the file that it is."""
    try:
        os.close(root.folder(part))
    except NotADirectoryError:
        return os.path.dirname(part)
    except OSError:
        return part
    return part
