"""One model: what it is, its variants with hashes and places, its tensors, and decisions taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect

from catalog.admin.pages.base import action, attempt, back, form, page, render
from catalog.models import Decision, Match, Variant
from catalog.queries import model_page, records
from catalog.services.identity import deciding, editing
from catalog.vocabulary import Outcome

if TYPE_CHECKING:
    from uuid import UUID

    from django.core.paginator import Page
    from django.http import HttpRequest

_TENSORS = 100
_DIGITS = 9


@page("catalog.view_modelrecord")
def show(request: HttpRequest, model_id: UUID) -> HttpResponse:
    """The page of a model; the id of one that was merged leads to what it became."""
    model = model_page.find(model_id)
    if model is None:
        raise Http404("No model has this id.")
    if model.merged_into is not None:
        return redirect("admin:catalog_modelrecord_change", model.merged_into.pk)
    shown = model_page.page(model)
    crumbs = [("Models", "/models/")]
    return render(request, "catalog/model.html", str(model), section="models", page=shown, model=model, crumbs=crumbs)


@page("catalog.view_modelrecord")
def variant(request: HttpRequest, variant_id: UUID) -> HttpResponse:
    """A variant's id leads to its place on the page of its model."""
    row = Variant.objects.select_related("merged_into").filter(pk=variant_id).first()
    if row is None:
        raise Http404("No variant has this id.")
    live = row.merged_into or row
    page_of_model = redirect("admin:catalog_modelrecord_change", live.model_id)
    page_of_model["Location"] += f"#v-{live.short_id}"
    return page_of_model


@page("catalog.view_modelrecord")
def tensors(request: HttpRequest, variant_id: UUID) -> HttpResponse:
    """Names, types and shapes, a page at a time; of a variant without them, why there are none."""
    row = Variant.objects.select_related("model").filter(pk=variant_id, merged_into=None).first()
    if row is None:
        raise Http404("No variant has this id.")
    dtype = request.GET.get("dtype", "")
    found, sheet = _sheet(row, dtype, request.GET.get("page", ""))
    model_url = f"/models/{row.model.pk}/"
    return render(
        request,
        "catalog/tensors.html",
        "Tensors",
        section="models",
        crumbs=[("Models", "/models/"), (str(row.model), model_url)],
        variant=row,
        found=found,
        sheet=sheet,
        dtype=dtype,
        files=[str(file) for file in row.files.filter(merged_into=None).order_by("position")],
    )


def _sheet(row: Variant, dtype: str, asked: str) -> tuple[records.Tensors | None, Page[int]]:
    """One page of the tensors; the last one for whoever asks beyond it. None where there are no tensors to show."""
    number = int(asked) if asked.isdecimal() and len(asked) <= _DIGITS else 1

    def slice_of(number: int) -> records.Tensors | None:
        start = max(0, number - 1) * _TENSORS
        return records.tensors(row.pk, offset=start, limit=_TENSORS, dtype=dtype)

    found = None if row.outcome == Outcome.UNSAFE else slice_of(number)
    sheet = Paginator(range(found.total if found else 0), _TENSORS).get_page(asked)
    return found if found is None or sheet.number == number else slice_of(sheet.number), sheet


@form("catalog.delete_modelrecord")
def forget(request: HttpRequest, model_id: UUID) -> HttpResponse:
    """Asks first; then clears what people wrote. The id and what files prove stay."""
    model = model_page.find(model_id)
    if model is None or model.merged_into is not None:
        raise Http404("No model has this id.")
    if request.method == "POST":
        attempt(
            request, lambda: editing.forget(model), "Forgotten: its name, source, licence, tags and notes are gone."
        )
        return redirect("admin:catalog_modelrecord_change", model.pk)
    crumbs = [("Models", "/models/"), (str(model), f"/models/{model.pk}/")]
    return render(request, "catalog/forget.html", f"Forget {model}?", section="models", model=model, crumbs=crumbs)


@action("catalog.change_modelrecord")
def decide(request: HttpRequest, match_id: int) -> HttpResponse:
    """Two models that hold the same weights: one model, or not the same. Either can be undone."""
    match = Match.objects.select_related("left__model", "right__model").filter(pk=match_id).first()
    if match is None:
        raise Http404("No relation has this number.")
    sides = sorted((match.left, match.right), key=lambda one: (not one.model.touched, one.model.number))
    stays, goes = sides
    if request.POST.get("verdict") == "same":
        done = f"One model now: {stays.model}. Both ids keep answering."
        attempt(request, lambda: deciding.merge(models=[goes.model], into=stays.model, user=request.user), done)
        return redirect("admin:catalog_modelrecord_change", stays.model.pk)
    attempt(
        request,
        lambda: deciding.not_same(left=stays, right=goes, user=request.user),
        "Kept apart: Isotope will not propose to join the two again.",
    )
    return back(request, "admin:catalog_modelrecord_change", stays.model.pk)


@action("catalog.change_modelrecord")
def undo(request: HttpRequest, decision_id: int) -> HttpResponse:
    """Takes a decision back."""
    decision = Decision.objects.filter(pk=decision_id).first()
    if decision is None:
        raise Http404("No decision has this number.")
    attempt(
        request,
        lambda: deciding.undo(decision=decision, user=request.user),
        "Undone. Isotope will not do the same again by itself.",
    )
    return back(request, "admin:catalog_modelrecord_changelist")
