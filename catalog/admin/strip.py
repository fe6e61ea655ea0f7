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


class Run(NamedTuple):
    """Neighbours with one verdict: their place and width in percent, and how many tensors they are."""

    verdict: TensorVerdict
    x: str
    width: str
    tensors: int
    component: str

    @property
    def short(self) -> str:
        """The two letters of the class that paints it."""
        return paint_verdict(self.verdict)


class Block(NamedTuple):
    """One component: where it begins, its name, and whether there is room to write it below."""

    name: str
    x: str
    labelled: bool


@dataclass(frozen=True, slots=True)
class Strip:
    """What the template draws."""

    runs: tuple[Run, ...]
    blocks: tuple[Block, ...]
    gap: str = f"{_GAP:.2f}"


def strip(components: Sequence[ComponentVerdict]) -> Strip:
    """Components in their order, their tensors in the order of the table; the widths add up to 100 percent.

    A run too thin to be seen gets a least width, and the others give way.
    """
    parts = [(part.left or part.right, list(_runs(part.rows))) for part in components if part.rows]
    total = sum(width for _, found in parts for _, width in found)
    count = sum(len(found) for _, found in parts)
    least = min(_LEAST, 50 / count) if count else 0.0
    room = 100 - _GAP * max(0, len(parts) - 1) - least * count
    runs: list[Run] = []
    blocks: list[Block] = []
    at = 0.0
    for name, found in parts:
        begin = at
        for rows, width in found:
            share = least + room * width / total
            runs.append(Run(rows[0].verdict, f"{at:.2f}", f"{share:.2f}", len(rows), name))
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
