"""What becomes of values below the normal ones of f16: a converter keeps all of them, or flushes all to zero.

A zero says no more than that the value was small, so a changed small value would hide behind it, were it not for the
others that the same file still keeps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from catalog.vocabulary import Direction

if TYPE_CHECKING:
    from catalog.matching.full_faces import Face

_NORMAL = 2.0**-14
"""The smallest normal value of f16."""
_LOST = 1.02 * 2.0**-25
"""Up to here rounding to nearest makes zero; a little more where the values are rounded themselves."""
_SIDES = ((Direction.RIGHT_FROM_LEFT, 0, 1), (Direction.LEFT_FROM_RIGHT, 1, 0))


@dataclass(slots=True)
class Below:
    """By direction: does the side that was made hold small values, and zeros where the other holds small ones?"""

    kept: set[Direction] = field(default_factory=set)
    flushed: set[Direction] = field(default_factory=set)

    def look(self, left: Face, right: Face, *, equal: bool) -> None:
        """The next values of a pair, which may be `equal` all of them."""
        sides = left, right
        for direction, source, target in _SIDES:
            if sides[target].dtype != "F16":
                continue
            if direction not in self.kept:
                size = np.abs(sides[target].values)
                if ((size > 0) & (size < _NORMAL) & (sides[source].values != 0)).any():
                    self.kept.add(direction)
            if not equal and direction not in self.flushed:
                lost = np.abs(sides[source].values[sides[target].values == 0]) > _LOST
                if lost.any():
                    self.flushed.add(direction)

    def uneven(self, direction: Direction) -> bool:
        """Were some of the small values flushed, and others kept? Of siblings it is asked of either side."""
        both = self.kept & self.flushed
        return direction in both if direction else bool(both)
