"""`scan` catalogues folders and files, with workers or without, and tells what it met."""

from __future__ import annotations

import base64
import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from catalog.models import Job, Library, Location, Note
from catalog.services import jobs, library_settings
from catalog.vocabulary import JobKind, Stage
from tests.builders import safetensors, shapes, sharded, weights, write_tree
from tests.commands.running import run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.processes import Workers

pytestmark = pytest.mark.django_db(transaction=True)
LORA = safetensors(weights(shapes.lora_kohya(768, rank=4), 1), {"modelspec.title": "My style"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tensors = weights({f"model.layers.{number}.weight": (4, 8) for number in range(4)}, 1)
    write_tree(
        tmp_path / "models",
        {
            "loras/style.safetensors": LORA,
            "loras/cut.safetensors": LORA[:-1],
            "llm/config.json": b'{"model_type":"llama"}',
            **{f"llm/{name}": content for name, content in sharded(tensors, 2).items()},
            "notes.txt": b"hello",
        },
    )
    os.mkfifo(tmp_path / "models" / "pipe.safetensors")
    return tmp_path / "models"


def by_path(*arguments: str | Path) -> dict[object, Mapping[str, object]]:
    return {row["path"]: row for row in run("scan", "--wait", "--json", *arguments).rows}


def test_a_program_gets_a_line_for_each_thing_when_it_is_hashed(folder: Path) -> None:
    rows = by_path(folder)

    assert set(rows) == {"loras/style.safetensors", "loras/cut.safetensors", "llm", "pipe.safetensors", ""}
    style = rows["loras/style.safetensors"]
    known = Location.objects.get(path=b"loras/style.safetensors").variant
    assert known is not None
    expected = {
        "library": str(folder), "path_b64": base64.b64encode(b"loras/style.safetensors").decode(), "set": "",
        "outcome": "ok", "reason": "", "format": "safetensors", "kind": "lora", "base": "sd-1", "precision": "fp32",
        "size": len(LORA), "sha256": hashlib.sha256(LORA).hexdigest(), "variant": str(known.pk),
        "model": str(known.model_id), "findings": [], "files": [], "traits": [], "candidates": [],
        "dtypes": {"F32": style["parameters"]},
    }  # fmt: skip
    assert {name: style[name] for name in expected} == expected


def test_a_set_comes_with_its_files(folder: Path) -> None:
    row = by_path(folder)["llm"]

    files = row["files"]
    assert isinstance(files, list)
    assert (row["set"], row["format"]) == ("safetensors", "transformers")
    assert {file["path"]: file["sha256"] for file in files} == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (folder / "llm").iterdir()
    }
    assert "folder:v1" in row
    assert "sha256" not in row


def test_what_is_wrong_is_told_with_a_sentence(folder: Path) -> None:
    rows = by_path(folder)

    assert rows["loras/cut.safetensors"]["outcome"] == "invalid"
    assert rows["loras/cut.safetensors"]["reason"] == "truncated"
    assert "'code': 'truncated', 'sentence': 'The header promises" in str(rows["loras/cut.safetensors"]["findings"])
    assert "named pipe" in str(rows["pipe.safetensors"]["findings"])
    assert rows["pipe.safetensors"]["outcome"] == "skipped"


def test_what_was_passed_by_is_counted(folder: Path) -> None:
    row = by_path(folder)[""]

    assert (row["outcome"], row["reason"], row["count"]) == ("skipped", "not_a_model", 1)


def test_a_second_scan_says_the_same(folder: Path) -> None:
    first, second = by_path(folder), by_path(folder)

    for rows in (first, second):
        for row in rows.values():
            row.pop("seconds")  # type: ignore[attr-defined]  # a dict, as JSON has it
    assert first == second


def test_a_person_is_told_what_was_found(folder: Path) -> None:
    ran = run("scan", "--wait", folder)

    assert ran.code == 0
    assert "loras/style.safetensors\n  safetensors · LoRA · SD 1.x" in ran.out
    assert "! The header promises" in ran.out
    assert f"{folder}: 3 new; passed by: 1 other files." in ran.out


def test_one_file_is_enough(folder: Path) -> None:
    rows = run("scan", "--wait", "--json", folder / "loras/style.safetensors").rows

    assert [row["path"] for row in rows if row["outcome"] == "ok"] == ["style.safetensors"]
    library = Library.objects.get()
    assert (library.path_text, bytes(library.only or b"")) == (str(folder / "loras"), b"style.safetensors")


def test_a_path_inside_a_known_library_scans_that_part(folder: Path) -> None:
    run("scan", "--wait", folder)

    rows = run("scan", "--wait", "--json", folder / "loras").rows

    assert {row["path"] for row in rows if row["path"]} == {"loras/style.safetensors", "loras/cut.safetensors"}
    assert Library.objects.count() == 1


def test_a_folder_above_a_library_is_refused_with_both_names(folder: Path) -> None:
    run("scan", "--wait", folder)

    ran = run("scan", folder.parent)

    assert ran.code == 2
    assert f"{folder.parent} lies above the library folder {folder}" in ran.err


def test_what_is_not_there_does_not_keep_the_rest_from_being_scanned(folder: Path) -> None:
    ran = run("scan", "--wait", "--json", folder / "nothing", folder)

    assert ran.code == 2
    assert "There is no" in ran.err
    assert len(ran.rows) == 5


def test_without_waiting_the_scan_is_asked_for(folder: Path) -> None:
    ran = run("scan", "--json", folder)

    job = Job.objects.get(kind=JobKind.SCAN)
    assert ran.code == 0
    assert [(row["job"], row["state"]) for row in ran.rows] == [(str(job.pk), "waiting")]


def test_nobody_waits_for_what_is_paused(folder: Path) -> None:
    run("scan", "--wait", folder)
    library_settings.set_paused(library_id=Library.objects.get().pk, paused=True)
    (folder / "new.safetensors").write_bytes(safetensors(weights({"a": (2, 2)}, 5)))

    ran = run("scan", "--wait", folder)

    assert ran.code == 2
    assert "is paused" in ran.err
    assert Location.objects.get(path=b"new.safetensors").stage == Stage.HASH


def test_nobody_waits_for_a_paused_job(folder: Path) -> None:
    run("scan", "--wait", folder)
    jobs.pause(job_id=jobs.request_scan(library_id=Library.objects.get().pk).pk)
    Job.objects.filter(kind=JobKind.HASH).update(state="paused")
    Location.objects.update(stage=Stage.HASH, hashed_at=None)

    ran = run("scan", "--wait", folder)

    assert ran.code == 2
    assert "manage.py jobs resume" in ran.err


def test_a_folder_that_went_away_is_told(folder: Path) -> None:
    run("scan", "--wait", folder)
    library = Library.objects.get()
    folder.rename(folder.parent / "elsewhere")
    folder.symlink_to(folder.parent / "nowhere")

    ran = run("scan", "--wait", folder)

    assert ran.code == 2
    library.refresh_from_db()


@pytest.mark.workers
@pytest.mark.xdist_group("workers")
def test_workers_that_run_do_the_work(celery_workers: Workers, folder: Path) -> None:
    assert set(by_path(folder)) == {"loras/style.safetensors", "loras/cut.safetensors", "llm", "pipe.safetensors", ""}


def test_further_folders_of_a_comfyui_are_named(tmp_path: Path) -> None:
    write_tree(
        tmp_path,
        {
            "ComfyUI/folder_paths.py": b"",
            "ComfyUI/models/loras/style.safetensors": LORA,
            "ComfyUI/extra_model_paths.yaml": b"more:\n  base_path: ../big drive\n  vae: vae\n  loras: gone\n",
            "big drive/vae/one.pt": b"x",
        },
    )
    done = run("scan", tmp_path / "ComfyUI" / "models")
    assert done.code == 0
    named = f"Catalog them too: manage.py scan '{tmp_path}/big drive/vae'"
    assert named in done.err
    run("scan", tmp_path / "big drive")
    assert "Catalog them too" not in run("scan", tmp_path / "ComfyUI" / "models").err


def test_sidecars_are_read_before_it_ends(folder: Path) -> None:
    write_tree(folder, {"loras/style.civitai.info": b'{"id": 5, "modelId": 4, "model": {"name": "A Style"}}'})
    rows = by_path(folder)

    known = Location.objects.select_related("variant__model").get(path=b"loras/style.safetensors").variant
    assert known is not None
    assert known.model.name == "A Style"
    assert rows["loras/style.safetensors"]["model"] == str(known.model_id)
    assert not Note.objects.filter(read_at=None).exists()
