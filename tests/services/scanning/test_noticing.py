"""What is no model becomes a finding, once, and is cleared when it is gone."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Finding
from catalog.services import libraries
from catalog.vocabulary import FindingCode

if TYPE_CHECKING:
    from pathlib import Path

    from tests.services.scanning.conftest import Scene


def test_a_pipe_named_like_a_model_is_told_and_the_rest_goes_on(scene: Scene) -> None:
    os.mkfifo(scene.folder / "pipe.safetensors")
    scene.put("a.gguf")
    report = scene.scan()
    assert (report.new, report.findings) == (1, 1)
    finding = scene.finding(FindingCode.NOT_A_FILE)
    assert (finding.place, finding.params) == ("pipe.safetensors", {"what": "named pipe"})


def test_a_link_that_leaves_is_told_with_its_target(scene: Scene, tmp_path: Path) -> None:
    outside = tmp_path / "outside.gguf"
    outside.write_bytes(b"x")
    (scene.folder / "link.gguf").symlink_to(outside)
    assert scene.scan().new == 0
    assert scene.finding(FindingCode.LINK_LEAVES).params == {"target": str(outside)}


def test_what_is_seen_again_writes_nothing(scene: Scene) -> None:
    os.mkfifo(scene.folder / "pipe.safetensors")
    scene.scan()
    with CaptureQueriesContext(connection) as statements:
        scene.scan()
    assert len(statements) <= 5
    assert Finding.objects.count() == 1


def test_what_is_gone_is_cleared_and_comes_back_as_a_new_finding(scene: Scene) -> None:
    pipe = scene.folder / "pipe.safetensors"
    os.mkfifo(pipe)
    scene.scan()
    pipe.unlink()
    scene.scan()
    assert scene.findings() == []
    os.mkfifo(pipe)
    scene.scan()
    assert Finding.objects.count() == 2


def test_a_scan_of_a_part_leaves_the_findings_elsewhere(scene: Scene) -> None:
    for folder in ("a", "b"):
        (scene.folder / folder).mkdir()
        os.mkfifo(scene.folder / folder / "pipe.gguf")
    scene.scan()
    (scene.folder / "a/pipe.gguf").unlink()
    (scene.folder / "b/pipe.gguf").unlink()
    scene.scan(part=b"a")
    assert scene.findings() == [("not_a_file", "b/pipe.gguf")]


def test_a_name_that_is_no_text_is_shown_all_the_same(scene: Scene) -> None:
    os.mkfifo(os.fsencode(scene.folder) + b"/\xff\x07.gguf")
    scene.scan()
    assert scene.findings() == [("not_a_file", "\\xff\x07.gguf")]


def test_one_folder_seen_twice_is_asked_about(scene: Scene, other: Scene) -> None:
    scene.put("a.gguf", "sub/b.gguf")
    scene.scan()
    shutil.copytree(scene.folder, other.folder, dirs_exist_ok=True)
    other.scan()
    finding = other.finding(FindingCode.SEEN_TWICE)
    assert finding.params == {"path": str(other.folder), "other": str(scene.folder)}
    scene.scan()
    assert scene.findings() == [], "one of the two asks"
    other.put("c.gguf")
    other.scan()
    assert other.findings() == []


def test_two_empty_folders_are_not_one(scene: Scene, other: Scene) -> None:
    scene.scan()
    other.scan()
    assert other.findings() == []


def test_the_question_ends_with_the_library(scene: Scene, other: Scene) -> None:
    scene.put("a.gguf")
    scene.scan()
    shutil.copytree(scene.folder, other.folder, dirs_exist_ok=True)
    other.scan()
    libraries.remove(scene.library)
    other.scan()
    assert other.findings() == []
