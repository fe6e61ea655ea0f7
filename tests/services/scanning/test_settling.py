"""Files that are being written wait, and files with another inode are recognised without being read whole."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from catalog.services.scanning import settling
from catalog.vocabulary import LocationState, SkipReason, Stage
from tests.builders.opens import opened_files

if TYPE_CHECKING:
    from catalog.services.scanning.comparing import Pair
    from tests.services.scanning.conftest import Scene


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Paths that get one more byte between the walk and the second look."""
    paths: list[str] = []

    def grow(result: object) -> None:
        for path in paths:
            with open(path, "ab") as file:
                file.write(b"x")

    monkeypatch.setattr(settling, "_let_time_pass", grow)
    return paths


def test_a_file_that_grows_waits_for_the_next_scan(scene: Scene, meanwhile: list[str]) -> None:
    scene.put("a.gguf")
    meanwhile.append(str(scene.put("b.gguf")))
    report = scene.scan()
    assert (report.new, report.skipped[SkipReason.PARTIAL]) == (1, 1)
    assert scene.states() == {"a.gguf": "present"}
    meanwhile.clear()
    assert scene.scan().new == 1


def test_a_known_file_that_is_being_written_over_waits_too(scene: Scene, meanwhile: list[str]) -> None:
    path = scene.put("a.gguf")
    scene.known()
    scene.put("a.gguf", content=b"the beginning of")
    meanwhile.append(str(path))
    report = scene.scan()
    assert (report.edited, report.missing) == (0, 0)
    assert scene.states() == {"a.gguf": "present"}
    meanwhile.clear()
    assert scene.scan().edited == 1


def test_a_set_waits_for_each_of_its_files(scene: Scene, meanwhile: list[str]) -> None:
    scene.put("m/config.json")
    meanwhile.append(str(scene.put("m/model.safetensors")))
    assert scene.scan().new == 0


@pytest.mark.parametrize("suffix", [".part", ".crdownload", ".incomplete", ".tmp", ".aria2"])
def test_the_names_of_half_copied_files_are_passed_by(scene: Scene, suffix: str) -> None:
    scene.put(f"a.gguf{suffix}")
    report = scene.scan()
    assert (report.new, dict(report.skipped)) == (0, {SkipReason.PARTIAL: 1})


def test_a_change_of_rights_is_verified_later_and_not_hashed_again(scene: Scene) -> None:
    path = scene.put("a.gguf")
    before = scene.known().at("a.gguf")
    path.chmod(0o600)
    with opened_files(scene.folder) as opened:
        report = scene.scan()
    assert opened == ["a.gguf"]
    assert (report.touched, report.edited) == (1, 0)
    after = scene.at("a.gguf")
    assert (after.stage, after.priority, after.state) == (Stage.VERIFY, 9, LocationState.PRESENT)
    assert (after.variant, after.hashed_at) == (before.variant, before.hashed_at)
    with opened_files(scene.folder) as opened:
        assert scene.scan().unchanged == 1
    assert opened == []


def test_another_inode_with_the_same_bytes_size_and_time_is_the_same_file(scene: Scene) -> None:
    path = scene.put("a.gguf")
    variant = scene.known().at("a.gguf").variant
    copy = scene.folder.parent / "restored"
    copy.write_bytes(path.read_bytes())
    os.utime(copy, ns=(0, path.stat().st_mtime_ns))
    copy.rename(path)
    assert scene.scan().touched == 1
    assert (scene.at("a.gguf").variant, scene.at("a.gguf").stage) == (variant, Stage.VERIFY)


def test_other_bytes_under_the_old_size_and_time_are_an_edit(scene: Scene) -> None:
    path = scene.put("a.gguf", content=b"weights")
    scene.known()
    times = path.stat().st_mtime_ns
    path.write_bytes(b"WEIGHTS")
    os.utime(path, ns=(0, times))
    report = scene.scan()
    assert (report.touched, report.edited) == (0, 1)
    assert scene.at("a.gguf").state == LocationState.CHANGED


def test_what_waits_for_its_hash_waits_on_when_its_rights_change(scene: Scene) -> None:
    path = scene.put("a.gguf")
    location = scene.known().at("a.gguf")
    location.stage, location.hashed_at = Stage.HASH.value, None
    location.save()
    path.chmod(0o600)
    scene.scan()
    assert scene.at("a.gguf").stage == Stage.HASH


def test_what_was_never_read_has_its_header_read(scene: Scene) -> None:
    path = scene.put("a.gguf")
    scene.scan()
    path.chmod(0o600)
    report = scene.scan()
    assert report.touched == 1
    assert scene.at("a.gguf").stage == Stage.PROBE
    assert scene.scan().unchanged == 1


def test_a_new_hard_link_leaves_the_first_name_recognised(scene: Scene) -> None:
    path = scene.put("a.gguf")
    scene.known()
    (scene.folder / "b.gguf").hardlink_to(path)
    report = scene.scan()
    assert (report.touched, report.new) == (1, 1)


def test_what_vanishes_between_the_two_looks_is_not_added(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    path = scene.put("a.gguf")
    monkeypatch.setattr(settling, "_let_time_pass", lambda result: path.unlink())
    assert scene.scan().new == 0


def test_what_cannot_be_opened_to_recognise_it_has_its_header_read(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = scene.put("a.gguf")
    scene.known()
    path.chmod(0o600)
    find = settling._quick_ids

    def vanish(pairs: list[Pair]) -> dict[tuple[int, bytes], bytes | None]:
        path.unlink()
        return find(pairs)

    monkeypatch.setattr(settling, "_quick_ids", vanish)
    assert scene.scan().touched == 1
    assert scene.at("a.gguf").stage == Stage.PROBE


def test_of_a_set_only_what_changed_is_opened(scene: Scene) -> None:
    scene.put("m/config.json", "m/tokenizer.json", "m/model.safetensors")
    scene.known()
    (scene.folder / "m/config.json").chmod(0o600)
    with opened_files(scene.folder / "m") as opened:
        assert scene.scan().touched == 1
    assert opened == ["config.json"]
