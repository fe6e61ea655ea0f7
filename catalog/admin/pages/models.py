"""One model: what it is, its variants with hashes and places, its tensors, and decisions taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect

from catalog.admin.pages.base import action, attempt, back, form, page, render
from catalog.models import Decision, Match, TensorIndex, Variant
from catalog.queries import model_page, records
from catalog.services.identity import deciding, editing

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpRequest

_TENSORS = 100


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
    """Names, types and shapes, a page at a time."""
    row = Variant.objects.select_related("model").filter(pk=variant_id, merged_into=None).first()
    total = TensorIndex.objects.filter(variant=variant_id).values_list("tensors", flat=True).first()
    sheet = Paginator(range(total or 0), _TENSORS).get_page(request.GET.get("page"))
    found = records.tensors(variant_id, offset=(sheet.number - 1) * _TENSORS, limit=_TENSORS)
    if row is None or found is None:
        raise Http404("Nothing is known of this variant's tensors.")
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
    )


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
