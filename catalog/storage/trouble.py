"""What the operating system refuses, in words that help: an `OSError` becomes an error of the catalog."""

from __future__ import annotations

import errno
import stat
from typing import TYPE_CHECKING

from catalog.errors import ChangedFile, FileProblem, UnreadableFile
from catalog.storage.values import shown
from catalog.vocabulary import FindingCode

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

_GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ESTALE})
_DISK = frozenset({errno.EIO, errno.EUCLEAN, errno.EBADMSG, errno.EREMOTEIO, errno.ENODATA})
_OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EBADF})

_REASONS: Mapping[int, str] = {
    errno.EACCES: "permission denied",
    errno.EPERM: "permission denied",
    errno.ENOENT: "it is not there",
    errno.ENOTDIR: "a part of its path is not a folder",
    errno.ESTALE: "the network drive no longer knows it",
    errno.EIO: "input/output error of the drive",
    errno.EUCLEAN: "the file system is damaged",
    errno.EBADMSG: "the file system found a wrong checksum",
    errno.EREMOTEIO: "input/output error of the network drive",
    errno.ELOOP: "symbolic links lead in a circle",
    errno.ENAMETOOLONG: "its name is too long",
    errno.ENXIO: "no device answers",
    errno.ENODEV: "no device answers",
    errno.ETIMEDOUT: "the network drive does not answer",
    errno.EHOSTDOWN: "the network drive does not answer",
    errno.ENOTCONN: "the network drive is not connected",
}

_SPECIES = (
    (stat.S_ISDIR, "folder"),
    (stat.S_ISFIFO, "named pipe"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISLNK, "symbolic link"),
)


def reason(error: OSError) -> str:
    """A few words for people: `permission denied`."""
    known = _REASONS.get(error.errno or 0)
    return known or (error.strerror or "the system gave no reason").lower()


def species(mode: int) -> str:
    """What a thing that is no regular file is: `named pipe`, `socket`, `folder`, `device`."""
    return next((word for test, word in _SPECIES if test(mode)), "device")


def file_problem(error: OSError, *, where: bytes | str) -> FileProblem:
    """The error that the file at `where` gets. Raises `error` when it speaks of this process, not of the file."""
    if error.errno in _OURS:
        raise error
    if error.errno in _GONE:
        return ChangedFile(FindingCode.VANISHED)
    if error.errno in _DISK:
        place = where if isinstance(where, str) else shown(where)
        return UnreadableFile(FindingCode.DISK_READ_ERROR, where=place, reason=reason(error))
    return UnreadableFile(FindingCode.UNREADABLE, reason=reason(error))


def refuse_special(found: os.stat_result) -> None:
    """Raises `UnreadableFile(NOT_A_FILE)` unless it is a regular file."""
    if not stat.S_ISREG(found.st_mode):
        raise UnreadableFile(FindingCode.NOT_A_FILE, what=species(found.st_mode))
