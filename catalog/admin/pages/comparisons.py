"""Two variants beside each other: what the one is to the other, and the table that shows why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect

from catalog.admin.pages.base import page, render
from catalog.admin.strip import strip
from catalog.matching import wording
from catalog.queries import comparison
from catalog.services.matching import showing
from catalog.vocabulary import TensorVerdict

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpRequest

_ROWS = 250


@page("catalog.view_modelrecord")
def show(request: HttpRequest, match_id: int) -> HttpResponse:
    """The evidence of a stored relation."""
    match = comparison.by_number(match_id)
    if match is None:
        raise Http404("No relation has this number.")
    kept = comparison.stored(match)
    if kept is None:
        return redirect("admin:compare", match.left_id, match.right_id)
    return _answer(request, kept)


@page("catalog.view_modelrecord")
def compare(request: HttpRequest, left_id: UUID, right_id: UUID) -> HttpResponse:
    """Any two variants: what is stored of them, else what their fingerprints say now."""
    found = showing.comparison(left_id, right_id)
    if found is None:
        raise Http404("Two variants are compared; one of these ids is not known.")
    return _answer(request, found)


def _answer(request: HttpRequest, found: comparison.Comparison) -> HttpResponse:
    wanted = request.GET.get("show", comparison.DIFFERING if found.differing else "")
    sheet = Paginator(found.rows(wanted), _ROWS).get_page(request.GET.get("page", ""))
    model = found.left.variant.model
    return render(
        request,
        "catalog/compare.html",
        "Compare",
        section="models",
        crumbs=[("Models", "/models/"), (str(model), f"/models/{model.pk}/")],
        found=found,
        evidence=found.evidence,
        said=wording.summary(found.evidence, _name(found.left), _name(found.right)),
        strip=strip(found.evidence.components),
        counts=[(verdict, count) for verdict, count in found.counts.items() if verdict != TensorVerdict.NOT_COMPARED],
        filters=_filters(found),
        wanted=wanted,
        sheet=sheet,
    )


def _filters(found: comparison.Comparison) -> list[tuple[str, str, int]]:
    """What the table can be narrowed to: the word in the address, its label, how many rows."""
    rows = [(verdict.value, verdict.label, count) for verdict, count in found.counts.items() if count]
    return [(comparison.DIFFERING, "differing", found.differing), ("", "all", len(found.evidence.rows)), *rows]


def _name(side: comparison.Side) -> str:
    return str(side.variant.model)
