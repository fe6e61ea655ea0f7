"""What needs attention: raised when it is met, seen again while it lasts, cleared when it is gone."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now

from catalog.models import Finding, Library, Location, Variant
from catalog.vocabulary import FindingCode

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from uuid import UUID

    from django.db.models import QuerySet

LibraryOrId: TypeAlias = "Library | int | None"
LocationOrId: TypeAlias = "Location | int | None"
VariantOrId: TypeAlias = "Variant | UUID | None"

# The index of open findings is a partial one, which Django's bulk_create cannot name.
_UPSERT = """
INSERT INTO catalog_finding (code, library_id, location_id, variant_id, place, params)
SELECT * FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::uuid[], %s::text[], %s::jsonb[])
ON CONFLICT (code, library_id, location_id, variant_id, place) WHERE cleared_at IS NULL
DO UPDATE SET params = excluded.params, last_seen = statement_timestamp()
"""


@dataclass(frozen=True, slots=True)
class Raised:
    """One thing that is wrong. The parameters make the sentence of its code; ids name what it is about."""

    code: FindingCode
    params: Mapping[str, str | int] = field(default_factory=dict)
    library_id: int | None = None
    location_id: int | None = None
    variant_id: UUID | None = None
    place: str = ""

    @property
    def subject(self) -> tuple[str, int, int, str, str]:
        """There is one open finding of each."""
        return self.code.value, self.library_id or 0, self.location_id or 0, str(self.variant_id or ""), self.place


def raise_finding(
    *,
    code: FindingCode,
    params: Mapping[str, str | int],
    library: LibraryOrId = None,
    location: LocationOrId = None,
    variant: VariantOrId = None,
    place: str = "",
) -> None:
    """Opens a finding, or says of the open one that it was seen again. Rows or their ids are taken."""
    raise_all(found=[Raised(code, params, _number(library), _number(location), _uuid(variant), place)])


def raise_all(*, found: Iterable[Raised]) -> int:
    """Many at once, in one statement; of several about one subject the last one counts. Returns how many."""
    rows = sorted({one.subject: one for one in found}.values(), key=lambda one: one.subject)
    if rows:
        columns = (
            [row.code.value for row in rows],
            [row.library_id for row in rows],
            [row.location_id for row in rows],
            [row.variant_id for row in rows],
            [_storable(row.place) for row in rows],
            [json.dumps({name: _value(value) for name, value in row.params.items()}) for row in rows],
        )
        with connection.cursor() as cursor:
            cursor.execute(_UPSERT, columns)
    return len(rows)


def clear(
    *,
    codes: Collection[FindingCode] | None = None,
    library: LibraryOrId = None,
    location: LocationOrId = None,
    locations: Collection[int] | None = None,
    variant: VariantOrId = None,
    places: Collection[str] | None = None,
) -> int:
    """Clears the open findings that fit everything given; at least one subject must be. Returns how many."""
    if library is None and location is None and locations is None and variant is None:
        raise ValueError("say what the findings are about")
    limits = {
        "code__in": [code.value for code in codes] if codes is not None else None,
        "library_id": _number(library),
        "location_id": _number(location),
        "location_id__in": sorted(locations) if locations is not None else None,
        "variant_id": _uuid(variant),
        "place__in": sorted(places) if places is not None else None,
    }
    given = {name: limit for name, limit in limits.items() if limit is not None}
    return open_findings().filter(**given).update(cleared_at=Now())


def clear_notes(*, library_ids: Collection[int], places: Collection[str]) -> int:
    """Clears what is open about these notes of other programs, whether they speak of one place or of many."""
    about = Q(library__in=sorted(library_ids)) | Q(location__library__in=sorted(library_ids))
    rows = open_findings().filter(about, code=FindingCode.NOTE_UNREADABLE, place__in=sorted(places))
    return rows.update(cleared_at=Now())


def close(*, ids: Collection[int]) -> int:
    """Clears these very findings. Returns how many were open."""
    return open_findings().filter(pk__in=sorted(ids)).update(cleared_at=Now())


def clear_below(*, library_id: int) -> int:
    """Clears everything about a library and the locations in it. Returns how many."""
    about = Q(library_id=library_id) | Q(location__library_id=library_id)
    return open_findings().filter(about).update(cleared_at=Now())


def open_findings() -> QuerySet[Finding]:
    """All that are not cleared."""
    return Finding.objects.filter(cleared_at=None)


def _number(subject: Library | Location | int | None) -> int | None:
    return subject.pk if isinstance(subject, Library | Location) else subject


def _uuid(subject: Variant | UUID | None) -> UUID | None:
    return subject.pk if isinstance(subject, Variant) else subject


def _value(value: str | int) -> str | int:
    return _storable(value) if isinstance(value, str) else value


def _storable(text: str) -> str:
    """Without what PostgreSQL refuses: NUL and lone surrogates."""
    return text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\x00")
