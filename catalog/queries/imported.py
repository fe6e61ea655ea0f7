"""What was taken from the notes of other programs in a library folder: counted up to a limit, to cost little."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.models import HashClaim, Note
from catalog.vocabulary import ClaimSource

if TYPE_CHECKING:
    from django.db.models import QuerySet

MOST = 10_000
"""Beyond it the page says "more than"."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are, or that there are more than this."""

    rows: int
    more: bool = False

    def __bool__(self) -> bool:
        return self.rows > 0


@dataclass(frozen=True, slots=True)
class Imported:
    """Notes that were read, notes that wait, and digests that others list for files of the folder."""

    notes: Count
    waiting: Count
    claims: Count


def imported(library_id: int) -> Imported:
    """Of one library folder, in three statements."""
    notes = Note.objects.filter(library=library_id)
    claims = HashClaim.objects.filter(location__library=library_id).exclude(source=ClaimSource.HEADER)
    return Imported(
        notes=_count(notes.exclude(read_at=None)), waiting=_count(notes.filter(read_at=None)), claims=_count(claims)
    )


def _count(rows: QuerySet[Note] | QuerySet[HashClaim]) -> Count:
    found = rows.order_by().values("pk")[: MOST + 1].count()
    return Count(min(found, MOST), more=found > MOST)
