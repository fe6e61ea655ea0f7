"""Previews out of the pictures beside models."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from PIL import Image

from catalog.images import preview
from catalog.models import Library, Note, Preview
from catalog.services import claiming, probing
from catalog.services.notes import pictures
from catalog.vocabulary import Stage
from tests.builders.opens import opened_files
from tests.identity.catalogue import add, catalogue, hash_all, model, probe_all, put, scan
from tests.identity.catalogue import variant_at as variant
from tests.services.notes.scene import open_notes, read, told

if TYPE_CHECKING:
    from pathlib import Path

    from catalog.images import Picture

pytestmark = pytest.mark.django_db


def picture(colour: str, kind: str = "PNG", size: tuple[int, int] = (30, 20)) -> bytes:
    """A picture of one colour."""
    file = io.BytesIO()
    Image.new("RGB", size, colour).save(file, kind)
    return file.getvalue()


def shown(library: Library, path: str) -> tuple[int, ...]:
    """The colour of the preview of a path, each part rounded to 0 or 1; () where there is none."""
    row = Preview.objects.filter(variant=variant(library, path)).first()
    if row is None:
        return ()
    assert len(row.image) <= 64 * 1024
    colour = Image.open(io.BytesIO(bytes(row.image))).convert("RGB").resize((1, 1)).tobytes()
    return tuple(round(part / 255) for part in colour)


RED, GREEN, BLUE = (1, 0, 0), (0, 1, 0), (0, 0, 1)


def test_the_picture_beside_a_model_becomes_its_preview(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    put(tmp_path, "a.jpg", picture("red", "JPEG", (1000, 500)))
    library = add(tmp_path)

    assert told(library).previews == 1
    row = Preview.objects.get(variant=variant(library, "a.safetensors"))
    assert (row.media_type, row.width, row.height) == ("image/webp", 512, 256)
    assert shown(library, "a.safetensors") == RED


def test_a_picture_that_is_called_a_preview_comes_first(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    put(tmp_path, "a.png", picture("red"))
    put(tmp_path, "a.jpeg", picture("blue", "JPEG"))
    library = add(tmp_path)
    told(library)
    assert shown(library, "a.safetensors") == RED
    put(tmp_path, "a.preview.png", picture("lime"))
    with opened_files(tmp_path) as opened:
        told(library)
    assert shown(library, "a.safetensors") == GREEN
    assert opened == ["a.preview.png"]

    put(tmp_path, "a.png", picture("blue"))
    with opened_files(tmp_path) as opened:
        told(library)
    assert shown(library, "a.safetensors") == GREEN
    assert opened == [], "a better one is there"


def test_a_damaged_picture_is_a_finding_and_the_next_one_is_shown(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    put(tmp_path, "a.preview.png", picture("red")[:40])
    put(tmp_path, "a.webp", picture("blue", "WEBP"))
    library = add(tmp_path)
    told(library)
    assert (shown(library, "a.safetensors"), open_notes()) == (BLUE, ["a.preview.png"])

    put(tmp_path, "a.webp", picture("lime", "WEBP"))
    told(library)
    assert shown(library, "a.safetensors") == GREEN

    put(tmp_path, "a.preview.png", picture("red"))
    told(library)
    assert (shown(library, "a.safetensors"), open_notes()) == (RED, [])


def test_a_picture_that_is_not_needed_is_not_opened(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    put(tmp_path, "a.preview.png", picture("red"))
    put(tmp_path, "a.gif", b"not even a picture")
    library = add(tmp_path)
    told(library)

    assert not Note.objects.filter(read_at=None).exists()
    assert open_notes() == []


def test_an_interrupted_picture_waits_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "a.safetensors", model(1))
    put(tmp_path, "a.png", picture("red"))
    library = add(tmp_path)
    scan(library)
    probe_all()

    def stopped(raw: bytes) -> None:
        assert Note.objects.get().attempts == 1, "counted before it is opened"
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pictures, "preview", stopped)
        with pytest.raises(KeyboardInterrupt):
            read()
    assert read().previews == 1


def test_a_picture_that_took_its_worker_down_three_times_is_a_finding_until_it_changes(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    put(tmp_path, "a.png", picture("red"))
    library = add(tmp_path)
    scan(library)
    probe_all()
    Note.objects.update(attempts=3)
    assert read().previews == 0
    assert len(open_notes()) == 1
    put(tmp_path, "a.png", picture("blue", size=(31, 20)))
    told(library)
    assert shown(library, "a.safetensors") == BLUE
    assert open_notes() == []


def test_a_duplicates_preview_goes_to_the_one_that_stays(tmp_path: Path) -> None:
    put(tmp_path, "one/a.safetensors", model(1))
    library = add(tmp_path)
    catalogue(library)
    put(tmp_path, "two/b.safetensors", model(1))
    put(tmp_path, "two/b.png", picture("blue"))
    told(library)
    hash_all()

    assert shown(library, "one/a.safetensors") == BLUE
    assert Preview.objects.count() == 1


def test_of_two_previews_of_one_content_that_of_the_survivor_stays(tmp_path: Path) -> None:
    for name, colour in (("a", "red"), ("b", "blue")):
        put(tmp_path, f"{name}.safetensors", model(1))
        put(tmp_path, f"{name}.png", picture(colour))
    library = add(tmp_path)
    told(library)
    assert Preview.objects.count() == 2
    hash_all()

    assert shown(library, "a.safetensors") == RED
    assert Preview.objects.count() == 1


def test_pictures_wait_until_all_headers_are_read(tmp_path: Path) -> None:
    for name in "ab":
        put(tmp_path, f"{name}.safetensors", model(ord(name)))
        put(tmp_path, f"{name}.png", picture("red"))
    library = add(tmp_path)
    scan(library)
    claim = claiming.claim(queue=settings.QUEUE, stages=[Stage.PROBE], limit_files=1)
    assert claim is not None
    probing.probe(claim=claim)
    assert read().notes == 0
    probe_all()

    assert read().previews == 2


def test_a_picture_in_another_library_is_left_to_its_reader(tmp_path: Path) -> None:
    """One content in two libraries: the picture of the older place is shown, whoever reads first."""
    for name, colour in (("x", "red"), ("y", "blue")):
        put(tmp_path, f"{name}/a.safetensors", model(1))
        put(tmp_path, f"{name}/a.png", picture(colour))
    one, two = add(tmp_path / "x"), add(tmp_path / "y")
    catalogue(one, two)
    read()
    assert shown(one, "a.safetensors") == RED

    put(tmp_path, "y/a.png", picture("lime"))
    told(two)
    assert shown(one, "a.safetensors") == RED
    assert open_notes() == []


def test_a_picture_that_changes_while_others_are_read_is_read_as_it_is_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scan meets the new one after the old one was shown, and before all of its batch are done."""
    for name in "ab":
        put(tmp_path, f"{name}.safetensors", model(ord(name)))
        put(tmp_path, f"{name}.png", picture("red"))
    library = add(tmp_path)
    scan(library)
    probe_all()
    seen: list[int] = []

    def meanwhile(raw: bytes) -> Picture:
        seen.append(len(raw))
        if len(seen) == 2:
            for name in "ab":
                put(tmp_path, f"{name}.png", picture("blue", size=(31, 20)))
            scan(library)
        return preview(raw)

    with monkeypatch.context() as patch:
        patch.setattr(pictures, "preview", meanwhile)
        read()
    read()

    assert [shown(library, f"{name}.safetensors") for name in "ab"] == [BLUE, BLUE]
