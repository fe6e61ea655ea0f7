"""Models and variants, by id (aliases too), and the list of models."""

from __future__ import annotations

from typing import TypeVar
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router
from ninja.errors import HttpError

from catalog.api.auth import require
from catalog.api.schemas import REFUSALS, EditIn, FiltersIn, ModelOut, ModelPage, SliceIn, TensorsOut, VariantOut
from catalog.errors import Refused
from catalog.models import ModelRecord
from catalog.queries import records
from catalog.queries import variants as variant_rows
from catalog.services.identity import editing

T = TypeVar("T")
CHANGE = "catalog.change_modelrecord"
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


@models.patch("/{model_id}", response={200: ModelOut, **REFUSALS}, summary="Edit a model; an edit outlives every scan")
def edit_model(request: HttpRequest, model_id: UUID, body: EditIn) -> records.ModelDetail:
    require(request, CHANGE)
    model = _found(ModelRecord.objects.filter(pk=model_id).first())
    try:
        editing.edit(model=model, fields=body.dict(exclude_unset=True), user=request.user)
    except Refused as refused:
        raise HttpError(422, str(refused)) from refused
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
    return _found(records.tensors(variant_id, offset=part.offset, limit=part.limit, dtype=part.dtype))


def _found(value: T | None) -> T:
    if value is None:
        raise HttpError(404, "Nothing has this id.")
    return value
