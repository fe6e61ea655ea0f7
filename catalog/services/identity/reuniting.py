"""The other order of a move: the new place was met before the old one was known to be gone.

Once bytes were read, equal contents unite the two. A variant whose bytes were never read has nothing else to be known
by, so it is looked for by size, time and quick id when its place turns out to be gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection

from catalog.models import Location, LocationFile, Variant
from catalog.services import totals
from catalog.services.identity import holding
from catalog.services.identity.absorbing import absorb_all
from catalog.services.identity.locking import in_one_transaction
from catalog.vocabulary import LocationState

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from uuid import UUID

_CANDIDATES = """
SELECT DISTINCT ON (gone.id) gone.id, here.id
FROM catalog_location gone
JOIN catalog_variant unread ON unread.id = gone.variant_id AND unread.content IS NULL
JOIN catalog_locationfile old ON old.location_id = gone.id AND old.size > 0
JOIN catalog_locationfile new ON (new.size, new.mtime_ns, new.quick) = (old.size, old.mtime_ns, old.quick)
JOIN catalog_location here ON here.id = new.location_id AND here.state = 'present' AND here.set_name = gone.set_name
WHERE gone.id = ANY(%s) AND gone.state = 'missing' AND here.id > gone.id AND here.variant_id <> gone.variant_id
ORDER BY gone.id, new.size DESC, here.id
"""


@in_one_transaction
def reunite(*, missing: Collection[int]) -> int:
    """Of these locations, gives the variants that were never read to the places where their files are now. How many."""
    pairs = _pairs(missing)
    if not pairs:
        return 0
    variants = _locked({pk for pair in pairs for pk in pair[1:]})
    taken: set[UUID] = set()
    couples, vanished = [], []
    for location_id, *ends in pairs:
        if taken.isdisjoint(ends) and all(end in variants for end in ends):
            survivor, loser = sorted((variants[end] for end in ends), key=lambda row: row.number)
            couples.append((survivor, loser))
            vanished.append(location_id)
            taken.update(ends)
    libraries = absorb_all(pairs=couples)
    gone = Location.objects.filter(pk__in=vanished, state=LocationState.MISSING)
    libraries |= set(gone.values_list("library", flat=True))
    gone.delete()
    totals.stale(libraries)
    return len(couples)


def _pairs(missing: Collection[int]) -> list[tuple[int, UUID, UUID]]:
    """Vanished location, its variant, and that of the place that all its files are at."""
    with connection.cursor() as cursor:
        cursor.execute(_CANDIDATES, [list(missing)])
        found = dict(cursor.fetchall())
    marks = _marks({*found, *found.values()})
    variants = dict(Location.objects.filter(pk__in=marks).values_list("pk", "variant"))
    return [
        (gone, variants[gone], variants[here])
        for gone, here in sorted(found.items())
        if marks[gone] == marks[here] and variants[gone] is not None and variants[here] is not None
    ]


def _marks(ids: Collection[int]) -> dict[int, set[tuple[int, int, bytes]]]:
    found: dict[int, set[tuple[int, int, bytes]]] = {pk: set() for pk in ids}
    rows = LocationFile.objects.filter(location_id__in=ids).values_list("location_id", "size", "mtime_ns", "quick")
    for location_id, size, mtime_ns, quick in rows:
        found[location_id].add((size, mtime_ns, bytes(quick or b"")))
    return found


def _locked(ids: Iterable[UUID]) -> dict[UUID, Variant]:
    """The live ones, after their models."""
    wanted = list(ids)
    holding.hold_models(set(Variant.objects.filter(pk__in=wanted).values_list("model", flat=True)))
    rows = Variant.objects.select_for_update(no_key=True).filter(pk__in=wanted, merged_into=None).order_by("number")
    return {row.pk: row for row in rows}
