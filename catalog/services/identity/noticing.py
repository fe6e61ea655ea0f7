"""Findings about the files of a batch: raised, seen again, or gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models.functions import Now

from catalog.models import Finding
from catalog.services import findings
from catalog.services.findings import Raised
from catalog.vocabulary import FindingCode

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from catalog.services.identity.places import Failed
    from catalog.services.identity.reading import Reading

OF_READING = frozenset(
    {
        FindingCode.EMPTY,
        FindingCode.TRUNCATED,
        FindingCode.MALFORMED,
        FindingCode.NOT_A_MODEL,
        FindingCode.HEADER_TOO_LARGE,
        FindingCode.FOREIGN_OBJECTS,
        FindingCode.UNSAFE,
        FindingCode.REACHES_OUTSIDE,
        FindingCode.EXTERNAL_DATA_MISSING,
        FindingCode.COMPRESSED,
        FindingCode.UNREADABLE,
        FindingCode.NOT_A_FILE,
        FindingCode.VANISHED,
        FindingCode.CHANGING,
        FindingCode.MISSING_SHARD,
        FindingCode.READER_FAILED,
        FindingCode.LINK_LEAVES,
        FindingCode.DISK_READ_ERROR,
    }
)
"""What reading a file can come to: cleared when it was read without."""

_SILENT = frozenset({FindingCode.UNSUPPORTED})
"""Said by the outcome alone: there is nothing to do about it."""

_SUBJECTS = ("shard", "file", "name", "target")
"""Parameters that tell two problems of one code in one place apart; a shard is told apart by itself."""


def notice(*, readings: Collection[Reading], failed: Collection[Failed]) -> None:
    """What is wrong with these places, and nothing else of what reading can come to."""
    raised = [*_problems(readings), *of_failed(failed)]
    ids = [*(one.place.id for one in readings), *(one.place.id for one in failed)]
    replace(ids, raised, OF_READING)


def of_failed(failed: Iterable[Failed]) -> Iterator[Raised]:
    """A finding for each place that could not be read."""
    for one in failed:
        yield Raised(one.problem.code, one.problem.params, location_id=one.place.id)


def replace(ids: Collection[int], raised: Collection[Raised], codes: Collection[FindingCode]) -> None:
    """Of these codes the places have these findings now, and no others."""
    stay = {(one.code.value, one.location_id, one.place) for one in raised}
    open_ones = findings.open_findings().filter(location_id__in=list(ids), code__in=[code.value for code in codes])
    gone = [
        pk for pk, *subject in open_ones.values_list("pk", "code", "location_id", "place") if tuple(subject) not in stay
    ]
    if gone:
        Finding.objects.filter(pk__in=gone).update(cleared_at=Now())
    findings.raise_all(found=raised)


def _problems(readings: Iterable[Reading]) -> Iterator[Raised]:
    """Of a set, each about one file or shard, or about one file that it asks for."""
    for reading in readings:
        for problem in reading.probe.problems:
            if problem.code not in _SILENT:
                told = [str(problem.params.get(key, "")) for key in _SUBJECTS]
                about = told[0] or " ".join(filter(None, told))
                yield Raised(problem.code, problem.params, location_id=reading.place.id, place=about)
