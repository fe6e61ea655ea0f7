"""What was taken from other programs, as the page of a library folder counts it."""

from __future__ import annotations

import pytest
from django.utils import timezone

from catalog.models import Library, Note
from catalog.queries import imported as counting
from catalog.queries.imported import Count, imported
from tests import rows

pytestmark = pytest.mark.django_db


def _note(library: Library, name: bytes, *, read: bool) -> None:
    moment = timezone.now() if read else None
    Note.objects.create(
        library=library, path=name, path_key=name.ljust(32, b"."), kind="sidecar", size=1, mtime_ns=1, ctime_ns=1,
        ino=1, read_at=moment,
    )  # fmt: skip


def test_notes_and_listed_hashes_of_one_folder_are_counted() -> None:
    here, elsewhere = rows.library(), rows.library(b"/elsewhere")
    for name, read in ((b"a", True), (b"b", True), (b"c", False)):
        _note(here, name, read=read)
    _note(elsewhere, b"d", read=True)
    place = rows.location(rows.variant(), b"a.safetensors", where=here)
    rows.listed(place, "sha256", "ab" * 32)
    rows.listed(place, "autov3", "ab" * 32, source="header")

    found = imported(here.pk)

    assert (found.notes, found.waiting, found.claims) == (Count(2), Count(1), Count(1))


def test_nothing_is_counted_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MOST", 2)
    here = rows.library()
    for name in (b"a", b"b", b"c"):
        _note(here, name, read=True)
    assert imported(here.pk).notes == Count(2, more=True)
