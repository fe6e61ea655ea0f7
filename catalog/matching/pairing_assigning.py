"""Assigns tensors to tensors where several fit: the likest first, and then so that as few as possible go without."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_STEPS = 1_000_000
"""Candidates looked at in search of a better assignment: a second, however many tensors a hostile file has."""


def assignment(candidates: Sequence[tuple[int, int]]) -> dict[int, int]:
    """Left -> right, each at most once. `candidates`: pairs that fit, the likest first.

    Where the likest first leaves a left one without any, others step aside for it (augmenting paths).
    """
    fits: dict[int, list[int]] = defaultdict(list)
    rights: dict[int, int] = {}
    lefts: dict[int, int] = {}
    for one, other in candidates:
        fits[one].append(other)
        if one not in lefts and other not in rights:
            lefts[one], rights[other] = other, one
    steps = 0
    for one in fits:
        if one not in lefts and len(rights) < len(candidates) and steps < _MOST_STEPS:
            steps += _step_aside(one, fits, lefts, rights, _MOST_STEPS - steps)
    return lefts


def _step_aside(
    first: int, fits: dict[int, list[int]], lefts: dict[int, int], rights: dict[int, int], most: int
) -> int:
    """Give `first` a right one, if those who have one can take others; how many candidates were looked at."""
    asked_by: dict[int, int] = {}
    queue = deque([first])
    steps = 0
    while queue and steps < most:
        one = queue.popleft()
        for other in fits[one]:
            steps += 1
            if other in asked_by:
                continue
            asked_by[other] = one
            if other not in rights:
                _reassign(other, asked_by, lefts, rights)
                return steps
            queue.append(rights[other])
    return steps


def _reassign(free: int, asked_by: dict[int, int], lefts: dict[int, int], rights: dict[int, int]) -> None:
    """Along the path back from a free right one: each takes what it asked for."""
    other: int | None = free
    while other is not None:
        one = asked_by[other]
        former = lefts.get(one)
        lefts[one], rights[other] = other, one
        other = former
