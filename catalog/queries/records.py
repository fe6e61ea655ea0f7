"""Models, variants, libraries and jobs as plain rows for programs: frozen, digests and paths printed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.urls import reverse

from catalog.formats.packing import Unpacked, unpack
from catalog.models import ExternalId, Job, Library, ModelRecord, Preview, TensorIndex, Variant
from catalog.queries import external
from catalog.queries.facets import FACETS, narrowed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

    from django_stubs_ext import WithAnnotations

    from catalog.queries.external import Known


@dataclass(frozen=True, slots=True)
class Filters:
    """What a list of models is narrowed to; an empty word narrows nothing, `none` finds what has no such thing."""

    name: str = ""
    kind: str = ""
    base: str = ""
    format: str = ""
    precision: str = ""
    quantisation: str = ""
    layout: str = ""
    trait: str = ""
    state: str = ""
    library: int | None = None


@dataclass(frozen=True, slots=True)
class ModelRow:
    id: UUID
    number: int
    name: str
    version_name: str
    kind: str
    base: str
    variants: int
    size: int


@dataclass(frozen=True, slots=True)
class Page:
    """`next` is the `after` of the following page."""

    items: list[ModelRow]
    next: int | None


def page(*, filters: Filters, after: int | None, limit: int) -> Page:
    """Live models, newest first, below number `after`."""
    rows = _narrowed(filters)
    if after is not None:
        rows = rows.filter(number__lt=after)
    found = list(_counted(rows).order_by("-number")[: limit + 1])
    items = [_model_row(row) for row in found[:limit]]
    return Page(items, items[-1].number if len(found) > limit else None)


@dataclass(frozen=True, slots=True)
class ModelDetail:
    id: UUID
    number: int
    name: str
    name_source: str
    version_name: str
    kind: str
    base: str
    variants: int
    size: int
    licence: str
    source: str
    tags: list[str]
    trigger_words: list[str]
    notes: str
    created_at: datetime
    merged_from: list[UUID]
    variant_ids: list[UUID]
    external_ids: list[Known]
    preview: str | None


def model(model_id: UUID) -> ModelDetail | None:
    """The live model behind an id; None when the id was never given out."""
    given = ModelRecord.objects.filter(pk=model_id).first()
    if given is None:
        return None
    row = _counted(ModelRecord.objects.filter(pk=given.merged_into_id or given.pk)).get()
    variants = list(row.variants.filter(merged_into=None).order_by("number").values_list("pk", flat=True))
    ids = ExternalId.objects.filter(Q(model=row) | Q(variant__in=variants))
    pictured = set(Preview.objects.filter(variant__in=variants).values_list("variant", flat=True))
    return ModelDetail(
        id=row.pk,
        number=row.number,
        name=row.name,
        name_source=row.name_source,
        version_name=row.version_name,
        kind=row.kind,
        base=row.base,
        variants=row.variant_count,
        size=row.variant_bytes,
        licence=row.licence,
        source=row.source,
        tags=list(row.tags),
        trigger_words=list(row.trigger_words),
        notes=row.notes,
        created_at=row.created_at,
        merged_from=list(row.aliases.order_by("number").values_list("pk", flat=True)),
        variant_ids=variants,
        external_ids=list(external.known(ids)),
        preview=next((preview_url(pk) for pk in variants if pk in pictured), None),
    )


def preview_url(variant_id: UUID) -> str:
    """Where the picture of a variant is to be had, below the address of the site."""
    return reverse("admin:preview", args=[variant_id])


@dataclass(frozen=True, slots=True)
class Tensors:
    """A slice of a variant's tensor index, and the metadata of its header. `total` counts those of the chosen dtype."""

    total: int
    tensors: list[dict[str, object]]
    metadata: Mapping[str, object]
    dtypes: Mapping[str, int]
    """How many tensors there are of each dtype, the most frequent first."""


def tensors(variant_id: UUID, *, offset: int, limit: int, dtype: str = "") -> Tensors | None:
    """None when the variant is unknown or no reader could list its tensors. `dtype` narrows to one."""
    live = Variant.objects.filter(pk=variant_id).values_list("merged_into", flat=True).first() or variant_id
    row = TensorIndex.objects.filter(variant=live).first()
    if row is None:
        return None
    index = unpack(bytes(row.packed))
    chosen = [at for at, tensor in enumerate(index.tensors) if not dtype or tensor.dtype == dtype]
    return Tensors(
        total=len(chosen),
        tensors=[_tensor_row(index, at) for at in chosen[offset : offset + limit]],
        metadata=index.metadata,
        dtypes=dict(Counter(tensor.dtype for tensor in index.tensors).most_common()),
    )


def _tensor_row(index: Unpacked, at: int) -> dict[str, object]:
    tensor = index.tensors[at]
    return {
        "name": tensor.name,
        "dtype": tensor.dtype,
        "shape": list(tensor.shape),
        "offset": tensor.offset,
        "bytes": tensor.nbytes,
        "file": tensor.file,
        "digest": index.digests[at].hex() if index.digests else None,
        "stored": tensor.stored._asdict() if tensor.stored else None,
    }


@dataclass(frozen=True, slots=True)
class LibraryRow:
    id: int
    name: str
    path: str
    queue: str
    layout: str
    managed: bool
    read_only: bool
    online: bool
    paused: bool
    last_scan_at: datetime | None
    last_report: Mapping[str, object]


def libraries() -> list[LibraryRow]:
    """Every library folder that was not removed, by name."""
    return [library_row(row) for row in Library.objects.filter(removed_at=None).order_by("name", "pk")]


def library_row(row: Library) -> LibraryRow:
    return LibraryRow(
        id=row.pk,
        name=row.name,
        path=row.path_text,
        queue=row.queue,
        layout=row.layout,
        managed=row.managed,
        read_only=row.read_only,
        online=row.online,
        paused=row.paused,
        last_scan_at=row.last_scan_at,
        last_report=row.last_report,
    )


@dataclass(frozen=True, slots=True)
class JobRow:
    id: UUID
    kind: str
    library: int | None
    state: str
    bytes_done: int
    bytes_total: int
    files_done: int
    files_total: int
    error: str
    report: Mapping[str, object]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


def jobs(*, state: str, limit: int) -> list[JobRow]:
    """Jobs, newest first, of one state or of all."""
    rows = Job.objects.order_by("-created_at")
    return [job_row(row) for row in (rows.filter(state=state) if state else rows)[:limit]]


def job_row(row: Job) -> JobRow:
    return JobRow(
        id=row.pk,
        kind=row.kind,
        library=row.library_id,
        state=row.state,
        bytes_done=row.bytes_done,
        bytes_total=row.bytes_total,
        files_done=row.files_done,
        files_total=row.files_total,
        error=row.error,
        report=row.report,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
    )


def _narrowed(filters: Filters) -> QuerySet[ModelRecord]:
    rows = ModelRecord.objects.filter(merged_into=None)
    if filters.name:
        rows = rows.filter(name__icontains=filters.name)
    asked = {name: getattr(filters, name) for name in FACETS if getattr(filters, name)}
    rows = narrowed(rows, {name: str(value) for name, value in asked.items()})
    if filters.trait:
        told = Variant.objects.filter(merged_into=None, traits__contains=[filters.trait])
        rows = rows.filter(pk__in=told.values("model"))
    return rows


class _Counts(TypedDict):
    variant_count: int
    variant_bytes: int


def _counted(rows: QuerySet[ModelRecord]) -> QuerySet[WithAnnotations[ModelRecord, _Counts]]:
    """Adds `variant_count` and `variant_bytes`, each a subquery over the index on `model`."""
    live = Variant.objects.filter(model=OuterRef("pk"), merged_into=None).order_by().values("model")
    return rows.annotate(
        variant_count=Coalesce(Subquery(live.annotate(n=Count("pk")).values("n")), 0, output_field=IntegerField()),
        variant_bytes=Coalesce(Subquery(live.annotate(n=Sum("size")).values("n")), 0),
    )


def _model_row(row: WithAnnotations[ModelRecord, _Counts]) -> ModelRow:
    return ModelRow(
        id=row.pk,
        number=row.number,
        name=row.name,
        version_name=row.version_name,
        kind=row.kind,
        base=row.base,
        variants=row.variant_count,
        size=row.variant_bytes,
    )
