"""Timing things against each other: interleaved rounds, in random order, and ratios within each round.

A shared machine makes seconds worthless and ratios within one round trustworthy.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the answer: medians over the rounds. `ratio` is how many times the time of `base` it took.

    `items` is how many files one run handled, 0 where they are not counted.
    """

    name: str
    seconds: float
    cpu_seconds: float
    ratio: float
    base: str
    items: int = 0


@dataclass(frozen=True, slots=True)
class _Cost:
    wall: float
    cpu: float


def compare(
    cases: Mapping[str, Callable[[], object]], rounds: int, bases: Sequence[tuple[str, str]] = (), *, items: int = 0
) -> list[Row]:
    """Run each case once a round. Rows against the first case, then one for each of `bases` (name, other base)."""
    costs: dict[str, list[_Cost]] = {name: [] for name in cases}
    for _ in range(rounds):
        order = list(cases)
        random.shuffle(order)
        for name in order:
            costs[name].append(_cost(cases[name]))
    first = next(iter(cases))
    return [_row(costs, name, base, items) for name, base in [*((name, first) for name in cases), *bases]]


def tool(*command: str) -> Callable[[], object]:
    """A case that runs a program, its output thrown away."""
    return lambda: subprocess.run(command, stdout=subprocess.DEVNULL, check=True)  # noqa: S603 - fixed programs


def _cost(case: Callable[[], object]) -> _Cost:
    wall, cpu = time.perf_counter(), sum(os.times()[:4])
    case()
    return _Cost(time.perf_counter() - wall, sum(os.times()[:4]) - cpu)


def _row(costs: Mapping[str, list[_Cost]], name: str, base: str, items: int) -> Row:
    ours, theirs = costs[name], costs[base]
    return Row(
        name,
        statistics.median(cost.wall for cost in ours),
        statistics.median(cost.cpu for cost in ours),
        statistics.median(mine.wall / other.wall for mine, other in zip(ours, theirs, strict=True)),
        base,
        items,
    )
