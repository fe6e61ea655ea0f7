"""What the storage room says about places: frozen values, no handles.

They are named tuples: a walk makes one of each for every file, and a frozen dataclass takes twice as long to make.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    import os


class Snapshot(NamedTuple):
    """The five facts of a stat that decide whether a file is unchanged, and its number of hard links."""

    dev: int
    ino: int
    size: int
    mtime_ns: int
    ctime_ns: int
    links: int = 1

    @classmethod
    def of(cls, stat: os.stat_result) -> Self:
        return cls(stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_nlink)

    def same_moment(self, other: Snapshot) -> bool:
        """No write happened between the two on the same file (links do not count, ctime does)."""
        return self[:5] == other[:5]


class Entry(NamedTuple):
    """One regular file below a library. `path` is relative to the library, `/` between parts, raw bytes.

    `real` is the path of the link's target when the entry was reached through a symbolic link inside the library.
    """

    path: bytes
    snapshot: Snapshot
    real: bytes | None = None


def shown(path: bytes) -> str:
    r"""A path as text for people and for a database: what is not UTF-8 and NUL become `\xff`."""
    return path.decode("utf-8", "backslashreplace").replace("\0", "\\x00")
