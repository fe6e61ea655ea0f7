"""Jobs: what runs and what ran, how far it is, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.paginator import Paginator
from django.http import Http404

from catalog.admin.pages import live
from catalog.admin.pages.base import action, attempt, back, page, render
from catalog.models import Job
from catalog.queries import work
from catalog.services import jobs
from catalog.tasks import nudge
from catalog.vocabulary import JobKind, JobState

if TYPE_CHECKING:
    from collections.abc import Callable
    from uuid import UUID

    from django.http import HttpRequest, HttpResponse

_PER_PAGE = 30
LIST_PARTS = {"jobs": "catalog/parts/jobs.html"}
PAGE_PARTS = {"job": "catalog/parts/job.html"}
ACTIONS: dict[str, tuple[Callable[..., Job], str]] = {
    "cancel": (jobs.cancel, "Cancelled: {job}."),
    "pause": (jobs.pause, "Paused: {job}."),
    "resume": (jobs.resume, "Goes on: {job}."),
    "retry": (jobs.retry, "Queued again: {job}."),
}


@page("catalog.view_job")
def index(request: HttpRequest) -> HttpResponse:
    """Jobs, open ones first, then the latest; of one state or of all."""
    context = _listed(request)
    return render(request, "catalog/jobs.html", "Jobs", section="jobs", states=work.states(), **context)


@page("catalog.view_job")
def poll_index(request: HttpRequest) -> HttpResponse:
    """The list, anew."""
    context = _listed(request)
    return live.answer(request, LIST_PARTS, context)


@page("catalog.view_job")
def show(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """One job with its report."""
    context = _one(job_id)
    title = _title(context["view"].job)
    crumbs = [("Jobs", "/jobs/")]
    return render(request, "catalog/job.html", title, section="jobs", crumbs=crumbs, **context)


@page("catalog.view_job")
def poll(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """One job, anew."""
    context = _one(job_id)
    return live.answer(request, PAGE_PARTS, context)


@action("catalog.change_job")
def act(request: HttpRequest, job_id: UUID, verb: str) -> HttpResponse:
    """Cancel, pause, resume or retry."""
    if verb not in ACTIONS:
        raise Http404
    view = work.find(job_id)
    if view is None:
        raise Http404
    service, said = ACTIONS[verb]
    attempt(request, lambda: _then_wake(service(job_id=job_id), verb), said.format(job=_title(view.job)))
    return back(request, "admin:jobs")


def _then_wake(job: Job, verb: str) -> None:
    if verb in ("resume", "retry"):
        nudge(job)


def _listed(request: HttpRequest) -> dict[str, Any]:
    chosen = request.GET.get("state", "")
    rows = Job.objects.order_by("finished_at", "-created_at")
    rows = rows.filter(state=chosen) if chosen in JobState.values() else rows
    sheet = Paginator(rows.order_by("-created_at", "pk"), _PER_PAGE).get_page(request.GET.get("page"))
    shown = Job.objects.filter(pk__in=[job.pk for job in sheet.object_list])
    views = work.views(shown)
    return {"jobs": views, "busy": any(view.open for view in views), "sheet": sheet, "chosen": chosen}


def _one(job_id: UUID) -> dict[str, Any]:
    view = work.find(job_id)
    if view is None:
        raise Http404("No job has this id.")
    return {"view": view, "busy": view.open, "scan": work.scan_words(view.job.report)}


def _title(job: Job) -> str:
    return f"{JobKind.label_of(job.kind)} {job.library.name if job.library else ''}".strip()
