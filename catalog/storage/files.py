"""One open file of a user: read by offset, never mapped, never written."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from catalog.errors import ChangedFile, MalformedFile
from catalog.storage.trouble import file_problem, refuse_special
from catalog.storage.values import Snapshot, shown
from catalog.vocabulary import FindingCode

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType


class OpenFile:
    """A regular file that was opened below a library. `size` and `snapshot` are what it had when it was opened.

    `name` is what readers call it: the file's own name, or its path relative to the folder of its set.
    """

    def __init__(self, descriptor: int, *, name: bytes, look: Callable[[], Snapshot]) -> None:
        """Takes the descriptor over, also when it raises `UnreadableFile(NOT_A_FILE)`. `look` stats the path anew."""
        self._descriptor, self._look = descriptor, look
        self._also_close: Callable[[], None] | None = None
        self.name = name
        try:
            found = os.fstat(descriptor)
            refuse_special(found)
        except BaseException:
            self.close()
            raise
        self.snapshot = Snapshot.of(found)

    @property
    def size(self) -> int:
        """Bytes."""
        return self.snapshot.size

    def fileno(self) -> int:
        """The descriptor, -1 once closed. It belongs to this object."""
        return self._descriptor

    def read_at(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes at `offset`.

        Raises `MalformedFile(TRUNCATED)` when that reaches beyond the end, `ChangedFile(CHANGING)` when the file got
        shorter since it was opened, `UnreadableFile(DISK_READ_ERROR)` when the drive fails.
        """
        if offset < 0 or length < 0:
            raise MalformedFile(FindingCode.MALFORMED, what="A negative offset or length", where=shown(self.name))
        if offset + length > self.size:
            expected, actual = f"{offset + length:,} bytes", f"{self.size:,}"
            raise MalformedFile(FindingCode.TRUNCATED, expected=expected, actual=actual)
        block = self._pread(length, offset)
        if len(block) == length:
            return block
        parts = [block]
        left = length - len(block)
        while left:  # a call gives at most 2 GiB, and network drives may give less than was asked for
            block = self._pread(left, offset + length - left)
            if not block:
                raise ChangedFile(FindingCode.CHANGING)
            parts.append(block)
            left -= len(block)
        return b"".join(parts)

    def still_same(self) -> bool:
        """No write since it was opened, and its path still leads to it: all five facts agree on both."""
        try:
            open_now, there_now = Snapshot.of(os.fstat(self._descriptor)), self._look()
        except OSError:
            return False
        return self.snapshot.same_moment(open_now) and self.snapshot.same_moment(there_now)

    def being_written(self) -> bool:
        """Somebody has it open for writing, even through a map whose writes no time stamp shows.

        False also where that cannot be known: another user's file, or a drive without leases.
        """
        try:
            fcntl.fcntl(self._descriptor, fcntl.F_SETSIG, signal.SIGURG)  # the usual SIGIO would end the process
            fcntl.fcntl(self._descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        except OSError as error:
            return error.errno == errno.EAGAIN
        with suppress(OSError):  # dropped at once: a held lease blocks writers
            fcntl.fcntl(self._descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        return False

    def close_with(self, close: Callable[[], None]) -> None:
        """Has `close` called when this file is closed."""
        self._also_close = close

    def close(self) -> None:
        """Lets go of the descriptor; safe to call twice."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)
        if self._also_close is not None:
            self._also_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _pread(self, length: int, offset: int) -> bytes:
        try:
            return os.pread(self._descriptor, length, offset)
        except OSError as error:
            raise file_problem(error, where=f"byte {offset:,} of {shown(self.name)}") from error
