"""Reading by offset stays within the file, and every change of it is seen."""

from __future__ import annotations

import mmap
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from catalog.errors import ChangedFile, MalformedFile
from catalog.storage.root import open_path
from catalog.vocabulary import FindingCode

if TYPE_CHECKING:
    from catalog.storage.files import OpenFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of ten bytes."""
    place = tmp_path / "model.safetensors"
    place.write_bytes(b"0123456789")
    return place


def _open(path: Path) -> OpenFile:
    return open_path(os.fsencode(path))


def test_any_range_inside_reads(path: Path) -> None:
    with _open(path) as file:
        assert (file.read_at(0, 10), file.read_at(3, 4), file.read_at(10, 0)) == (b"0123456789", b"3456", b"")


@pytest.mark.parametrize(("offset", "length"), [(0, 11), (10, 1), (2**62, 2**62), (5, 6)])
def test_a_range_beyond_the_end_is_truncated(path: Path, offset: int, length: int) -> None:
    with _open(path) as file, pytest.raises(MalformedFile) as caught:
        file.read_at(offset, length)
    assert caught.value.code is FindingCode.TRUNCATED
    assert caught.value.params["actual"] == "10"


@pytest.mark.parametrize(("offset", "length"), [(-1, 2), (2, -1)])
def test_a_negative_range_is_malformed(path: Path, offset: int, length: int) -> None:
    with _open(path) as file, pytest.raises(MalformedFile):
        file.read_at(offset, length)


def test_a_file_that_shrinks_is_changing_not_truncated(path: Path) -> None:
    with _open(path) as file:
        os.truncate(path, 4)
        with pytest.raises(ChangedFile) as caught:
            file.read_at(0, 10)
    assert caught.value.code is FindingCode.CHANGING


def _append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"x")


def _stealth(path: Path) -> None:
    before = path.stat()
    path.write_bytes(b"9876543210")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _replace(path: Path) -> None:
    other = path.with_name("new")
    other.write_bytes(b"0123456789")
    other.rename(path)


def _link_swap(path: Path) -> None:
    path.rename(path.with_name("moved"))
    path.symlink_to("other")
    path.with_name("other").write_bytes(b"0123456789")


@pytest.mark.parametrize("change", [_append, _stealth, _replace, _link_swap, Path.unlink], ids=lambda f: f.__name__)
def test_every_change_is_seen(path: Path, change: object) -> None:
    with _open(path) as file:
        assert file.still_same()
        change(path)  # type: ignore[operator]  # a parametrised function
        assert not file.still_same()


def test_another_hard_link_alone_moves_only_the_ctime(path: Path) -> None:
    with _open(path) as file:
        os.link(path, path.with_name("second"))
        assert not file.still_same()
    with _open(path) as file:
        assert file.snapshot.links == 2


def test_a_writer_is_noticed_even_through_a_map(path: Path) -> None:
    with _open(path) as file:
        assert not file.being_written()
        with path.open("r+b") as handle:
            mapped = mmap.mmap(handle.fileno(), 10)
        assert file.being_written()
        mapped.close()
        assert not file.being_written()


def test_closing_twice_is_harmless(path: Path) -> None:
    file = _open(path)
    file.close()
    file.close()
    assert file.fileno() == -1
