"""The sums that pages show, kept as rows so that no page adds up a million places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connection, transaction

from catalog.models import Library, Location, StorageTotal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

_LOCK = 0x1507_02

_SEEN = "SELECT xmin::text FROM catalog_library WHERE id = %s"
_FRESH = "UPDATE catalog_library SET totals_stale = false WHERE id = %s AND xmin = %s::xid"

# The bytes of an inode count once for each state, at the first place that has it. Places whose header was not read yet
# stand under the format `pending`. What a person said of a model's kind or base counts for all of its variants. No
# intermediate result is joined: while a library fills, the planner knows nothing of its size, and would loop over them.
_SUMS = """
WITH files AS (
  SELECT l.id, l.state, l.variant_id, coalesce(v.format, 'pending') AS format,
         coalesce(v.precision, 'unknown') AS precision, coalesce(v.bits, 0) AS bits,
         CASE WHEN 'kind' = ANY(m.edited) THEN m.kind ELSE coalesce(v.kind, 'unknown') END AS kind,
         CASE WHEN 'base' = ANY(m.edited) THEN m.base ELSE coalesce(v.base, 'unknown') END AS base,
         coalesce(v.quantisation, '') AS quantisation, l.layout, f.size,
         row_number() OVER (PARTITION BY l.state, f.dev, f.ino, f.size ORDER BY l.id) AS seen
  FROM catalog_location l LEFT JOIN catalog_variant v ON v.id = l.variant_id
    LEFT JOIN catalog_modelrecord m ON m.id = v.model_id
    LEFT JOIN catalog_locationfile f ON f.location_id = l.id
  WHERE l.library_id = %(library)s
)
INSERT INTO catalog_storagetotal
  (library_id, format, precision, bits, kind, base, quantisation, layout, state, variants, locations, bytes)
SELECT %(library)s, format, precision, max(bits), kind, base, quantisation, layout, state,
       count(DISTINCT variant_id), count(DISTINCT id), coalesce(sum(size) FILTER (WHERE seen = 1), 0)
FROM files
GROUP BY format, precision, kind, base, quantisation, layout, state
ORDER BY format, precision, kind, base, quantisation, layout, state
"""


@dataclass(frozen=True, slots=True)
class TotalsReport:
    """`fresh` is false when somebody wrote meanwhile: the sums are as of before, and the flag stays for the next."""

    rows: int
    fresh: bool


def stale(library_ids: Iterable[int]) -> None:
    """Says that the sums of these libraries are out of date.

    For every writer, as the last statement of its transaction: the row of a library stays locked until the commit.
    """
    Library.objects.filter(pk__in=sorted(set(library_ids))).update(totals_stale=True)


def stale_of(model_ids: Iterable[UUID]) -> None:
    """The same for the libraries that hold variants of these models."""
    held = Location.objects.filter(variant__model__in=list(model_ids)).order_by().values_list("library", flat=True)
    stale(held.distinct())


def refresh(*, library_id: int) -> TotalsReport:
    """Adds up one library anew. A writer that is not done yet keeps its library stale."""
    with connection.cursor() as cursor:
        cursor.execute(_SEEN, [library_id])
        seen = cursor.fetchone()
        if seen is None:
            return TotalsReport(rows=0, fresh=True)
        with transaction.atomic():
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s::int)", [_LOCK, library_id])
            StorageTotal.objects.filter(library_id=library_id).delete()
            cursor.execute(_SUMS, {"library": library_id})
            rows = cursor.rowcount
            cursor.execute(_FRESH, [library_id, seen[0]])
            return TotalsReport(rows=rows, fresh=cursor.rowcount == 1)


def refresh_stale() -> int:
    """Every library that is out of date; how many they were."""
    waiting = list(Library.objects.filter(totals_stale=True).order_by("pk").values_list("pk", flat=True))
    for library_id in waiting:
        refresh(library_id=library_id)
    return len(waiting)
