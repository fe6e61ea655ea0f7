"""Which notes are read, and when: once, and again only when they change."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.db import DataError, connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Location, Note
from catalog.services import libraries, notes, reconciling, scanning
from catalog.services.notes import waiting, writing
from catalog.vocabulary import Stage
from tests.builders.opens import opened_files
from tests.identity.catalogue import add, catalogue, model, probe_all, put, scan
from tests.services.notes.scene import info, model_at, open_notes, read, told

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from catalog.models import ModelRecord

pytestmark = pytest.mark.django_db


def test_an_unchanged_library_is_rescanned_without_opening_a_note(tmp_path: Path) -> None:
    for number in range(20):
        put(tmp_path, f"{number}.safetensors", model(number))
        put(tmp_path, f"{number}.civitai.info", info())
        put(tmp_path, f"{number}.preview.png", b"no picture")
    library = add(tmp_path)
    catalogue(library)
    read()

    with opened_files(tmp_path) as opened, CaptureQueriesContext(connection) as statements:
        report = scan(library)
    assert opened == []
    assert len(statements) <= 5
    assert (report.unchanged, report.changed) == (20, False)
    assert read().notes == 0


def test_only_what_changed_is_read_again(tmp_path: Path) -> None:
    for name in "ab":
        put(tmp_path, f"{name}.safetensors", model(ord(name)))
        put(tmp_path, f"{name}.civitai.info", info())
    library = add(tmp_path)
    told(library)
    put(tmp_path, "b.civitai.info", info(model={"name": "Another"}))

    with opened_files(tmp_path) as opened:
        scan(library)
        read()

    assert [name for name in opened if name.endswith(".info")] == ["b.civitai.info"]
    assert model_at(library, "b.safetensors").name == "Another"


def test_a_sidecar_that_comes_later_is_read_then(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    library = add(tmp_path)
    catalogue(library)
    put(tmp_path, "a.civitai.info", info())

    assert told(library).models == 1
    assert model_at(library, "a.safetensors").name == "A Character"


def test_a_sidecar_that_goes_takes_nothing_along(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    path = put(tmp_path, "a.civitai.info", b"broken")
    library = add(tmp_path)
    told(library)
    assert open_notes() == ["a.civitai.info"]
    put(tmp_path, "a.civitai.info", info())
    told(library)
    assert open_notes() == []
    path.unlink()
    scan(library)

    assert not Note.objects.exists()
    assert model_at(library, "a.safetensors").name == "A Character"


@pytest.mark.parametrize(
    "content",
    [b"{", b"[]", b"[" * 100_000, b"\xff\xfe", b'{"x": "' + b"a" * 10_000_000 + b'"}'],
    ids=["cut", "list", "deep", "bytes", "10 MB"],
)
def test_a_broken_sidecar_is_a_finding_and_stops_no_other(tmp_path: Path, content: bytes) -> None:
    put(tmp_path, "a.safetensors", model(1))
    put(tmp_path, "a.civitai.info", content)
    put(tmp_path, "b.safetensors", model(2))
    put(tmp_path, "b.civitai.info", info())
    library = add(tmp_path)
    told(library)

    assert open_notes() == ["a.civitai.info"]
    assert model_at(library, "a.safetensors").name == "a"
    assert model_at(library, "b.safetensors").name == "A Character"
    assert read().notes == 0, "it is not tried again before it changes"


def test_a_sidecar_becomes_a_pipe_after_the_scan(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    path = put(tmp_path, "a.civitai.info", info())
    library = add(tmp_path)
    scan(library)
    path.unlink()
    os.mkfifo(path)
    probe_all()
    read()

    assert open_notes() == ["a.civitai.info"]


def test_an_unreadable_sidecar_is_a_finding(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    put(tmp_path, "a.json", b"{}")
    library = add(tmp_path)
    scan(library)
    (tmp_path / "a.json").unlink()
    (tmp_path / "a.json").symlink_to("/etc/hostname")
    probe_all()
    read()

    assert open_notes() == ["a.json"]


def test_notes_wait_for_the_header_of_their_model(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    put(tmp_path, "a.civitai.info", info())
    library = add(tmp_path)
    scan(library)
    assert read().notes == 0
    probe_all()

    assert reconciling.reconcile(patience=0).queues == [settings.QUEUE]
    assert reconciling.waiting(settings.QUEUE, most=8)[0] >= 1
    assert read().notes == 1


def test_what_is_unread_is_sent_for_even_if_nothing_else_waits(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    library = add(tmp_path)
    catalogue(library)
    assert reconciling.reconcile(patience=0).queues == []
    put(tmp_path, "a.civitai.info", info())
    scan(library)

    assert not Location.objects.exclude(stage=Stage.NONE).exists()
    assert reconciling.reconcile(patience=0).queues == [settings.QUEUE]
    assert reconciling.waiting(settings.QUEUE, most=8) == (1, 0)
    read()
    assert reconciling.waiting(settings.QUEUE, most=8) == (0, 0)


def test_more_notes_than_are_read_at_once_are_all_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "TEXTS", 3)
    for number in range(8):
        put(tmp_path, f"{number}.safetensors", model(number))
        put(tmp_path, f"{number}.civitai.info", info())
    library = add(tmp_path)

    assert told(library).notes == 8
    assert not Note.objects.filter(read_at=None).exists()


def test_the_notes_of_a_part_are_seen_to_by_a_scan_of_that_part(tmp_path: Path) -> None:
    for folder in ("x", "y"):
        put(tmp_path, f"{folder}/a.safetensors", model(ord(folder)))
        put(tmp_path, f"{folder}/a.civitai.info", info())
    library = add(tmp_path)
    told(library)
    (tmp_path / "x/a.civitai.info").unlink()
    (tmp_path / "y/a.civitai.info").unlink()
    scanning.scan(library_id=library.pk, part=b"x")

    assert [bytes(note.path) for note in Note.objects.all()] == [b"y/a.civitai.info"]
    scan(library)
    assert not Note.objects.exists()


def test_two_readers_never_read_one_library(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    put(tmp_path, "a.civitai.info", info())
    library = add(tmp_path)
    scan(library)
    probe_all()
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, %s::int)", [waiting._LOCK, library.pk])
        assert notes.read_waiting(queue=settings.QUEUE).notes == 0
    finally:
        other.close()
    assert read().notes == 1


def test_a_library_that_went_away_is_offline_and_its_notes_wait(tmp_path: Path) -> None:
    put(tmp_path, "lib/a.safetensors", model(1))
    put(tmp_path, "lib/a.civitai.info", info())
    library = add(tmp_path / "lib")
    scan(library)
    probe_all()
    (tmp_path / "lib").rename(tmp_path / "elsewhere")
    read()

    library.refresh_from_db()
    assert not library.online
    assert Note.objects.filter(read_at=None).count() == 1


def test_words_that_no_table_takes_keep_no_others_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "ab":
        put(tmp_path, f"{name}.safetensors", model(ord(name)))
        put(tmp_path, f"{name}.civitai.info", info(model={"name": name * 3}))
    library = add(tmp_path)
    save = writing.save

    def refusing(models: Iterable[ModelRecord]) -> None:
        rows = list(models)
        if any(row.name == "aaa" for row in rows):
            raise DataError("invalid byte sequence")
        save(rows)

    monkeypatch.setattr(writing, "save", refusing)
    told(library)

    assert (model_at(library, "a.safetensors").name, model_at(library, "b.safetensors").name) == ("a", "bbb")
    assert open_notes() == ["a.civitai.info"]


def test_a_library_whose_notes_cannot_be_told_keeps_no_other_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "ab":
        put(tmp_path, f"{name}/{name}.safetensors", model(ord(name)))
        put(tmp_path, f"{name}/{name}.civitai.info", info(model={"name": name * 3}))
    first, second = (add(tmp_path / name) for name in "ab")
    for library in (first, second):
        scan(library)
    probe_all()
    save = writing.save

    def broken(models: Iterable[ModelRecord]) -> None:
        rows = list(models)
        if any(row.name == "aaa" for row in rows):
            raise RuntimeError("nobody foresaw it")
        save(rows)

    monkeypatch.setattr(writing, "save", broken)
    assert read().models == 1
    assert (model_at(first, "a.safetensors").name, model_at(second, "b.safetensors").name) == ("a", "bbb")
    assert Note.objects.filter(read_at=None).count() == 1


def test_a_drive_that_goes_while_notes_are_read_loses_none(tmp_path: Path) -> None:
    """The folder is there, but nothing in it: that is believed of no note."""
    put(tmp_path, "lib/a.safetensors", model(1))
    put(tmp_path, "lib/a.civitai.info", info())
    put(tmp_path, "lib/a.png", b"x")
    library = add(tmp_path / "lib")
    catalogue(library)
    for path in (tmp_path / "lib").iterdir():
        path.rename(tmp_path / path.name)
    read()

    library.refresh_from_db()
    assert not library.online
    assert Note.objects.filter(read_at=None).count() == 2
    for name in ("a.safetensors", "a.civitai.info", "a.png"):
        (tmp_path / name).rename(tmp_path / "lib" / name)
    catalogue(library)
    read()
    assert model_at(library, "a.safetensors").name == "A Character"
    assert open_notes() == ["a.png"]


def test_a_library_of_one_file_knows_what_lies_beside_it(tmp_path: Path) -> None:
    for name in "ab":
        put(tmp_path, f"{name}.safetensors", model(ord(name)))
        put(tmp_path, f"{name}.civitai.info", info())
    library = libraries.add(path=os.fsencode(tmp_path / "a.safetensors"))

    assert told(library).notes == 1
    assert model_at(library, "a.safetensors").name == "A Character"
    (tmp_path / "a.civitai.info").unlink()
    scan(library)
    assert not Note.objects.exists()
