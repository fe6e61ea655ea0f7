"""The look-up: paste anything, see what it is and how it was recognised."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.admin.pages.base import page, render
from catalog.queries import lookup

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

_SHOWN = 100


@page("catalog.view_modelrecord")
def show(request: HttpRequest) -> HttpResponse:
    """The same answer as the command line and the API give."""
    answer = lookup.find(request.GET.get("q", ""))
    return render(
        request,
        "catalog/lookup.html",
        "Look-up",
        section="lookup",
        answer=answer,
        hits=answer.hits[:_SHOWN],
        models=len({hit.model for hit in answer.hits}),
    )
