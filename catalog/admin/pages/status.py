"""How the installation is: versions, workers, queues, and how to reach the monitor of the workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

from catalog.admin.pages.base import page, render
from catalog.queries import parts
from config.programs import flower_access

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@page("catalog.view_job")
def show(request: HttpRequest) -> HttpResponse:
    """For staff. Whoever may not stop jobs does not get the monitor's password either: it can stop workers."""
    return render(
        request,
        "catalog/status.html",
        "Status",
        section="status",
        versions=parts.versions(),
        workers=parts.workers(),
        queues=parts.queues(),
        flower=flower_access() if request.user.has_perm("catalog.change_job") else None,
        data=settings.ISOTOPE_DATA,
        folders=settings.ISOTOPE_FOLDERS,
    )
