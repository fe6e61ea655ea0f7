"""What hashing a claim came to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HashReport:
    """Counts of places. `hashed` were read to their end, and `failed` could not be.

    Of the hashed ones, `absorbed` proved to be variants that were known already; `restored` are edited ones with the
    same bytes as before, `moved_on` with others. `joined` counts models that became one by themselves. `bytes_read` in
    `seconds` of reading.
    """

    hashed: int = 0
    failed: int = 0
    absorbed: int = 0
    restored: int = 0
    moved_on: int = 0
    joined: int = 0
    bytes_read: int = 0
    seconds: float = 0.0

    def __add__(self, other: HashReport) -> HashReport:
        return HashReport(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))
