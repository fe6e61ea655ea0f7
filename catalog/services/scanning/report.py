"""What one scan came to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.vocabulary import SkipReason


@dataclass(frozen=True, slots=True)
class ScanReport:
    """Counts of places: a file, or a set of files that are one model.

    `new`, `edited`, `moved`, `missing`, `revived` (missing or offline before) and `unchanged` say what became of them.
    `touched` ones have the same size and time as before and another inode or ctime. `away` lie on a drive that is not
    mounted. `skipped` counts what was passed by, by reason; `links` are second names inside the library; `findings` are
    open after this scan; `seen` is everything that was listed. `complete` means that every folder could be listed.
    """

    new: int = 0
    edited: int = 0
    touched: int = 0
    moved: int = 0
    missing: int = 0
    away: int = 0
    revived: int = 0
    unchanged: int = 0
    skipped: Mapping[SkipReason, int] = field(default_factory=dict)
    links: int = 0
    findings: int = 0
    seen: int = 0
    seconds: float = 0.0
    complete: bool = True

    @property
    def changed(self) -> bool:
        """Something is other than it was before."""
        return any((self.new, self.edited, self.touched, self.moved, self.missing, self.away, self.revived))

    def as_json(self) -> dict[str, object]:
        """The same for a row or a line of output; the reasons as their words."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return values | {"skipped": {reason.value: count for reason, count in sorted(self.skipped.items())}}
