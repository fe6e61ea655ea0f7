"""Library folders and jobs by the API: only below the allowed folders, only with the permission."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from catalog.models import Job, Library
from catalog.vocabulary import JobState

if TYPE_CHECKING:
    from pathlib import Path

    from django.test import Client
    from pytest_django.fixtures import Settings

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    """A folder below the allowed ones."""
    settings.ISOTOPE_FOLDERS = [str(tmp_path)]
    made = tmp_path / "models"
    made.mkdir()
    return made


def post(client: Client, path: str, body: dict[str, object]) -> tuple[int, dict[str, object]]:
    answer = client.post(f"/api/v1/{path}", body, content_type="application/json")
    return answer.status_code, answer.json()


def test_a_folder_becomes_a_library_with_a_scan_waiting(editor: Client, folder: Path) -> None:
    status, answer = post(editor, "libraries", {"path": str(folder)})

    assert (status, answer["path"]) == (201, str(folder))
    assert Job.objects.get().library_id == answer["id"]
    assert [item["id"] for item in editor.get("/api/v1/libraries").json()] == [answer["id"]]


def test_a_path_outside_is_refused_in_the_same_words_whether_it_exists_or_not(editor: Client, folder: Path) -> None:
    there, first = post(editor, "libraries", {"path": "/etc"})
    absent, second = post(editor, "libraries", {"path": "/etd"})

    assert (there, absent) == (403, 403)
    assert str(first["detail"]).replace("/etc", "") == str(second["detail"]).replace("/etd", "")
    assert not Library.objects.exists()


def test_a_way_out_through_dots_or_a_link_is_refused(editor: Client, folder: Path) -> None:
    (folder / "out").symlink_to("/etc")

    assert post(editor, "libraries", {"path": f"{folder}/../../.."})[0] == 403
    assert post(editor, "libraries", {"path": f"{folder}/out"})[0] == 403


def test_a_part_of_a_library_can_be_scanned(editor: Client, folder: Path) -> None:
    (folder / "loras").mkdir()
    post(editor, "libraries", {"path": str(folder)})
    Job.objects.update(state=JobState.DONE)

    status, answer = post(editor, "scan", {"path": str(folder / "loras")})

    assert status == 202
    assert bytes(Job.objects.get(pk=str(answer["id"])).part or b"") == b"loras"


def test_looking_is_not_changing(viewer: Client, folder: Path) -> None:
    assert post(viewer, "libraries", {"path": str(folder)})[0] == 403
    assert post(viewer, "scan", {"path": str(folder)})[0] == 403
    assert post(viewer, f"jobs/{uuid4()}/cancel", {})[0] == 403
    assert not Library.objects.exists()


def test_a_job_is_listed_and_cancelled(editor: Client, folder: Path) -> None:
    post(editor, "libraries", {"path": str(folder)})
    job = editor.get("/api/v1/jobs").json()[0]

    status, answer = post(editor, f"jobs/{job['id']}/cancel", {})

    assert (status, answer["state"]) == (200, "cancelled")
    assert editor.get(f"/api/v1/jobs/{job['id']}").json()["state"] == "cancelled"


def test_an_act_that_makes_no_sense_is_a_409_with_a_sentence(editor: Client, folder: Path) -> None:
    post(editor, "libraries", {"path": str(folder)})
    job = editor.get("/api/v1/jobs").json()[0]

    status, answer = post(editor, f"jobs/{job['id']}/resume", {})

    assert status == 409
    assert str(answer["detail"]).endswith(".")


def test_folders_that_could_be_added_are_listed_for_those_who_may(
    editor: Client, viewer: Client, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(folder))
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints/a.safetensors").write_bytes(b"x" * 10)
    assert editor.get("/api/v1/libraries/offers").json() == [
        {
            "path": str(folder),
            "layout": "comfyui",
            "label": "ComfyUI",
            "managed": False,
            "files": 1,
            "size": 10,
            "whole": True,
            "named_by": "",
        }
    ]
    assert viewer.get("/api/v1/libraries/offers").status_code == 403
