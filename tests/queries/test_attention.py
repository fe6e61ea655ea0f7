"""What needs attention, the gravest first."""

from __future__ import annotations

import pytest

from catalog.models import Finding
from catalog.queries import attention
from catalog.vocabulary import FindingCode

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("code", "weight"),
    [
        (FindingCode.UNSAFE, "bad"), (FindingCode.REACHES_OUTSIDE, "bad"), (FindingCode.MALFORMED, "bad"),
        (FindingCode.FOREIGN_OBJECTS, "warn"), (FindingCode.EXTERNAL_DATA_MISSING, "warn"),
        (FindingCode.UNSUPPORTED, "offline"), (FindingCode.COMPRESSED, "offline"),
        (FindingCode.NOTE_UNREADABLE, "offline"), ("from_a_newer_release", "warn"),
    ],
)  # fmt: skip
def test_a_finding_is_as_grave_as_what_it_says(code: str, weight: str) -> None:
    assert attention.weight(code) == weight


def test_what_is_dangerous_stands_before_what_is_only_told() -> None:
    for code in ("unsupported", "unsafe", "foreign_objects", "compressed"):
        Finding.objects.create(code=code, place=code)
    assert [row.code for row in attention.open_rows()] == ["unsafe", "foreign_objects", "compressed", "unsupported"]


def test_groups_hold_their_sorts_and_narrow_the_list() -> None:
    for number, code in enumerate(("unsafe", "malformed", "malformed", "compressed")):
        Finding.objects.create(code=code, place=str(number))
    grave, told = attention.grouped(attention.sorts())
    assert (grave.weight, grave.count, [sort.code for sort in grave.sorts]) == ("bad", 3, ["malformed", "unsafe"])
    assert (told.weight, told.count) == ("offline", 1)
    assert {row.code for row in attention.open_rows(group="bad")} == {"unsafe", "malformed"}
