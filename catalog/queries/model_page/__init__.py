"""Everything that the page of one model shows, in a fixed number of statements whatever the number of variants."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.models import (
    Component,
    ExternalId,
    HashClaim,
    Location,
    ModelHash,
    ModelRecord,
    Variant,
    VariantFile,
)
from catalog.queries.attention import Item, items, open_rows
from catalog.queries.external import Known, known
from catalog.queries.model_page.hashes import FileLines, HashLine, claims_of, lines_of
from catalog.queries.model_page.history import Event, Named, events, former_names
from catalog.queries.model_page.recognised import Fact, facts
from catalog.queries.model_page.relations import Related, Within, related, relations_within
from catalog.queries.model_page.shares import Share, shares
from catalog.queries.tool_names import ToolNames
from catalog.vocabulary import Algorithm, LocationState, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

__all__ = ["Cell", "ModelPage", "Place", "VariantView", "find", "page"]

_MOST_FINDINGS = 20
_HERE = {LocationState.PRESENT.value, LocationState.CHANGED.value, LocationState.OFFLINE.value}
_READ = {LocationState.PRESENT.value, LocationState.CHANGED.value}
_WORST = (Outcome.UNSAFE, Outcome.INVALID, Outcome.UNREADABLE, Outcome.SUSPICIOUS)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a variant lies, and the work still to be done there. `path` names the set, `without_set` does not."""

    id: int
    library_id: int
    library: str
    path: str
    without_set: str
    layout: str
    tool_name: str
    state: str
    stage: str
    reading: bool
    done: int
    size: int
    hashed_at: datetime | None
    verified_at: datetime | None
    missing_since: datetime | None


@dataclass(frozen=True, slots=True)
class Picture:
    """The preview of a variant: whose it is, and its size in pixels."""

    variant_id: UUID
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class VariantView:
    """One variant with its hashes, files and places. `within` says what it is to the reference."""

    row: Variant
    name: str
    here: bool
    lines: tuple[HashLine, ...]
    files: tuple[FileLines, ...]
    places: tuple[Place, ...]
    components: tuple[Component, ...]
    tensors: int | None
    within: Within
    facts: tuple[Fact, ...] = ()
    preview: Picture | None = None
    reference: bool = False

    @property
    def shares(self) -> tuple[Share, ...]:
        """Which part of its values is stored in which type."""
        return shares(self.row.dtypes)

    @property
    def withheld(self) -> bool:
        """Are its tensors not shown, so that nobody takes the file for sound?"""
        return bool(self.row.outcome == Outcome.UNSAFE)

    @property
    def verified_at(self) -> datetime | None:
        """When its bytes were last read in full."""
        moments = [moment for place in self.places for moment in (place.verified_at, place.hashed_at) if moment]
        return max(moments, default=None)


@dataclass(frozen=True, slots=True)
class Cell:
    """The variants of one format and precision; the first one is shown, the others are counted."""

    precision: str
    variants: tuple[VariantView, ...]


@dataclass(frozen=True, slots=True)
class ModelPage:
    """The model; its variants on disk, reference first; those that are only remembered; all that is known beside."""

    model: ModelRecord
    variants: tuple[VariantView, ...]
    earlier: tuple[VariantView, ...]
    precisions: tuple[tuple[str, int], ...]
    grid: tuple[tuple[str, tuple[Cell, ...]], ...]
    size: int
    places: int
    parameters: int
    verified_at: datetime | None
    related: tuple[Related, ...]
    findings: tuple[Item, ...]
    history: tuple[Event, ...]
    former: tuple[Named, ...]
    aliases: tuple[ModelRecord, ...]
    external: tuple[Known, ...]
    traits: tuple[str, ...]
    outcome: str
    preview: Picture | None


def find(model_id: UUID) -> ModelRecord | None:
    """The row behind an id, with the model that it was merged into; None for an id that was never given out."""
    return ModelRecord.objects.select_related("merged_into").filter(pk=model_id).first()


def page(model: ModelRecord) -> ModelPage:
    """Everything about a live model."""
    rows = list(Variant.objects.filter(model=model, merged_into=None).order_by("-bits", "number"))
    ids = [row.pk for row in rows]
    findings = items(open_rows(model_id=model.pk)[:_MOST_FINDINGS])
    views = _views(model, rows, ids)
    here = [view for view in views if view.here]
    names = former_names(ids)
    now = {(place.library, place.without_set) for view in here for place in view.places if place.state in _HERE}
    return ModelPage(
        model=model,
        variants=tuple(here),
        earlier=tuple(view for view in views if not view.here),
        precisions=_precisions(here),
        grid=_grid(here),
        size=sum(place.size for view in here for place in view.places if place.state in _READ),
        places=sum(place.state in _HERE for view in here for place in view.places),
        parameters=max((row.parameters for row in rows), default=0),
        verified_at=max((view.verified_at for view in views if view.verified_at), default=None),
        related=tuple(related(model, ids)),
        findings=tuple(findings),
        history=tuple(events(model, rows, names)),
        former=tuple(name for name in names if (name.library, name.path) not in now),
        aliases=tuple(model.aliases.order_by("number")),
        external=known(ExternalId.objects.filter(model=model) | ExternalId.objects.filter(variant__in=ids)),
        traits=tuple(dict.fromkeys(trait for view in here or views for trait in view.row.traits)),
        outcome=next((word.value for word in _WORST if any(view.row.outcome == word for view in here)), ""),
        preview=next((view.preview for view in here or views if view.preview), None),
    )


def _views(model: ModelRecord, rows: Sequence[Variant], ids: Sequence[UUID]) -> list[VariantView]:
    by_variant = _Parts(model, ids)
    reference = next((row.pk for row in rows if by_variant.is_here(row.pk)), None)
    relations = relations_within(ids, reference)
    return [by_variant.view(row, relations.get(row.pk, Within()), reference=row.pk == reference) for row in rows]


class _Parts:
    """What belongs to these variants, each table read once."""

    def __init__(self, model: ModelRecord, ids: Sequence[UUID]) -> None:
        self.model = model
        self.files = _grouped(VariantFile.objects.filter(variant__in=ids, merged_into=None).order_by("position"))
        self.hashes = _grouped(ModelHash.objects.filter(variant__in=ids))
        self.claims = _grouped(HashClaim.objects.filter(variant__in=ids).select_related("file"))
        places = Location.objects.filter(variant__in=ids, library__removed_at=None).select_related("library")
        self.names = ToolNames(ids, self._digests())
        self.places = _grouped(places.order_by("library__name", "path_text"))
        self.components = _grouped(Component.objects.filter(variant__in=ids).defer("fingerprint").order_by("name"))
        beside = ("pk", "tensor_index__tensors", "preview__width", "preview__height")
        told = list(Variant.objects.filter(pk__in=ids).values_list(*beside))
        self.tensors = {pk: tensors for pk, tensors, *_size in told}
        self.previews = {pk: Picture(pk, width, height) for pk, _tensors, width, height in told if width}

    def _digests(self) -> Mapping[UUID, str]:
        """The SHA-256 of the first file of each."""
        first = {files[0].pk for files in self.files.values()}
        rows = (row for rows in self.hashes.values() for row in rows if row.algorithm == Algorithm.SHA256)
        return {row.variant_id: bytes(row.digest).hex() for row in rows if row.file_id in first}

    def is_here(self, variant: UUID) -> bool:
        return any(place.state in _HERE for place in self.places[variant])

    def view(self, row: Variant, within: Within, *, reference: bool) -> VariantView:
        files, hashes, claims = self.files[row.pk], self.hashes[row.pk], self.claims[row.pk]
        single = files[0].pk if len(files) == 1 else None
        own = [one for one in hashes if one.file_id is None or one.file_id == single]
        return VariantView(
            row=row,
            name=self._name(row, files),
            here=self.is_here(row.pk),
            lines=lines_of(own, claims if single else claims_of(None, claims)),
            files=() if single else tuple(_file_lines(file, hashes, claims) for file in files),
            places=tuple(_place(place, self.names.of(place, kind=row.kind)) for place in self.places[row.pk]),
            components=tuple(self.components[row.pk]),
            tensors=self.tensors.get(row.pk),
            within=within,
            facts=facts(row, self.model),
            preview=self.previews.get(row.pk),
            reference=reference,
        )

    def _name(self, row: Variant, files: Sequence[VariantFile]) -> str:
        """Where it is found: the last part of its path; of a remembered one, its first file."""
        places = self.places[row.pk]
        if places:
            return str(places[0]).rstrip("/").rsplit("/", 1)[-1] or places[0].library.name
        return str(files[0]) if files else ""


def _grouped(rows: Iterable[object]) -> Mapping[UUID, list]:  # type: ignore[type-arg]  # rows of several tables
    groups: dict[UUID, list[object]] = defaultdict(list)
    for row in rows:
        groups[row.variant_id].append(row)  # type: ignore[attr-defined]  # every one of these tables has it
    return groups


def _file_lines(file: VariantFile, hashes: Sequence[ModelHash], claims: Sequence[HashClaim]) -> FileLines:
    own = [one for one in hashes if one.file_id == file.pk]
    return FileLines(str(file), file.size, file.role, lines_of(own, claims_of(file, claims)))


def _place(row: Location, tool_name: str) -> Place:
    return Place(
        id=row.pk,
        library_id=row.library_id,
        library=row.library.name,
        path=str(row),
        without_set=row.path_text,
        layout=row.layout,
        tool_name=tool_name,
        state=row.state,
        stage=row.stage,
        reading=row.lease is not None,
        done=row.done_bytes,
        size=row.size,
        hashed_at=row.hashed_at,
        verified_at=row.verified_at,
        missing_since=row.missing_since,
    )


def _precisions(views: Sequence[VariantView]) -> tuple[tuple[str, int], ...]:
    """The columns of the grid: heavy to light."""
    found = {(view.row.precision, view.row.bits) for view in views}
    return tuple(sorted(found, key=lambda one: (-one[1], one[0])))


def _grid(views: Sequence[VariantView]) -> tuple[tuple[str, tuple[Cell, ...]], ...]:
    cells: dict[tuple[str, str, int], list[VariantView]] = defaultdict(list)
    for view in views:
        cells[view.row.format, view.row.precision, view.row.bits].append(view)
    columns = _precisions(views)
    formats = dict.fromkeys(view.row.format for view in views)
    return tuple(
        (name, tuple(Cell(precision, tuple(cells[name, precision, bits])) for precision, bits in columns))
        for name in formats
    )
