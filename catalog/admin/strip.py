"""The strip of a comparison: all tensors side by side, as wide as they have values, drawn on the server."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from catalog.templatetags.look import paint_verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from catalog.matching.base import ComponentVerdict, Row
    from catalog.vocabulary import TensorVerdict

_GAP = 0.3
_LEAST = 0.12
_LABEL = 5.0
_MOST_RUNS = 600


class Run(NamedTuple):
    """Neighbours with one verdict: their place and width in percent, and how many tensors they are."""

    verdict: TensorVerdict
    x: str
    width: str
    tensors: int
    component: str

    @property
    def strip(components: Sequence[ComponentVerdict]) -> Strip:
    """Components in their order, their tensors in the order of the table; the widths add up to 100 percent."""
    parts = [(part.left or part.right, part.rows) for part in components if part.rows]
    total = sum(_width(row) for _, rows in parts for row in rows)
    room = 100 - _GAP * max(0, len(parts) - 1)
    runs: list[Run] = []
    blocks: list[Block] = []
    at = 0.0
    for name, rows in parts:
        begin = at
        for run, width in _runs(rows):
            share = max(room * width / total, _LEAST if len(runs) < _MOST_RUNS else 0.0)
            share = min(share, 100 - at)
            runs.append(Run(run[0].verdict, f"{at:.2f}", f"{share:.2f}", len(run), name))
            at += share
        blocks.append(Block(name, f"{begin:.2f}", at - begin >= _LABEL))
        at += _GAP
    return Strip(tuple(runs), tuple(blocks))


def _runs(rows: Iterable[Row]) -> Iterable[tuple[list[Row], float]]:
    for _, group in groupby(rows, key=lambda row: row.verdict):
        run = list(group)
        yield run, sum(_width(row) for row in run)


def _width(row: Row) -> float:
    return float(max(row.of, 1))
