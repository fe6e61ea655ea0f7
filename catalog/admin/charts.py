"""Pictures drawn on the server: widths in percent, so that the page's own width never stretches a word."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.templatetags.look import mass, paint

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from catalog.queries.dashboard import Cell

SHOWN_FORMATS = 8
"""Bars that are drawn; the table below the picture has every format."""
_LEAST_PERCENT = 0.6
_MASSES = (("m32", "32 bit"), ("mb16", "bf16"), ("m16", "16 bit"), ("m8", "8 bit"), ("m4", "4 to 6 bit"), ("", "other"))


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of a bar: where it begins and how wide it is, in percent of the longest bar."""

    cell: Cell
    mass: str
    x: str
    width: str

    @property
    def fill(self) -> str:
        """The class that paints it."""
        return paint(self.mass)

    @property
    def hatched(self) -> bool:
        """bf16 is drawn as fp16 with a pattern over it."""
        return self.mass == "mb16"


@dataclass(frozen=True, slots=True)
class Bar:
    """One format; its parts from heavy to light."""

    format: str
    bytes: int
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Key:
    """One line of the legend."""

    mass: str
    label: str
    bytes: int


def storage_bars(cells: Sequence[Cell]) -> list[Bar]:
    """A bar for each format, the longest first, all on one scale."""
    by_format: dict[str, list[Cell]] = defaultdict(list)
    for cell in sorted(cells, key=lambda cell: (-cell.bits, cell.precision)):
        by_format[cell.format].append(cell)
    totals = {name: sum(cell.bytes for cell in parts) for name, parts in by_format.items()}
    longest = max(totals.values(), default=0)
    names = sorted(totals, key=lambda name: (-totals[name], name))
    return [Bar(name, totals[name], tuple(_segments(by_format[name], longest))) for name in names]


def beyond(bars: Sequence[Bar]) -> tuple[int, int]:
    """How many formats the picture leaves to its table, and their bytes."""
    hidden = bars[SHOWN_FORMATS:]
    return len(hidden), sum(bar.bytes for bar in hidden)


def legend(cells: Iterable[Cell]) -> list[Key]:
    """The masses that occur, heavy to light, with their bytes."""
    sums: dict[str, int] = defaultdict(int)
    for cell in cells:
        sums[mass(cell.precision, cell.bits)] += cell.bytes
    return [Key(name, words, sums[name]) for name, words in _MASSES if name in sums]


def _segments(cells: Sequence[Cell], longest: int) -> Iterable[Segment]:
    """A part too thin to be seen or hit gets a least width; the end of the bar moves by as much."""
    x = 0.0
    for cell in cells:
        width = max(100 * cell.bytes / longest, _LEAST_PERCENT) if longest else 0.0
        width = min(width, 100 - x)
        yield Segment(cell, mass(cell.precision, cell.bits), f"{x:.2f}", f"{width:.2f}")
        x += width
