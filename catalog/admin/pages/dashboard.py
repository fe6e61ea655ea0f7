"""The dashboard: four numbers, what the bytes are made of, what is being hashed, what needs attention, the folders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from catalog.admin import charts
from catalog.admin.pages import live
from catalog.admin.pages.base import page, render
from catalog.queries import attention, comparing, dashboard, work
from catalog.services import offers

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

_FINDINGS = 4
PARTS = {
    "numbers": "catalog/parts/numbers.html",
    "storage": "catalog/parts/storage.html",
    "hashing": "catalog/parts/hashing.html",
    "findings": "catalog/parts/findings.html",
    "folders": "catalog/parts/folders.html",
}


@page("catalog.view_modelrecord")
def show(request: HttpRequest) -> HttpResponse:
    """The start page; with no library folder yet, the one question where the models are."""
    context = gathered()
    if not context["folders"]:
        found = offers.current() if request.user.has_perm("catalog.add_library") else ()
        title = "Where are your models?"
        return render(request, "catalog/first_run.html", title, section="dashboard", offers=found)
    return render(request, "catalog/dashboard.html", "Dashboard", section="dashboard", parts=PARTS, **context)


@page("catalog.view_modelrecord")
def poll(request: HttpRequest) -> HttpResponse:
    """The parts of the dashboard, anew."""
    context = gathered()
    now: work.Now = context["now"]
    return live.answer(request, PARTS, context, percent=now.percent)


def gathered() -> dict[str, Any]:
    """Everything that the dashboard shows."""
    cells = dashboard.storage()
    rows = attention.open_rows()[:_FINDINGS]
    folders, now = dashboard.folders(), work.now()
    bars, compared = charts.storage_bars(cells), comparing.waiting()
    return {
        "numbers": dashboard.numbers(cells),
        "bars": bars,
        "drawn": bars[: charts.SHOWN_FORMATS],
        "beyond": charts.beyond(bars),
        "legend": charts.legend(cells),
        "waiting": dashboard.waiting_headers(),
        "now": now,
        "comparing": compared,
        "busy": bool(now.jobs) or compared.any,
        "findings": attention.items(rows),
        "folders": folders,
        "last_scan": max((row.library.last_scan_at for row in folders if row.library.last_scan_at), default=None),
    }
