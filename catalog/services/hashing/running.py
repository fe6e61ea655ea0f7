"""The reading of a claim: results are written in small batches, each in one short transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING
from uuid import UUID

from catalog.errors import Cancelled, ChangedFile, FileProblem, LeaseLost, LibraryOffline, UnreadableFile
from catalog.hashing import definition
from catalog.hashing.base import STANDARD
from catalog.models import Library, Preference, TensorIndex
from catalog.services import drives
from catalog.services.hashing.digesting import Digested, Digester
from catalog.services.hashing.report import HashReport
from catalog.services.hashing.storing import store
from catalog.services.identity import learning, places
from catalog.services.identity.places import Failed, Place
from catalog.storage.root import Root

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from catalog.services.claiming import Claim

EXTRA = "extra_algorithms"
"""The site's setting that names further digests to compute of every file."""

_BATCH_BYTES = 64 << 20
_BATCH_SECONDS = 1.0
_NONE = UUID(int=0)


def hash_claim(
    *,
    claim: Claim,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> HashReport:
    """Reads all files of a claim once, and writes their digests and what these prove.

    `progress` is told the number of a location and the bytes read of it. A file that cannot be read is a finding; the
    others go on. What was read before something stopped the work is kept. Raises `Cancelled`, `LibraryOffline`, and
    `LeaseLost` when nothing of the claim is ours any more.
    """
    library = Library.objects.get(pk=claim.library_id)
    waiting = places.load(claim)
    if not waiting:
        raise LeaseLost("Another worker has taken over; there is nothing left to read.")
    with Root(bytes(library.path)) as root:
        digester = Digester(root, algorithms(), progress or _ignore, cancelled or _never)
        return _Run(claim, library, digester, _packed(waiting)).all(waiting)


def algorithms() -> frozenset[str]:
    """What is computed of every file; names that mean nothing here are passed over."""
    extra = Preference.objects.filter(key=EXTRA).values_list("value", flat=True).first()
    return STANDARD | {name for name in extra if _known(name)} if isinstance(extra, list) else STANDARD


def _known(name: object) -> bool:
    try:
        return isinstance(name, str) and definition(name) is not None
    except ValueError:
        return False


def _packed(waiting: Sequence[Place]) -> Mapping[UUID, bytes]:
    """The tensor indexes that were written when the headers were read, by variant."""
    rows = TensorIndex.objects.filter(variant__in=[row for place in waiting if (row := place.location.variant_id)])
    return {variant: bytes(packed) for variant, packed in rows.values_list("variant", "packed")}


def _never() -> bool:
    return False


def _ignore(location_id: int, done: int) -> None:
    """Nobody wants to know."""


@dataclass(slots=True)
class _Run:
    claim: Claim
    library: Library
    digester: Digester
    packed: Mapping[UUID, bytes]
    digested: list[Digested] = field(default_factory=list)
    failed: list[Failed] = field(default_factory=list)
    bytes: int = 0
    since: float = 0.0
    seconds: float = 0.0

    def all(self, waiting: list[Place]) -> HashReport:
        report = HashReport()
        try:
            for place in waiting:
                self._read(place)
                if self.bytes >= _BATCH_BYTES or monotonic() - self.since > _BATCH_SECONDS:
                    report += self._write()
        except (Cancelled, LibraryOffline):
            self._write()
            raise
        return report + self._write() + HashReport(seconds=self.seconds)

    def _read(self, place: Place) -> None:
        started = monotonic()
        self.since = self.since or started
        try:
            found = self.digester.digest(
                place, self.packed.get(place.location.variant_id) if place.location.variant_id else None
            )
        except FileProblem as problem:
            self._look(place, problem)
            self.failed.append(Failed(place, problem))
        else:
            self.digested.append(found)
            self.bytes += found.bytes_read
        self.seconds += monotonic() - started

    def _look(self, place: Place, problem: FileProblem) -> None:
        """Is it the file, or is the whole library gone?"""
        if isinstance(problem, UnreadableFile | ChangedFile):
            drives.look(library_id=self.library.pk, besides=[bytes(file.path) for file in place.files])

    def _write(self) -> HashReport:
        digested, failed = self.digested, self.failed
        self.digested, self.failed, self.bytes, self.since = [], [], 0, 0.0
        if not digested and not failed:
            return HashReport()
        report = store(claim=self.claim, library=self.library, digested=digested, failed=failed)
        if report.moved_on:  # what other programs say of a place is said of other bytes now
            ids = [one.place.id for one in digested]
            learning.tell(root=self.digester.root, library=self.library, ids=ids)
        return report
