"""Adding folders by ticks, by a path and by a pasted file; and the folder that stays read-only."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from catalog.errors import Refused
from catalog.models import Job, Library
from catalog.services import library_settings
from catalog.services.library_settings import LibrarySettings
from tests import rows

if TYPE_CHECKING:
    from pathlib import Path

    from django.test import Client
    from pytest_django import Settings

pytestmark = pytest.mark.django_db


def _text(page: bytes) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.decode()))


@pytest.fixture
def drive(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All that may be added lies on it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    settings.ISOTOPE_FOLDERS = [str(tmp_path)]
    for name in ("ComfyUI/models/checkpoints/a.safetensors", "webui/models/Lora/b.safetensors"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(b"x")
    return tmp_path


def test_what_was_found_is_offered_to_those_who_may_add(boss: Client, viewer: Client, drive: Path) -> None:
    page = boss.get("/").content.decode()
    assert f'value="{drive}/ComfyUI/models" checked' in page
    assert "checkbox" not in viewer.get("/").content.decode()
    listed = boss.get("/libraries/").content.decode()
    assert f'value="{drive}/ComfyUI/models"' in listed
    assert "checked" not in listed


def test_several_folders_are_added_at_once(boss: Client, drive: Path) -> None:
    ticked = [f"{drive}/ComfyUI/models", f"{drive}/webui/models", f"{drive}/ComfyUI/models"]
    text = _text(boss.post("/libraries/add/", {"offer": ticked, "path": ""}, follow=True).content)
    assert "are library folders now; their scans have begun" in text
    assert set(Job.objects.values_list("library__path_text", flat=True)) == set(ticked)


def test_a_tick_reaches_no_further_than_a_path(boss: Client, drive: Path) -> None:
    text = _text(boss.post("/libraries/add/", {"offer": ["/etc", "x"], "path": ""}, follow=True).content)
    assert "/etc lies outside the folders that may be used here" in text
    assert "Give the whole path" in text
    assert not Library.objects.exists()


def test_a_pasted_file_adds_its_folders_and_says_what_it_cannot(boss: Client, drive: Path, settings: Settings) -> None:
    settings.CONTAINED = True
    pasted = f"a:\n  base_path: {drive}/webui\n  loras: models/Lora\nb:\n  vae: /mnt/elsewhere/vae\n"
    text = _text(boss.post("/libraries/add/", {"yaml": pasted, "path": ""}, follow=True).content)
    assert f"{drive}/webui/models is a library folder now" in text
    assert "/mnt/elsewhere/vae lies outside the folders that may be used here" in text
    assert "mounted into it" in text


@pytest.mark.parametrize(("pasted", "said"), [("a: [", "is no YAML"), ("a:\n  vae: near", "names no folder")])
def test_a_text_that_is_no_such_file_is_told(boss: Client, drive: Path, pasted: str, said: str) -> None:
    assert said in _text(boss.post("/libraries/add/", {"yaml": pasted}, follow=True).content)
    assert not Library.objects.exists()


def _managed() -> Library:
    library = rows.library()
    Library.objects.filter(pk=library.pk).update(layout="ollama", managed=True, read_only=True)
    library.refresh_from_db()
    return library


def test_the_folder_of_a_managing_tool_stays_read_only(boss: Client) -> None:
    library = _managed()
    address = f"/libraries/{library.pk}/edit/"
    assert "Ollama keeps track of these files by itself" in _text(boss.get(address).content)
    boss.post(address, {"name": "Renamed", "include": "", "exclude": "", "speed_limit": ""})
    library.refresh_from_db()
    assert (library.name, library.read_only) == ("Renamed", True)


def test_no_other_way_opens_it_to_writing_either() -> None:
    library = _managed()
    wanted = LibrarySettings(
        name="x", include=(), exclude=(), read_only=False, paused=False, speed_limit=None, quiet_from=None,
        quiet_until=None,
    )  # fmt: skip
    with pytest.raises(Refused, match="Ollama keeps track"):
        library_settings.change(library_id=library.pk, to=wanted)
    library.refresh_from_db()
    assert library.read_only
