"""A drive that is not mounted makes nothing missing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from catalog.errors import LibraryOffline
from catalog.models import Library, Location, LocationFile
from catalog.services.scanning import drives
from catalog.services.scanning.drives import Drives
from catalog.vocabulary import FindingCode, LocationState, Stage

if TYPE_CHECKING:
    from tests.services.scanning.conftest import Scene


def _unmount(scene: Scene) -> None:
    scene.folder.rename(scene.folder.parent / "unmounted")


def _mount(scene: Scene) -> None:
    if scene.folder.exists():
        scene.folder.rmdir()
    (scene.folder.parent / "unmounted").rename(scene.folder)


def test_a_folder_that_is_gone_is_offline_with_one_finding(scene: Scene) -> None:
    scene.put("a.gguf", "b.gguf")
    scene.known()
    _unmount(scene)
    for _ in range(2):
        with pytest.raises(LibraryOffline):
            scene.scan()
    assert scene.states() == {"a.gguf": "offline", "b.gguf": "offline"}
    assert not Library.objects.get(pk=scene.library.pk).online
    assert scene.finding(FindingCode.LIBRARY_OFFLINE).params == {"path": str(scene.folder), "count": 2}


def test_an_empty_mount_point_makes_nothing_missing(scene: Scene) -> None:
    scene.put("a.gguf")
    scene.known()
    _unmount(scene)
    scene.folder.mkdir()
    for _ in range(2):
        with pytest.raises(LibraryOffline):
            scene.scan()
    assert scene.states() == {"a.gguf": "offline"}


def test_what_comes_back_is_there_as_before(scene: Scene) -> None:
    scene.put("a.gguf", "b.gguf")
    scene.known()
    _unmount(scene)
    with pytest.raises(LibraryOffline):
        scene.scan()
    _mount(scene)
    (scene.folder / "b.gguf").unlink()
    report = scene.scan()
    assert (report.unchanged, report.missing) == (1, 1)
    assert scene.states() == {"a.gguf": "present", "b.gguf": "missing"}
    assert scene.at("a.gguf").stage == Stage.NONE
    assert scene.findings() == []
    assert Library.objects.get(pk=scene.library.pk).online


def test_a_folder_that_was_emptied_by_hand_is_empty(scene: Scene) -> None:
    path = scene.put("a.gguf")
    scene.known()
    path.unlink()
    assert scene.scan().missing == 1


def test_nobody_empties_a_great_library_by_hand(scene: Scene) -> None:
    scene.put(*(f"{number}.gguf" for number in range(12)))
    scene.known()
    for path in scene.folder.iterdir():
        path.unlink()
    with pytest.raises(LibraryOffline):
        scene.scan()
    assert set(scene.states().values()) == {"offline"}


def test_another_drive_in_its_place_makes_nothing_missing(scene: Scene) -> None:
    """The numbers of devices are those that the kernel gave: here they are put into the rows."""
    scene.put("a.gguf", "b.gguf")
    scene.known()
    _remember_devices(scene, 424242)
    LocationFile.objects.update(dev=424242)
    _unmount(scene)
    scene.put("notes.txt")
    with pytest.raises(LibraryOffline):
        scene.scan()
    assert set(scene.states().values()) == {"offline"}


def test_a_drive_below_the_library_that_is_not_mounted_is_offline_alone(scene: Scene) -> None:
    scene.put("a.gguf", "big/b.gguf", "big/deep/c.gguf")
    scene.known()
    _remember_devices(scene, scene.folder.stat().st_dev, 424242)
    LocationFile.objects.filter(location__path_text__startswith="big").update(dev=424242)
    for path in (scene.folder / "big/b.gguf", scene.folder / "big/deep/c.gguf"):
        path.unlink()
    (scene.folder / "big/deep").rmdir()
    report = scene.scan()
    assert (report.away, report.missing, report.unchanged) == (2, 0, 1)
    assert scene.states() == {"a.gguf": "present", "big/b.gguf": "offline", "big/deep/c.gguf": "offline"}
    assert scene.finding(FindingCode.LIBRARY_OFFLINE).params == {"path": str(scene.folder / "big"), "count": 2}
    assert scene.scan().changed is False
    scene.put("big/b.gguf", "big/deep/c.gguf")
    report = scene.scan()
    assert report.revived == 2
    assert scene.findings() == []


def test_a_file_removed_from_a_drive_that_is_there_is_missing(scene: Scene) -> None:
    scene.put("a.gguf", "big/b.gguf")
    scene.known()
    _remember_devices(scene, scene.folder.stat().st_dev, 424242)
    LocationFile.objects.update(dev=424242)  # the machine was started anew, and numbered its drives anew
    (scene.folder / "big/b.gguf").unlink()
    assert scene.scan().missing == 1


def test_an_overlay_that_numbers_files_as_it_likes_is_no_drive(scene: Scene) -> None:
    scene.put("a.gguf", "b.gguf")
    scene.known()
    LocationFile.objects.update(dev=424242)
    for path in scene.folder.iterdir():
        path.unlink()
    assert scene.scan().missing == 2


def test_only_present_places_turn_grey(scene: Scene) -> None:
    scene.put("a.gguf", "b.gguf")
    scene.known()
    (scene.folder / "a.gguf").unlink()
    scene.put("b.gguf", content=b"other bytes")
    scene.scan()
    _unmount(scene)
    with pytest.raises(LibraryOffline):
        scene.scan()
    assert scene.states() == {"a.gguf": LocationState.MISSING, "b.gguf": LocationState.CHANGED}


def test_drives_survive_their_way_through_json(scene: Scene) -> None:
    kept = Drives((-5, 2), frozenset({-5, 7}))
    assert Drives.from_json(kept.as_json()) == kept
    assert Drives.from_json(None) == Drives()
    assert drives.Drives().folder is None


def _remember_devices(scene: Scene, *devices: int) -> None:
    library = Library.objects.get(pk=scene.library.pk)
    folder = os.stat(scene.folder)
    library.last_report["drives"] = Drives((folder.st_dev, folder.st_ino), frozenset(devices)).as_json()
    library.save(update_fields=["last_report"])
    assert Location.objects.filter(library=library).exists()
