"""The drive below a library is known, and a drive that went away is noticed."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from catalog.storage.mounts import drive_of, reach
from catalog.storage.root import Root
from tests.builders import write_tree

if TYPE_CHECKING:
    from pathlib import Path


def test_the_space_is_that_of_the_drive(tmp_path: Path) -> None:
    with Root(os.fsencode(tmp_path)) as root:
        drive = drive_of(root)
    assert drive.total == shutil.disk_usage(tmp_path).total
    assert 0 <= drive.free <= drive.total
    assert drive.device == tmp_path.stat().st_dev


def test_the_mount_point_is_the_nearest_above(tmp_path: Path) -> None:
    with Root(os.fsencode(tmp_path)) as root:
        drive = drive_of(root)
    place = tmp_path
    while not os.path.ismount(place):
        place = place.parent
    assert drive.mount_point == os.fsencode(place)
    assert drive.file_system
    assert drive.one_reader == (drive.rotational or drive.network)


def test_a_file_system_without_a_disk_is_neither_rotational_nor_network() -> None:
    with Root(b"/proc/self") as root:
        drive = drive_of(root)
    assert (drive.file_system, drive.rotational, drive.network) == ("proc", False, False)


def test_a_library_is_reachable_when_a_known_file_reads(tmp_path: Path) -> None:
    write_tree(tmp_path, {"a.gguf": b"x", "empty.gguf": b""})
    place = os.fsencode(tmp_path)
    assert reach(place).reachable
    assert reach(place, known=[b"gone.gguf", b"a.gguf"]).reachable
    assert reach(place, known=[b"empty.gguf"], device=tmp_path.stat().st_dev).reachable


def test_an_empty_mount_point_is_not_reachable(tmp_path: Path) -> None:
    answer = reach(os.fsencode(tmp_path), known=[b"a.gguf", b"b.gguf"])
    assert not answer.reachable
    assert answer.reason == f"{tmp_path} is there, but none of its known files can be read."


def test_another_drive_or_none_is_not_reachable(tmp_path: Path) -> None:
    assert "another drive" in reach(os.fsencode(tmp_path), device=tmp_path.stat().st_dev + 1).reason
    assert "is not there" in reach(os.fsencode(tmp_path / "none")).reason
