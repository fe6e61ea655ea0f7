"""`jobs` lists the background work, and cancels, pauses, resumes and retries it."""

from __future__ import annotations

import pytest

from catalog.models import Job
from catalog.services import jobs
from catalog.vocabulary import JobState
from tests import rows
from tests.commands.running import run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def job() -> Job:
    return jobs.request_scan(library_id=rows.library().pk, part=b"loras")


def test_a_program_gets_a_line_for_each(job: Job) -> None:
    (row,) = run("jobs", "--json").rows

    assert {name: row[name] for name in ("id", "kind", "library", "part", "state", "files_done", "error")} == {
        "id": str(job.pk),
        "kind": "scan",
        "library": "/models",
        "part": "loras",
        "state": "waiting",
        "files_done": 0,
        "error": "",
    }


def test_a_person_sees_what_is_done_where(job: Job) -> None:
    out = run("jobs").out

    assert out.startswith(job.pk.hex[:8])
    assert out.rstrip().endswith("/models/loras")


def test_without_any_it_says_how_to_begin() -> None:
    assert "manage.py scan FOLDER" in run("jobs").err


@pytest.mark.parametrize("name", ["whole", "short"])
def test_a_job_is_cancelled_by_its_id_or_the_first_digits(job: Job, name: str) -> None:
    ran = run("jobs", "cancel", str(job.pk) if name == "whole" else job.pk.hex[:8], "--json")

    assert [row["state"] for row in ran.rows] == ["cancelled"]


def test_a_job_is_paused_and_resumed(job: Job) -> None:
    run("jobs", "pause", str(job.pk))
    job.refresh_from_db()
    paused = job.state
    run("jobs", "resume", str(job.pk))

    job.refresh_from_db()
    assert (paused, job.state) == (JobState.PAUSED, JobState.WAITING)


def test_an_ended_job_is_tried_again(job: Job) -> None:
    run("jobs", "cancel", str(job.pk))

    (row,) = run("jobs", "retry", str(job.pk), "--json").rows

    assert row["state"] == "waiting"
    assert row["id"] != str(job.pk)


def test_what_cannot_be_done_is_said(job: Job) -> None:
    ran = run("jobs", "resume", str(job.pk))

    assert ran.code == 2
    assert "not paused" in ran.err


@pytest.mark.parametrize("which", ["ffffffff", ""])
def test_a_job_that_never_was_is_not_found(job: Job, which: str) -> None:
    assert run("jobs", "cancel", which).code == 2


def test_digits_that_several_ids_begin_with_are_not_enough() -> None:
    for number in range(17):
        jobs.request_scan(library_id=rows.library(b"/%d" % number).pk)
    digits = {job.pk.hex[0] for job in Job.objects.all()}
    common = next(digit for digit in digits if sum(job.pk.hex[0] == digit for job in Job.objects.all()) > 1)

    ran = run("jobs", "cancel", common)

    assert ran.code == 2
    assert "Give more digits" in ran.err


def test_the_reason_of_a_failure_is_shown(job: Job) -> None:
    Job.objects.update(state=JobState.FAILED, error="The drive is gone.")

    assert "The drive is gone." in run("jobs").out
