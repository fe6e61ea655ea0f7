"""Reading hashed files again: does every byte still say what it said? Nothing that was recorded is overwritten."""

from __future__ import annotations

import os
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models.functions import Now

from catalog.errors import ChangedFile, FileProblem, LeaseLost, UnreadableFile
from catalog.hashing.base import Plan
from catalog.hashing.engine import digest_file
from catalog.models import Library, Location, LocationFile, ModelHash
from catalog.services import claiming, drives, findings, totals
from catalog.services.identity import places
from catalog.storage.keys import signed
from catalog.storage.root import Root
from catalog.storage.values import Snapshot, shown
from catalog.vocabulary import Algorithm, FindingCode, LocationState, Stage, Verified

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from catalog.services.claiming import Claim
    from catalog.services.identity.places import Place
    from catalog.storage.files import OpenFile

_PLAN = Plan(algorithms=frozenset({Algorithm.BLAKE3}))
_CURED = (
    FindingCode.CORRUPT,
    FindingCode.DISK_READ_ERROR,
    FindingCode.UNREADABLE,
    FindingCode.NOT_A_FILE,
    FindingCode.LINK_LEAVES,
    FindingCode.READER_FAILED,
)
"""What a good read proves to be over."""


@dataclass(frozen=True, slots=True)
class Row:
    """What became of one file; digests are BLAKE3 in hexadecimal, None where there is none."""

    location_id: int
    path: str
    state: Verified
    expected: str | None = None
    found: str | None = None


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """A row for each file that was looked at."""

    rows: tuple[Row, ...] = ()
    bytes_read: int = 0
    seconds: float = 0.0

    @property
    def counts(self) -> Mapping[Verified, int]:
        """How many files came to what."""
        return Counter(row.state for row in self.rows)


@dataclass(slots=True)
class _Result:
    """One file: the row, its stat now, and the problem that it gets as a finding."""

    row: Row
    file: LocationFile
    now: Snapshot | None = None
    problem: tuple[FindingCode, Mapping[str, str | int]] | None = None


def verify_claim(
    *,
    claim: Claim,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> VerifyReport:
    """Reads the files of a claim again by BLAKE3, twice before one is called corrupt: once past the system's cache.

    `progress` is told the number of a location and the bytes read of it. Each location is written as soon as it is
    read. Raises `Cancelled`, `LibraryOffline`, and `LeaseLost` when nothing of the claim is ours any more.
    """
    library = Library.objects.get(pk=claim.library_id)
    waiting = places.load(claim)
    if not waiting:
        raise LeaseLost("Another worker has taken over; there is nothing left to read.")
    started = time.perf_counter()
    with Root(bytes(library.path)) as root:
        run = _Run(claim, library, root, _expected(waiting), progress or _ignore, cancelled or _never)
        rows = [row for place in waiting for row in run.check(place)]
    return VerifyReport(tuple(rows), run.bytes_read, time.perf_counter() - started)


def judge(*, expected: bytes, found: bytes, again: Callable[[], bytes]) -> tuple[Verified, bytes]:
    """`again` reads a second time, and is asked only if the first time differs: one bad read is no bad file."""
    if found == expected:
        return Verified.OK, found
    second = again()
    return (Verified.OK if second == expected else Verified.CORRUPT), second


def _ignore(location_id: int, done: int) -> None:
    """Nobody wants to know."""


def _never() -> bool:
    return False


def _expected(waiting: Sequence[Place]) -> dict[int, bytes]:
    """The recorded BLAKE3 of each file, by the number of its row."""
    variants = {place.variant.pk: place.variant for place in waiting if place.variant is not None}
    rows = ModelHash.objects.filter(variant__in=variants, algorithm=Algorithm.BLAKE3, file__isnull=False)
    known = {file: bytes(digest) for file, digest in rows.values_list("file", "digest")}
    found: dict[int, bytes] = {}
    for place in waiting:
        for file in place.files:
            digest = known.get(file.file_id) if file.file_id is not None else None
            digest = digest or (place.content if len(place.files) == 1 and place.single else None)
            if digest is not None and place.content is not None:
                found[file.pk] = digest
    return found


@dataclass(slots=True)
class _Run:
    claim: Claim
    library: Library
    root: Root
    expected: Mapping[int, bytes]
    progress: Callable[[int, int], None]
    cancelled: Callable[[], bool]
    bytes_read: int = 0
    done: int = field(default=0)

    def check(self, place: Place) -> list[Row]:
        """Reads and writes one location; what was taken from us meanwhile is left alone."""
        self.done = 0
        known = [file for file in place.files if file.pk in self.expected]
        results = [self._look(place, file) for file in known] or [
            _Result(self._row(file, Verified.UNHASHED), file) for file in place.files
        ]
        try:
            self._write(place, results)
        except LeaseLost:
            return []
        return [result.row for result in results]

    def _look(self, place: Place, file: LocationFile) -> _Result:
        try:
            return self._read(file)
        except ChangedFile as problem:
            state = Verified.MISSING if problem.code is FindingCode.VANISHED else Verified.CHANGED
            if state is Verified.MISSING:
                drives.look(library_id=self.library.pk, besides=[bytes(file.path)])
            return _Result(self._row(file, state), file, now=self._stat(file))
        except FileProblem as problem:
            if isinstance(problem, UnreadableFile):
                drives.look(library_id=self.library.pk, besides=[bytes(one.path) for one in place.files])
            return _Result(self._row(file, Verified.UNREADABLE), file, problem=(problem.code, problem.params))

    def _read(self, file: LocationFile) -> _Result:
        expected = self.expected[file.pk]
        with self.root.open(bytes(file.path)) as opened:
            if not _as_recorded(opened.snapshot, file):
                raise ChangedFile(FindingCode.CHANGING)
            first = self._digest(file, opened)
            state, found = judge(expected=expected, found=first, again=partial(self._past_the_cache, file))
            if not opened.still_same() or (state is Verified.CORRUPT and opened.being_written()):
                raise ChangedFile(FindingCode.CHANGING)
        self.done += file.size
        result = _Result(self._row(file, state, found), file)
        if state is Verified.CORRUPT:
            result.problem = FindingCode.CORRUPT, {"expected": expected.hex(), "found": found.hex()}
        return result

    def _past_the_cache(self, file: LocationFile) -> bytes:
        """From the disk: what the system remembers of the file is dropped first."""
        with self.root.open(bytes(file.path)) as opened:
            os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            if not _as_recorded(opened.snapshot, file):
                raise ChangedFile(FindingCode.CHANGING)
            return self._digest(file, opened)

    def _digest(self, file: LocationFile, opened: OpenFile) -> bytes:
        done, tell, location_id = self.done, self.progress, file.location_id
        read = digest_file(
            opened, _PLAN, progress=lambda more: tell(location_id, done + more), cancelled=self.cancelled
        )
        self.bytes_read += read.bytes_read
        return read.digests.get(Algorithm.BLAKE3, b"")

    def _stat(self, file: LocationFile) -> Snapshot | None:
        try:
            return self.root.look(bytes(file.path))
        except OSError:
            return None

    def _row(self, file: LocationFile, state: Verified, found: bytes | None = None) -> Row:
        expected = self.expected.get(file.pk)
        return Row(
            location_id=file.location_id,
            path=f"{self.library.path_text.rstrip('/')}/{shown(bytes(file.path))}",
            state=state,
            expected=expected.hex() if expected is not None else None,
            found=found.hex() if found is not None else None,
        )

    def _write(self, place: Place, results: Sequence[_Result]) -> None:
        states = {result.row.state for result in results}
        with transaction.atomic():
            claiming.fence(self.claim, [place.id])
            claiming.finish(self.claim, [place.id], stage=_next_stage(states))
            if Verified.CHANGED in states:
                _changed(place, results)
                totals.stale([self.library.pk])
            elif states == {Verified.OK}:
                Location.objects.filter(pk=place.id).update(verified_at=Now())
                findings.clear(codes=_CURED, location=place.id)
            for result in results:
                if result.problem is not None:
                    _raise(place, result.file, *result.problem)


def _raise(place: Place, file: LocationFile, code: FindingCode, params: Mapping[str, str | int]) -> None:
    """Of a set, one for each file, which is named."""
    if place.single:
        findings.raise_finding(code=code, params=params, location=place.id)
        return
    named = {"file": shown(bytes(file.name)), **params}
    findings.raise_finding(code=code, params=named, location=place.id, place=shown(bytes(file.path)))


def _as_recorded(now: Snapshot, file: LocationFile) -> bool:
    """Size and time of the last write; inode and status change also differ after a restore or a chmod."""
    return (now.size, now.mtime_ns) == (file.size, file.mtime_ns)


def _next_stage(states: set[Verified]) -> Stage:
    if Verified.CHANGED in states:
        return Stage.PROBE
    return Stage.HASH if states == {Verified.UNHASHED} else Stage.NONE


def _changed(place: Place, results: Sequence[_Result]) -> None:
    """The location keeps its variant until its bytes are read in full; its header is read next, as it is now."""
    for result in results:
        if result.row.state is Verified.CHANGED and result.now is not None:
            _remember(result.file, result.now)
    size = sum(file.size for file in place.files)
    Location.objects.filter(pk=place.id).update(state=LocationState.CHANGED, size=size)


def _remember(file: LocationFile, now: Snapshot) -> None:
    file.size, file.mtime_ns, file.ctime_ns = now.size, now.mtime_ns, now.ctime_ns
    file.ino, file.dev, file.quick = signed(now.ino), signed(now.dev), None
    file.save(update_fields=["size", "mtime_ns", "ctime_ns", "ino", "dev", "quick"])
