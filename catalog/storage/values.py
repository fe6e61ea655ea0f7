"""What the storage room says about places: frozen values, no handles."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Snapshot:
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
        return (self.dev, self.ino, self.size, self.mtime_ns, self.ctime_ns) == (
            other.dev,
            other.ino,
            other.size,
            other.mtime_ns,
            other.ctime_ns,
        )


@dataclass(frozen=True, slots=True)
class Entry:
    """One regular file below a library. `path` is relative to the library, `/` between parts, raw bytes.

    `real` is the path of the link's target when the entry was reached through a symbolic link inside the library.
    """

    path: bytes
    snapshot: Snapshot
    real: bytes | None = None
