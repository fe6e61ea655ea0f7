"""Library folders: the list, one of them, and what can be done with it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect

from catalog.admin.pages import live
from catalog.admin.pages.base import action, attempt, back, form, page, render
from catalog.errors import PathRefused, Refused
from catalog.models import Job, Library
from catalog.queries import attention, dashboard, imported, work
from catalog.services import jobs, offers
from catalog.services import libraries as folders
from catalog.services.library_settings import set_paused
from catalog.storage.keys import path_text
from catalog.tasks import nudge, start_scan, wake

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

_JOBS = 8
_FINDINGS = 20
_MOST_AT_ONCE = 100
LIST_PARTS = {"folders": "catalog/parts/folders.html"}
PAGE_PARTS = {"work": "catalog/parts/library_work.html"}


@page("catalog.view_library")
def index(request: HttpRequest) -> HttpResponse:
    """Every library folder, and a box to add one."""
    may_add = request.user.has_perm("catalog.add_library")
    found = offers.current() if may_add else ()
    return render(request, "catalog/libraries.html", "Library folders", section="libraries", offers=found, **_all())


@page("catalog.view_library")
def poll_index(request: HttpRequest) -> HttpResponse:
    """The list, anew."""
    return live.answer(request, LIST_PARTS, _all())


@page("catalog.view_library")
def show(request: HttpRequest, library_id: int) -> HttpResponse:
    """One library folder: what it holds, how its last scan went, what is being done, what is wrong."""
    library = _library(library_id)
    folder = next(row for row in dashboard.folders() if row.library.pk == library.pk)
    rows = attention.open_rows(library_id=library.pk)
    return render(
        request,
        "catalog/library.html",
        library.name,
        section="libraries",
        folder=folder,
        library=library,
        scan=work.scan_words(library.last_report),
        imported=imported.imported(library.pk),
        findings=attention.items(rows[:_FINDINGS]),
        limited=[path_text(name) for name in folders.limited_to(library)],
        **_work(library),
    )


@page("catalog.view_library")
def poll(request: HttpRequest, library_id: int) -> HttpResponse:
    """What is being done in one library folder, anew."""
    return live.answer(request, PAGE_PARTS, _work(_library(library_id)))


@action("catalog.add_library")
def add(request: HttpRequest) -> HttpResponse:
    """Adds what was ticked, the folder that was named, and those of a pasted file, and scans them."""
    wanted = _wanted(request)
    added = [library for path in wanted if (library := _added(request, path)) is not None]
    for library in added:
        start_scan(library_id=library.pk, user=request.user)
    if not added:
        return back(request, "admin:libraries")
    named = ", ".join(library.path_text for library in added)
    one = len(added) == 1
    are, their = ("is a library folder", "its scan has") if one else ("are library folders", "their scans have")
    messages.success(request, f"{named} {are} now; {their} begun.")
    return redirect("admin:index")


@action("catalog.change_library")
def scan(request: HttpRequest, library_id: int) -> HttpResponse:
    """Walks the folder again."""
    library = _library(library_id)
    start_scan(library_id=library.pk, user=request.user)
    messages.success(request, f"The scan of {library} is queued.")
    return back(request, "admin:library", library.pk)


@action("catalog.change_library")
def scan_all(request: HttpRequest) -> HttpResponse:
    """Walks every library folder again."""
    rows = list(Library.objects.filter(removed_at=None))
    for library in rows:
        start_scan(library_id=library.pk, user=request.user)
    messages.success(
        request, "The scan of every library folder is queued." if rows else "There is no library folder yet."
    )
    return back(request, "admin:index")


@action("catalog.change_library")
def verify(request: HttpRequest, library_id: int) -> HttpResponse:
    """Reads every hashed file again and compares."""
    library = _library(library_id)
    nudge(jobs.request_verify(library_id=library.pk, user=request.user))
    messages.success(request, f"Every hashed file of {library} will be read again and compared.")
    return back(request, "admin:library", library.pk)


@action("catalog.change_library")
def pause(request: HttpRequest, library_id: int) -> HttpResponse:
    """Stops hashing in the folder, or lets it go on."""
    library = _library(library_id)
    wanted = request.POST.get("paused") == "yes"
    said = f"Hashing in {library} {'is paused' if wanted else 'goes on'}."
    if attempt(request, lambda: set_paused(library_id=library.pk, paused=wanted), said) and not wanted:
        wake(library.queue)
    return back(request, "admin:library", library.pk)


@form("catalog.delete_library")
def remove(request: HttpRequest, library_id: int) -> HttpResponse:
    """Asks first; then hides the folder. No file is touched, and what was learnt is kept."""
    library = _library(library_id)
    if request.method != "POST":
        return render(
            request,
            "catalog/library_remove.html",
            f"Remove {library}?",
            section="libraries",
            library=library,
            crumbs=_crumbs(library),
        )
    folders.remove(library)
    messages.success(
        request, f"{library} is removed. Its models are remembered; add the folder again to bring them back."
    )
    return redirect("admin:libraries")


def _wanted(request: HttpRequest) -> list[str]:
    """Whole paths; what is no such is told."""
    ticked, typed = request.POST.getlist("offer"), _text(request, "path")
    pasted: tuple[str, ...] = ()
    if text := _text(request, "yaml"):
        try:
            pasted = offers.named_in(text)
        except Refused as problem:
            messages.error(request, str(problem))
        else:
            if not pasted:
                messages.error(request, "This text names no folder by its whole path, so there is nothing to add.")
    if typed or not (ticked or text):
        ticked = [*ticked, typed]
    return list(dict.fromkeys([*ticked, *pasted]))[:_MOST_AT_ONCE]


def _text(request: HttpRequest, name: str) -> str:
    return request.POST.get(name, "").strip().replace("\0", "")


def _added(request: HttpRequest, path: str) -> Library | None:
    if not path.startswith("/"):
        messages.error(request, "Give the whole path of the folder, beginning with a slash: /home/you/models.")
        return None
    try:
        raw = os.fsencode(path)
        folders.check_allowed(path=raw)
        return folders.add(path=raw)
    except (PathRefused, ValueError) as problem:
        messages.error(request, str(problem))
        return None


def _all() -> dict[str, Any]:
    rows = dashboard.folders()
    return {"folders": rows, "busy": any(row.scanning for row in rows)}


def _work(library: Library) -> dict[str, Any]:
    latest = Job.objects.filter(library=library).order_by("-created_at").values("pk")[:_JOBS]
    views = work.views(Job.objects.filter(pk__in=latest))
    return {"jobs": views, "busy": any(view.open for view in views)}


def _crumbs(library: Library) -> list[tuple[str, str]]:
    return [("Libraries", "/libraries/"), (library.name, f"/libraries/{library.pk}/")]


def _library(library_id: int) -> Library:
    library = Library.objects.filter(pk=library_id, removed_at=None).first()
    if library is None:
        raise Http404("No library folder has this number.")
    return library
