"""Jobs: what runs, how far it is, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal
from uuid import UUID

from django.http import HttpRequest
from ninja import Query, Router, Status
from ninja.errors import HttpError

from catalog.api.auth import require
from catalog.api.schemas import REFUSALS, JobOut, JobsIn
from catalog.errors import NotFound, Refused
from catalog.models import Job
from catalog.queries import records
from catalog.services import jobs
from catalog.tasks import nudge

router = Router(tags=["jobs"])
ACTIONS: dict[str, Callable[..., Job]] = {
    "cancel": jobs.cancel,
    "pause": jobs.pause,
    "resume": jobs.resume,
    "retry": jobs.retry,
}


@router.get("", response={200: list[JobOut], **REFUSALS}, summary="List jobs, newest first")
def list_jobs(request: HttpRequest, asked: Query[JobsIn]) -> list[records.JobRow]:
    require(request, "catalog.view_job")
    return records.jobs(state=asked.state, limit=asked.limit)


@router.get("/{job_id}", response={200: JobOut, **REFUSALS}, summary="One job")
def get_job(request: HttpRequest, job_id: UUID) -> records.JobRow:
    require(request, "catalog.view_job")
    job = Job.objects.filter(pk=job_id).first()
    if job is None:
        raise HttpError(404, "No job has this id.")
    return records.job_row(job)


@router.post(
    "/{job_id}/{action}",
    response={200: JobOut, **REFUSALS},
    summary="Cancel, pause, resume or retry a job",
)
def act(
    request: HttpRequest, job_id: UUID, action: Literal["cancel", "pause", "resume", "retry"]
) -> Status[records.JobRow]:
    require(request, "catalog.change_job")
    try:
        job = ACTIONS[action](job_id=job_id)
    except NotFound as missing:
        raise HttpError(404, "No job has this id.") from missing
    except Refused as refused:
        raise HttpError(409, str(refused)) from refused
    nudge(job)
    return Status(200, records.job_row(job))
