"""Headers: what the files of a claim are, read in a moment each; their models and variants are born here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.errors import FileProblem, LeaseLost, UnreadableFile
from catalog.models import Library
from catalog.services import drives, findings, totals
from catalog.services.identity import attaching, noticing, places, stores
from catalog.services.identity.fencing import still_ours
from catalog.services.identity.locking import in_one_transaction
from catalog.services.identity.places import Failed, Place
from catalog.services.identity.reading import Reading, read_header
from catalog.storage.root import Root
from catalog.vocabulary import FindingCode

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from catalog.services.claiming import Claim
    from catalog.services.identity.stores import Gathered


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """Counts of places: `born` got an id, `moved` kept that of a vanished place, `known` had one; `failed` wait."""

    born: int = 0
    moved: int = 0
    known: int = 0
    failed: int = 0


def probe(*, claim: Claim, cancelled: Callable[[], bool] | None = None) -> ProbeReport:
    """Reads the headers of all locations of a claim, then writes what they say in one transaction.

    A file that cannot be read is a finding and waits for the next scan; the others go on. Raises `LeaseLost` when
    nothing of the claim is ours any more, and `LibraryOffline`.
    """
    library = Library.objects.get(pk=claim.library_id)
    waiting = places.load(claim)
    with Root(bytes(library.path)) as root:
        readings, failed = _read_all(root, waiting, cancelled or _never)
        known = stores.gather(root, library, waiting)
    _look(library, failed)
    if not readings and not failed:
        if not waiting:
            raise LeaseLost("Another worker has taken over; there is nothing left to read.")
        return ProbeReport()
    return _write(claim, library, known, (readings, failed))


def _never() -> bool:
    return False


def _read_all(
    root: Root, waiting: Sequence[Place], cancelled: Callable[[], bool]
) -> tuple[list[Reading], list[Failed]]:
    readings: list[Reading] = []
    failed: list[Failed] = []
    for place in waiting:
        if cancelled():
            break
        try:
            readings.append(read_header(root, place))
        except FileProblem as problem:
            failed.append(Failed(place, problem))
    return readings, failed


def _look(library: Library, failed: Sequence[Failed]) -> None:
    """Is it the files, or is the whole library gone? Raises `LibraryOffline`."""
    suspects = [
        one for one in failed if isinstance(one.problem, UnreadableFile) or one.problem.code is FindingCode.VANISHED
    ]
    if suspects:
        drives.look(library_id=library.pk, besides=[bytes(file.path) for one in suspects for file in one.place.files])


@in_one_transaction
def _write(
    claim: Claim,
    library: Library,
    gathered: Gathered,
    results: tuple[Sequence[Reading], Sequence[Failed]],
) -> ProbeReport:
    ids = [*(one.place.id for one in results[0]), *(one.place.id for one in results[1])]
    ours = still_ours(claim, ids)
    readings = [one for one in results[0] if one.place.id in ours]
    failed = [one for one in results[1] if one.place.id in ours]
    attached = attaching.attach(readings=readings, library=library, known=gathered.known)
    attaching.mark_failed((one.place.id, one.problem.outcome) for one in failed)
    noticing.notice(readings=readings, failed=failed)
    findings.raise_all(found=gathered.problems)
    totals.stale([library.pk])
    return ProbeReport(
        born=len(attached.born),
        moved=len(attached.moved),
        known=len(attached.known) + len(attached.described),
        failed=len(failed),
    )
