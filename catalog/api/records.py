"""Models and variants, by id (aliases too), and the list of models."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router
from ninja.errors import HttpError

from catalog.api.auth import require
from catalog.api.schemas import REFUSALS, FiltersIn, ModelOut, ModelPage, SliceIn, TensorsOut, VariantOut
from catalog.queries import records
from catalog.queries import variants as variant_rows

T = TypeVar("T")
models = Router(tags=["models"])
variants = Router(tags=["variants"])


@models.get("", response={200: ModelPage, **REFUSALS}, summary="List models, newest first")
def list_models(request: HttpRequest, asked: Query[FiltersIn]) -> records.Page:
    require(request)
    words = asked.dict(exclude={"after", "limit"})
    return records.page(filters=records.Filters(**words), after=asked.after, limit=asked.limit)


@models.get(
    "/{model_id}", response={200: ModelOut, **REFUSALS}, summary="One model; an alias answers with the model it became"
)
def get_model(request: HttpRequest, model_id: UUID) -> records.ModelDetail:
    require(request)
    return _found(records.model(model_id))


@variants.get(
    "/{variant_id}", response={200: VariantOut, **REFUSALS}, summary="One variant with its hashes, files and places"
)
def get_variant(request: HttpRequest, variant_id: UUID) -> variant_rows.VariantDetail:
    require(request)
    return _found(variant_rows.variant(variant_id))


@variants.get("/{variant_id}/tensors", response={200: TensorsOut, **REFUSALS}, summary="The tensors of a variant")
def get_tensors(request: HttpRequest, variant_id: UUID, part: Query[SliceIn]) -> records.Tensors:
    require(request)
    return _found(records.tensors(variant_id, offset=part.offset, limit=part.limit))


def _found(value: T | None) -> T:
    if value is None:
        raise HttpError(404, "Nothing has this id.")
    return value
