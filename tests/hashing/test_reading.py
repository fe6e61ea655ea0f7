"""What the system says when a read fails, and the page cache afterwards."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from catalog.errors import ChangedFile, MalformedFile, UnreadableFile
from catalog.hashing.base import Plan
from catalog.hashing.engine import digest_file
from catalog.hashing.reading import CACHE_FROM, Reader
from catalog.vocabulary import Algorithm, FindingCode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.hashing.conftest import Opener


@dataclass
class Descriptor:
    """A descriptor with whatever size is claimed for it."""

    fd: int
    size: int
    name: bytes = b"model"

    def fileno(self) -> int:
        return self.fd


@pytest.fixture
def large(tmp_path: Path) -> Iterator[Descriptor]:
    """A file just large enough for the page cache to matter; it is all hole, and nothing of it is dirty."""
    path = tmp_path / "large"
    path.touch()
    os.truncate(path, CACHE_FROM)
    fd = os.open(path, os.O_RDONLY)
    yield Descriptor(fd, CACHE_FROM)
    os.close(fd)


def cached(file: Descriptor) -> list[bool]:
    """Of some places of the file, whether their page is in the cache."""
    return [_is_cached(file.fd, place) for place in range(1 << 20, file.size, 5 << 20)]


def _is_cached(fd: int, offset: int) -> bool:
    try:
        os.preadv(fd, [bytearray(1)], offset, os.RWF_NOWAIT)
    except BlockingIOError:
        return False
    return True


def test_a_drive_that_fails_is_named_with_the_place() -> None:
    fd = os.open("/proc/self/mem", os.O_RDONLY)  # its first page is never mapped: the kernel answers EIO
    try:
        with pytest.raises(UnreadableFile) as caught:
            Reader(Descriptor(fd, 4096)).fill(memoryview(bytearray(16)), 1024)
    finally:
        os.close(fd)
    assert caught.value.code == FindingCode.DISK_READ_ERROR
    assert "byte 1,024 of model" in str(caught.value)


def test_a_file_shorter_than_its_stat_says_is_truncated() -> None:
    fd = os.open("/sys/kernel/uevent_seqnum", os.O_RDONLY)  # every file there says 4096 bytes and has a few
    try:
        with pytest.raises(MalformedFile) as caught:
            digest_file(Descriptor(fd, os.fstat(fd).st_size), Plan())
    finally:
        os.close(fd)
    assert caught.value.code == FindingCode.TRUNCATED


def test_a_file_that_got_shorter_has_changed(opened: Opener) -> None:
    with pytest.raises(ChangedFile):
        Reader(Descriptor(opened(b"model").fileno(), 6)).fill(memoryview(bytearray(6)), 0)


def test_a_read_leaves_the_cache_of_a_cold_file_as_it_was(large: Descriptor) -> None:
    os.posix_fadvise(large.fd, 0, 0, os.POSIX_FADV_DONTNEED)
    before = cached(large)
    os.posix_fadvise(large.fd, 0, 0, os.POSIX_FADV_DONTNEED)
    found = digest_file(large, Plan(frozenset({Algorithm.CRC32})))
    assert cached(large) == before
    assert found.bytes_read <= 1.01 * large.size


@pytest.mark.parametrize("keep", [True, False])
def test_a_read_leaves_a_warm_file_in_the_cache(large: Descriptor, keep: bool) -> None:
    digest_file(large, Plan(frozenset({Algorithm.CRC32})), keep_cache=True)
    before = cached(large)
    digest_file(large, Plan(frozenset({Algorithm.CRC32})), keep_cache=keep)
    assert all(before)
    assert cached(large) == before
