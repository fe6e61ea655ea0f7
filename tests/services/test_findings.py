"""Findings are open once for each subject, are seen again, and are cleared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from catalog.models import Finding
from catalog.services import findings
from catalog.services.findings import Raised
from catalog.vocabulary import FindingCode
from tests import rows

if TYPE_CHECKING:
    from pytest_django import DjangoAssertNumQueries

pytestmark = pytest.mark.django_db


def test_the_same_thing_is_open_once_and_is_seen_again() -> None:
    location = rows.location(rows.variant(), b"a.gguf")
    findings.raise_finding(code=FindingCode.UNREADABLE, params={"reason": "one"}, location=location)
    first = Finding.objects.get()
    findings.raise_finding(code=FindingCode.UNREADABLE, params={"reason": "two"}, location=location.pk)
    again = Finding.objects.get()
    assert (again.pk, again.params, again.first_seen) == (first.pk, {"reason": "two"}, first.first_seen)
    assert again.last_seen >= first.last_seen


def test_many_are_raised_in_one_statement_whatever_they_are_about(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    variant = rows.variant()
    library = rows.library()
    found = [
        Raised(FindingCode.EMPTY, location_id=rows.location(variant, b"a").pk),
        Raised(FindingCode.NOT_A_FILE, {"what": "socket"}, library_id=library.pk, place="p"),
        Raised(FindingCode.SETTINGS_DIFFER, {"other": "x", "setting": "y"}, variant_id=variant.pk),
        Raised(FindingCode.NOT_A_FILE, {"what": "named pipe"}, library_id=library.pk, place="p"),
    ]
    with django_assert_num_queries(1):
        assert findings.raise_all(found=found) == 3
    assert Finding.objects.get(place="p").params == {"what": "named pipe"}
    assert findings.raise_all(found=[]) == 0


def test_what_postgresql_refuses_is_kept_as_text_all_the_same() -> None:
    what = "nul \0, lone \udc80, \\u0000"
    findings.raise_finding(code=FindingCode.NOT_A_FILE, params={"what": what}, library=rows.library(), place=what)
    finding = Finding.objects.get()
    assert finding.params == {"what": "nul \\x00, lone \\udc80, \\u0000"}
    assert finding.place == "nul \\x00, lone \\udc80, \\u0000"


def test_clearing_takes_what_fits_everything_given() -> None:
    library = rows.library()
    for place in ("a", "b"):
        findings.raise_finding(code=FindingCode.NOT_A_FILE, params={"what": "socket"}, library=library, place=place)
    findings.raise_finding(code=FindingCode.SEEN_TWICE, params={}, library=library)
    assert findings.clear(codes=[FindingCode.NOT_A_FILE], library=library, places=["a"]) == 1
    assert findings.clear(library=library) == 2
    assert findings.clear(library=library) == 0
    assert Finding.objects.count() == 3


def test_clearing_nothing_in_particular_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="about"):
        findings.clear(codes=[FindingCode.EMPTY])


def test_what_was_cleared_may_be_raised_anew() -> None:
    variant = rows.variant()
    for _ in range(2):
        findings.raise_finding(code=FindingCode.SETTINGS_DIFFER, params={}, variant=variant)
        assert findings.clear(variant=variant.pk) == 1
    assert Finding.objects.count() == 2


def test_everything_below_a_library_is_cleared_with_it() -> None:
    location = rows.location(rows.variant(), b"a.gguf")
    findings.raise_finding(code=FindingCode.EMPTY, params={}, location=location)
    findings.raise_finding(code=FindingCode.SEEN_TWICE, params={}, library=location.library)
    other = rows.location(rows.variant("other"), b"b.gguf", where=rows.library(b"/elsewhere"))
    findings.raise_finding(code=FindingCode.EMPTY, params={}, location=other)
    assert findings.clear_below(library_id=location.library_id) == 2
    assert findings.open_findings().get().location == other
