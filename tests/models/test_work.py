"""The rules of findings, jobs and sums that the database keeps by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from catalog.models import Finding, Job, StorageTotal
from catalog.vocabulary import FindingCode, JobKind, JobState
from tests import rows

if TYPE_CHECKING:
    from tests.models.conftest import Refused

pytestmark = pytest.mark.django_db


def test_a_finding_is_open_once_for_its_subject(refused: Refused) -> None:
    library = rows.library()
    finding = Finding.objects.create(code=FindingCode.SEEN_TWICE, library=library)
    with refused("finding_open_once"):
        Finding.objects.create(code=FindingCode.SEEN_TWICE, library=library)
    Finding.objects.create(code=FindingCode.SEEN_TWICE, library=library, place="elsewhere")
    Finding.objects.filter(pk=finding.pk).update(cleared_at=timezone.now())
    Finding.objects.create(code=FindingCode.SEEN_TWICE, library=library)


@pytest.mark.parametrize("part", [None, b"lora"])
def test_a_job_is_open_once(refused: Refused, part: bytes | None) -> None:
    library = rows.library()
    job = Job.objects.create(kind=JobKind.SCAN, library=library, part=part)
    with refused("job_open_once"):
        Job.objects.create(kind=JobKind.SCAN, library=library, part=part, state=JobState.PAUSED)
    Job.objects.create(kind=JobKind.SCAN, library=library, part=b"another part")
    Job.objects.create(kind=JobKind.VERIFY, library=library, part=part)
    Job.objects.filter(pk=job.pk).update(state=JobState.DONE)
    Job.objects.create(kind=JobKind.SCAN, library=library, part=part)


def test_kinds_and_states_of_jobs_are_those_of_the_vocabulary(refused: Refused) -> None:
    with refused("job_kind_is_known"):
        Job.objects.create(kind="nap", library=rows.library())
    with refused("job_state_is_known"):
        Job.objects.create(kind=JobKind.SCAN, library=rows.library(), state="tired")


def test_a_sum_is_kept_once(refused: Refused) -> None:
    what = {"format": "gguf", "precision": "Q4_K_M", "kind": "llm", "base": "llama", "state": "present"}
    for number in range(2):
        if number:
            with refused("total_once"):
                _total(what)
        else:
            _total(what)
    _total(what | {"state": "missing"})


def _total(what: dict[str, str]) -> None:
    StorageTotal.objects.create(library=rows.library(), variants=1, locations=1, bytes=1, **what)


def test_what_a_row_says_of_itself() -> None:
    finding = Finding.objects.create(code=FindingCode.EMPTY, library=rows.library())
    assert str(finding) == FindingCode.EMPTY.heading
    assert str(Finding(code="of_a_newer_release")) == "of_a_newer_release"
    assert str(Job(kind=JobKind.SCAN, library=rows.library())) == "Scan /models"
