"""Reading a file once from front to back: what the system says when it goes wrong, and leaving its cache as it was."""

from __future__ import annotations

import os
from itertools import pairwise
from typing import TYPE_CHECKING

from catalog.errors import ChangedFile, MalformedFile
from catalog.storage.trouble import file_problem
from catalog.storage.values import shown
from catalog.vocabulary import FindingCode

if TYPE_CHECKING:
    from catalog.hashing.base import OpenFileLike

CACHE_FROM = 64 << 20  # smaller files leave the page cache alone
REGION = 16 << 20  # the least that one probe speaks for
PROBES = 64  # at most, for a file of any size: on a disk that turns, each may cost a seek


class Reader:
    """Reads an open file in order, and counts the bytes in `bytes_read`."""

    def __init__(self, file: OpenFileLike, *, keep_cache: bool = False) -> None:
        self._name, self._fd, self._size = file.name, file.fileno(), file.size
        fd, size = self._fd, self._size
        self.bytes_read = 0
        self._cold = [] if keep_cache or size < CACHE_FROM else _cold_regions(fd, size)
        if size >= CACHE_FROM:
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_SEQUENTIAL)

    def fill(self, block: memoryview, offset: int) -> None:
        """Fill the whole block from that offset.

        Raises ChangedFile or MalformedFile if the file ends before, UnreadableFile with the place if the drive fails.
        """
        got = 0
        while got < len(block):
            try:
                count = os.preadv(self._fd, [block[got:]], offset + got)
            except OSError as error:
                raise file_problem(error, where=f"byte {offset + got:,} of {shown(self._name)}") from error
            if not count:
                raise self._ended(offset + got)
            got += count
        self.bytes_read += got
        self._leave_behind(offset + got)

    def _ended(self, offset: int) -> ChangedFile | MalformedFile:
        if os.fstat(self._fd).st_size != self._size:
            return ChangedFile(FindingCode.CHANGING)
        return truncated(self._size, offset)

    def _leave_behind(self, offset: int) -> None:
        """Drop the pages that only this read brought in; what others had in the cache stays."""
        while self._cold and self._cold[0][1] <= offset:
            start, stop = self._cold.pop(0)
            os.posix_fadvise(self._fd, start, stop - start, os.POSIX_FADV_DONTNEED)


def truncated(expected: int, actual: int) -> MalformedFile:
    """The finding for a file that is shorter than it has to be, in bytes."""
    return MalformedFile(FindingCode.TRUNCATED, expected=f"{expected:,} bytes", actual=f"{actual:,} bytes")


def _cold_regions(fd: int, size: int) -> list[tuple[int, int]]:
    """The regions (start, stop) of which no page is in the cache yet, told by one page in the middle of each.

    Asked before the first read, since the kernel's read-ahead would blur the answer.
    """
    count = min(PROBES, size // REGION)
    edges = [size * part // count & -4096 for part in range(count)] + [size]
    probe = bytearray(1)
    regions = []
    for start, stop in pairwise(edges):
        try:
            os.preadv(fd, [probe], (start + stop) // 2, os.RWF_NOWAIT)
        except BlockingIOError:
            regions.append((start, stop))
        except OSError:
            return []  # this file system cannot tell: nothing is dropped
    return regions
