"""One variant with everything that is known of it, as a plain row for programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog import layouts
from catalog.models import Preview, Variant
from catalog.queries import external, records
from catalog.queries.tool_names import ToolNames

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from catalog.models import Location
    from catalog.queries.external import Known


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
    file: UUID | None


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
    layout: str
    managed: bool
    tool_name: str
    state: str
    size: int
    hashed_at: datetime | None
    verified_at: datetime | None


@dataclass(frozen=True, slots=True)
class CandidateRow:
    about: str
    value: str
    text: str


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
    traits: list[str]
    candidates: list[CandidateRow]
    dtypes: Mapping[str, int]
    born_at: datetime
    hashed_at: datetime | None
    hashes: list[HashRow]
    listed: list[ListedHashRow]
    external_ids: list[Known]
    preview: str | None
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
        traits=list(row.traits),
        candidates=[CandidateRow(*map(str, one)) for one in row.candidates],
        dtypes=row.dtypes,
        born_at=row.born_at,
        hashed_at=row.hashed_at,
        hashes=_hashes(row),
        listed=_listed(row),
        external_ids=list(external.known(row.external_ids.all())),
        preview=records.preview_url(row.pk) if Preview.objects.filter(variant=row).exists() else None,
        files=_files(row),
        places=_places(row),
    )


def _hashes(row: Variant) -> list[HashRow]:
    found = row.hashes.order_by("file__position", "algorithm")
    return [HashRow(item.algorithm, bytes(item.digest).hex(), item.file_id) for item in found]


def _listed(row: Variant) -> list[ListedHashRow]:
    found = row.claims.select_related("file").order_by("algorithm", "source", "pk")
    return [
        ListedHashRow(
            item.algorithm, bytes(item.digest).hex(), item.source, item.file.file_id if item.file is not None else None
        )
        for item in found
    ]


def _files(row: Variant) -> list[FileRow]:
    found = row.files.filter(merged_into=None).order_by("position")
    return [FileRow(item.pk, item.number, str(item), item.size, item.role) for item in found]


def _places(row: Variant) -> list[PlaceRow]:
    names = ToolNames([row.pk])
    found = row.locations.select_related("library").order_by("library", "path_text", "set_name")
    return [_place(item, names.of(item, kind=row.kind)) for item in found]


def _place(row: Location, tool_name: str) -> PlaceRow:
    return PlaceRow(
        library=row.library_id,
        path=row.path_text,
        set=row.set_name,
        layout=row.layout,
        managed=layouts.is_managed(row.layout),
        tool_name=tool_name,
        state=row.state,
        size=row.size,
        hashed_at=row.hashed_at,
        verified_at=row.verified_at,
    )
