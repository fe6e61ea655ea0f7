"""A library folder, opened once; every file of it is opened below that descriptor."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Self

from catalog.errors import FileProblem, LibraryOffline, PathRefused, UnreadableFile
from catalog.storage.beneath import Beneath, LinkLeavesError
from catalog.storage.files import OpenFile
from catalog.storage.trouble import file_problem, reason, refuse_special
from catalog.storage.values import Snapshot, shown
from catalog.vocabulary import FindingCode

if TYPE_CHECKING:
    from types import TracebackType

_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY  # a named pipe would block a plain open for ever
_LIST = os.O_RDONLY | os.O_DIRECTORY


class Root:
    """The descriptor of a library folder. Use as a context manager; files opened from it must not outlive it.

    `path` is what it was called, `real` the same without symbolic links.
    """

    def __init__(self, path: bytes) -> None:
        """Raises `LibraryOffline` when the folder is not there or may not be listed."""
        self.path, self.real = os.path.abspath(path), os.path.realpath(path)
        try:
            self._descriptor = os.open(self.real, _LIST | os.O_CLOEXEC)
        except OSError as error:
            raise LibraryOffline(f"{shown(path)} cannot be reached: {reason(error)}.") from error
        self.beneath = Beneath(self._descriptor, (self.path, self.real))
        self.snapshot = Snapshot.of(os.fstat(self._descriptor))

    def fileno(self) -> int:
        """The descriptor, -1 once closed. It belongs to this object."""
        return self._descriptor

    def open(self, relative: bytes, *, name: bytes | None = None) -> OpenFile:
        """A regular file of the library; links within it are followed. `name` is what readers will call it.

        Raises `PathRefused` for a path that climbs, `ChangedFile(VANISHED)`, and `UnreadableFile`: NOT_A_FILE,
        LINK_LEAVES, UNREADABLE or DISK_READ_ERROR.
        """
        _refuse_climbing(relative)
        try:
            descriptor = self.beneath.open(relative, _READ)
        except LinkLeavesError as error:
            raise UnreadableFile(FindingCode.LINK_LEAVES, target=shown(error.target)) from error
        except OSError as error:
            raise self._problem(error, relative) from error
        own_name = name if name is not None else os.path.basename(relative)
        return OpenFile(descriptor, name=own_name, look=lambda: self.look(relative))

    def look(self, relative: bytes) -> Snapshot:
        """The stat of what the path leads to now, without opening it. Raises `OSError`."""
        return Snapshot.of(self._stat(relative))

    def folder(self, relative: bytes) -> int:
        """A new descriptor of a folder, for the caller to list and close; no link is followed. Raises `OSError`."""
        return self.beneath.open(relative, _LIST, links=False)

    def resolve(self, relative: bytes) -> tuple[bytes, os.stat_result]:
        """The path that `relative` leads to once its links are followed, and the stat of it.

        Raises `LinkLeavesError` when a link leads out of the library, else `OSError`.
        """
        return self.beneath.resolve(relative)

    def still_there(self) -> bool:
        """The path still leads to the folder that was opened: nothing was unmounted or mounted over it."""
        try:
            return os.path.samestat(os.stat(self.real), os.fstat(self._descriptor))
        except OSError:
            return False

    def close(self) -> None:
        """Lets go of the descriptor; safe to call twice."""
        descriptor, self._descriptor = self._descriptor, -1
        self.beneath.descriptor = -1
        if descriptor >= 0:
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _stat(self, relative: bytes) -> os.stat_result:
        try:
            descriptor = self.beneath.open(relative, os.O_PATH)
        except LinkLeavesError as error:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV)) from error
        try:
            return os.fstat(descriptor)
        finally:
            os.close(descriptor)

    def _problem(self, error: OSError, relative: bytes) -> FileProblem:
        """A socket, or a device that nothing drives, fails to open with ENXIO: say what it is."""
        if error.errno == errno.ENXIO:
            try:
                refuse_special(self._stat(relative))
            except UnreadableFile as special:
                return special
            except OSError:
                pass
        return file_problem(error, where=relative)


def open_path(path: bytes) -> OpenFile:
    """A file that a person named by its path alone; links are followed, since the person chose the path.

    The folder of the file is opened with it and closed with it. Raises like `Root.open`.
    """
    folder, name = os.path.split(os.path.realpath(path))
    try:
        root = Root(folder)
    except LibraryOffline as error:
        if isinstance(error.__cause__, OSError):
            raise file_problem(error.__cause__, where=path) from error
        raise
    try:
        opened = root.open(name, name=os.path.basename(path))
    except BaseException:
        root.close()
        raise
    opened.close_with(root.close)
    return opened


def _refuse_climbing(relative: bytes) -> None:
    if relative.startswith(b"/") or b"\0" in relative or b".." in relative.split(b"/"):
        raise PathRefused(f"{shown(relative)} is no path inside a library folder: write it without a leading / and ..")
