"""One variant with everything that is known of it, as a plain row for programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.models import Variant

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID


@dataclass(frozen=True, slots=True)
class HashRow:
    algorithm: str
    digest: str
    file: UUID | None


@dataclass(frozen=True, slots=True)
class ListedHashRow:
    algorithm: str
    digest: str
    source: str


@dataclass(frozen=True, slots=True)
class FileRow:
    id: UUID
    number: int
    name: str
    size: int
    role: str


@dataclass(frozen=True, slots=True)
class PlaceRow:
    library: int
    path: str
    set: str
    state: str
    size: int
    hashed_at: datetime | None
    verified_at: datetime | None


@dataclass(frozen=True, slots=True)
class VariantDetail:
    id: UUID
    number: int
    model: UUID
    merged_from: list[UUID]
    format: str
    precision: str
    quantisation: str
    kind: str
    base: str
    parameters: int
    size: int
    outcome: str
    content: str | None
    settings: Mapping[str, object]
    reasons: Sequence[Sequence[str]]
    born_at: datetime
    hashed_at: datetime | None
    hashes: list[HashRow]
    listed: list[ListedHashRow]
    files: list[FileRow]
    places: list[PlaceRow]


def variant(variant_id: UUID) -> VariantDetail | None:
    """The live variant behind an id; None when the id was never given out."""
    given = Variant.objects.filter(pk=variant_id).select_related("merged_into").first()
    if given is None:
        return None
    row = given.merged_into or given
    return VariantDetail(
        id=row.pk,
        number=row.number,
        model=row.model_id,
        merged_from=list(row.aliases.order_by("number").values_list("pk", flat=True)),
        format=row.format,
        precision=row.precision,
        quantisation=row.quantisation,
        kind=row.kind,
        base=row.base,
        parameters=row.parameters,
        size=row.size,
        outcome=row.outcome,
        content=bytes(row.content).hex() if row.content else None,
        settings=row.settings,
        reasons=row.reasons,
        born_at=row.born_at,
        hashed_at=row.hashed_at,
        hashes=_hashes(row),
        listed=_listed(row),
        files=_files(row),
        places=_places(row),
    )


def _hashes(row: Variant) -> list[HashRow]:
    found = row.hashes.order_by("file__position", "algorithm")
    return [HashRow(item.algorithm, bytes(item.digest).hex(), item.file_id) for item in found]


def _listed(row: Variant) -> list[ListedHashRow]:
    found = row.claims.order_by("algorithm", "source")
    return [ListedHashRow(item.algorithm, bytes(item.digest).hex(), item.source) for item in found]


def _files(row: Variant) -> list[FileRow]:
    found = row.files.filter(merged_into=None).order_by("position")
    return [FileRow(item.pk, item.number, str(item), item.size, item.role) for item in found]


def _places(row: Variant) -> list[PlaceRow]:
    found = row.locations.order_by("library", "path_text", "set_name")
    return [
        PlaceRow(
            item.library_id, item.path_text, item.set_name, item.state, item.size, item.hashed_at, item.verified_at
        )
        for item in found
    ]
