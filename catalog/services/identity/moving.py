"""Files that moved: a vanished one and a new one of equal size, time and quick id are one. No byte is read again."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from django.db import connection

from catalog.models import HashClaim, Location, LocationFile, Note
from catalog.vocabulary import LocationState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

    from catalog.services.identity.reading import Reading

_VANISHED = """
SELECT DISTINCT file.location_id
FROM unnest(%s::bigint[], %s::bigint[], %s::bytea[]) wanted(size, mtime_ns, quick)
JOIN catalog_locationfile file USING (size, mtime_ns, quick)
JOIN catalog_location place ON place.id = file.location_id
WHERE place.state = 'missing' AND place.variant_id IS NOT NULL
"""


class Mark(NamedTuple):
    """By what a file is known again."""

    size: int
    mtime_ns: int
    quick: bytes


@dataclass(frozen=True, slots=True)
class Vanished:
    """A place that is gone, with the files of its variant by their marks."""

    location: Location
    files: Mapping[Mark, UUID | None]


def find(readings: Sequence[Reading]) -> dict[int, Vanished]:
    """Number of a new location -> the vanished one that it was before; each vanished one is given once.

    The vanished rows are locked until the transaction ends; those that somebody else works on are left out.
    """
    wanted = [max(_marks(reading)) for reading in readings]
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_VANISHED, [list(column) for column in zip(*wanted, strict=True)])
        ids = [row[0] for row in cursor.fetchall()]
    waiting = _by_marks(ids) if ids else {}
    found = {}
    for reading in readings:
        candidates = waiting.get((reading.place.location.set_name, frozenset(_marks(reading))))
        if candidates:
            found[reading.place.id] = candidates.pop(0)
    return found


def take_over(pairs: Iterable[tuple[int, Vanished]]) -> None:
    """Gives what was listed for the vanished places to the new ones, and forgets the vanished ones.

    What lies beside the new ones is read again: it speaks of another variant now.
    """
    pairs = list(pairs)
    if pairs:
        Note.objects.filter(location__in=[location_id for location_id, _ in pairs]).update(read_at=None)
    for location_id, vanished in pairs:
        HashClaim.objects.filter(location_id=location_id).delete()
        _hand_over(vanished.location.pk, location_id)
        vanished.location.delete()


def _hand_over(old: int, new: int) -> None:
    """The claims of a place; one about a file of a set goes to the file of the same name."""
    HashClaim.objects.filter(location_id=old, file=None).update(location_id=new)
    claims = list(HashClaim.objects.filter(location_id=old).select_related("file"))
    rows = LocationFile.objects.filter(location_id=new).values_list("name", "pk") if claims else ()
    files = {bytes(name): pk for name, pk in rows}
    for claim in claims:
        if claim.file is not None and bytes(claim.file.name) in files:
            claim.location_id, claim.file_id = new, files[bytes(claim.file.name)]
            claim.save(update_fields=["location", "file"])


def marks_of(reading: Reading) -> list[Mark]:
    """One for each file, in order."""
    return [
        Mark(snapshot.size, snapshot.mtime_ns, quick)
        for snapshot, quick in zip(reading.snapshots, reading.quick, strict=True)
    ]


def _marks(reading: Reading) -> set[Mark]:
    return set(marks_of(reading))


def _by_marks(ids: Sequence[int]) -> dict[tuple[str, frozenset[Mark]], list[Vanished]]:
    gone = Location.objects.select_for_update(skip_locked=True, of=("self",)).filter(
        pk__in=ids, state=LocationState.MISSING, lease=None
    )
    locations = {row.pk: row for row in gone.select_related("variant").order_by("pk")}
    files: dict[int, dict[Mark, UUID | None]] = defaultdict(dict)
    for row in LocationFile.objects.filter(location_id__in=sorted(locations), quick__isnull=False):
        files[row.location_id][Mark(row.size, row.mtime_ns, bytes(row.quick or b""))] = row.file_id
    waiting: dict[tuple[str, frozenset[Mark]], list[Vanished]] = defaultdict(list)
    for pk, location in locations.items():
        waiting[location.set_name, frozenset(files[pk])].append(Vanished(location, files[pk]))
    return waiting
