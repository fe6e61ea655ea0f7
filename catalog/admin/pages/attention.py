"""Needs attention: what is wrong, where, since when, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.paginator import Paginator
from django.http import Http404

from catalog.admin.pages.base import action, attempt, back, page, render
from catalog.models import Finding
from catalog.queries import attention
from catalog.services import jobs
from catalog.tasks import wake

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

_PER_PAGE = 50


@page("catalog.view_finding")
def index(request: HttpRequest) -> HttpResponse:
    """Open findings, the gravest first; of one group, of one sort, or of all."""
    sorts = attention.sorts()
    groups = attention.grouped(sorts)
    chosen = next((sort for sort in sorts if sort.code == request.GET.get("sort")), None)
    wanted = chosen.weight if chosen else request.GET.get("group", "")
    group = next((one for one in groups if one.weight == wanted), None)
    rows = attention.open_rows(code=chosen.code if chosen else "", group=group.weight if group else "")
    sheet = Paginator(rows, _PER_PAGE).get_page(request.GET.get("page"))
    return render(
        request,
        "catalog/attention.html",
        "Needs attention",
        section="attention",
        groups=groups,
        group=group,
        total=sum(sort.count for sort in sorts),
        chosen=chosen,
        sheet=sheet,
        findings=attention.items(sheet.object_list),
    )


@action("catalog.change_library")
def retry(request: HttpRequest, finding_id: int) -> HttpResponse:
    """Tries the file of a finding once more."""
    finding = Finding.objects.select_related("location__library").filter(pk=finding_id, cleared_at=None).first()
    if finding is None or finding.location is None:
        raise Http404("This is settled already.")
    location = finding.location

    def again() -> None:
        jobs.retry_location(location_id=location.pk)
        wake(location.library.queue)

    attempt(request, again, f"{location} will be read again.")
    return back(request, "admin:attention")
