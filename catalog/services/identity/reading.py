"""What the header of a place says, before anything is written about it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.formats import Probe, SetMember, SetSource, probe_file, probe_set
from catalog.recognition import Recognised, recognise
from catalog.services.identity.places import open_all
from catalog.storage.quick import quick_id
from catalog.vocabulary import FileRole, FindingCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.services.identity.places import Place
    from catalog.storage.files import OpenFile
    from catalog.storage.root import Root
    from catalog.storage.values import Snapshot


_MISSING = frozenset({FindingCode.MISSING_SHARD, FindingCode.EXTERNAL_DATA_MISSING})


@dataclass(frozen=True, slots=True)
class Reading:
    """The header of a place, what it is recognised as, and of each file the stat and the quick id."""

    place: Place
    probe: Probe
    recognised: Recognised
    snapshots: tuple[Snapshot, ...]
    quick: tuple[bytes, ...]

    @property
    def complete(self) -> bool:
        """No shard is missing, and no data: the set has a content."""
        return all(problem.code not in _MISSING for problem in self.probe.problems)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(snapshot.size for snapshot in self.snapshots)


def read_header(root: Root, place: Place) -> Reading:
    """Opens the files of a place and reads their headers. Raises `FileProblem`; a bad header is no error."""
    with ExitStack() as stack:
        opened = open_all(root, place, stack)
        return read_opened(place, opened)


def read_opened(place: Place, opened: Sequence[OpenFile]) -> Reading:
    """The same of files that are open already, in their order."""
    quick = tuple(quick_id(file) for file in opened)
    if place.single:
        probe = probe_file(opened[0])
    else:
        members = zip(place.files, opened, strict=True)
        probe = probe_set(
            SetSource(tuple(SetMember(bytes(row.name), FileRole(row.role), file) for row, file in members))
        )
    recognised = recognise(probe, path=bytes(place.location.path))
    return Reading(place, probe, recognised, tuple(file.snapshot for file in opened), quick)
