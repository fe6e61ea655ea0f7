"""Tensors that are fused in one file and apart in the other: q, k and v; gate and up; the parts of a projection.

Keys over all values are sums, so those of the parts add up to that of the whole. Else the samples tell: since they lie
at elevenths, some rows of the whole coincide with rows of its parts, wherever in it they begin.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import permutations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from catalog.fingerprints import positions
from catalog.fingerprints.base import CODES, Samples
from catalog.matching import thresholds
from catalog.matching.fusing_sums import Total, met, sums
from catalog.matching.pairing_orders import meet
from catalog.matching.pairing_sides import Sort, is_large
from catalog.vocabulary import Mapped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from catalog.fingerprints.base import Floats
    from catalog.matching.pairing import Link
    from catalog.matching.pairing_sides import Match, Side


class Part(NamedTuple):
    """`part` is number `number` of `parts` parts of `whole`: its rows (or `columns`) from `offset` on.

    `transposed`: the part is turned before. `match` where keys over all values say so, else `score` is the correlation
    where samples coincide.
    """

    whole: int
    part: int
    offset: int
    number: int
    parts: int
    columns: bool = False
    transposed: bool = False
    match: Match | None = None
    score: float = 1.0


class Grid(NamedTuple):
    """The samples of a tensor as a matrix, each column of `Samples` of shape (rows, columns), and where they lie."""

    samples: Samples
    rows: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]
    shape: tuple[int, int]

    def turned(self) -> Grid:
        """The transpose."""
        return Grid(Samples(*(one.T for one in self.samples)), self.columns, self.rows, self.shape[::-1])


def grid_of(side: Side, number: int) -> Grid | None:
    """Of one tensor; None without samples."""
    rows, columns = side.shape(number)
    if is_large(side.sizes[number], side.axes[number]):
        places = positions.grid(rows), positions.grid(columns)
    else:
        places = np.arange(rows), np.arange(columns)
    samples = side.samples[number]
    if not len(samples.values) or len(samples.values) != len(places[0]) * len(places[1]):
        return None
    shape = len(places[0]), len(places[1])
    return Grid(Samples(*(one.reshape(shape) for one in samples)), *places, (rows, columns))


def meeting(whole: Grid, part: Grid, offset: int, *, columns: bool) -> tuple[Samples, Samples]:
    """The samples of both at the same places, flat; `part` begins at row (or column) `offset` of `whole`."""
    down, across = (0, offset) if columns else (offset, 0)
    _, rows, part_rows = np.intersect1d(whole.rows, part.rows + down, assume_unique=True, return_indices=True)
    _, lines, part_lines = np.intersect1d(whole.columns, part.columns + across, assume_unique=True, return_indices=True)
    here, there = np.ix_(rows, lines), np.ix_(part_rows, part_lines)
    return (
        Samples(*(one[here].reshape(-1) for one in whole.samples)),
        Samples(*(one[there].reshape(-1) for one in part.samples)),
    )


def summed(whole: Side, part: Side, wholes: list[int], pieces: list[int]) -> list[Part]:
    """Tensors `wholes` of the one side that are the sum of some of `pieces` of the other. Each piece at most once."""
    asked = [number for number in wholes if whole.codes(number) >= CODES]
    pieces = [number for number in pieces if part.constant(number) or part.codes(number) >= CODES]
    totals = sorted(sums(whole, part, asked, pieces), key=lambda total: whole.sorts[total.whole] is not Sort.CORE)
    order: dict[str, int] = {}
    found: list[Part] = []
    for total in totals:
        placed = _placed(whole, part, total, order)
        order |= {_stem(part, each.part): each.number for each in placed}
        found += placed
    return found


def _stem(side: Side, number: int) -> str:
    """The name of the layer that a tensor belongs to: its bias is where its weight is."""
    return side.tensors[number].name.rpartition(".")[0]


def filled(whole: Side, part: Side, wholes: list[int], pieces: list[int]) -> list[Part]:
    """The same by the correlation of coinciding samples; of core tensors only."""
    filler = _Filler(whole, part, [number for number in pieces if part.sorts[number] is Sort.CORE])
    return list(filler.fill([number for number in wholes if whole.sorts[number] is Sort.CORE]))


def _placed(whole: Side, part: Side, total: Total, known: dict[str, int]) -> list[Part]:
    """Parts that add up to the whole, in the order in which their samples fit best; where several do, in that of the
    other tensors of the same layers.
    """
    number, matches = total.whole, total.matches
    usual = tuple(sorted(matches, key=lambda piece: known.get(_stem(part, piece), 0)))
    best: list[Part] = []
    best_score = -1.0
    for turn in (False, True):
        for order in permutations(usual):
            tried = _laid(whole, part, number, order, turn=turn)
            score = sum(each.score for each in tried)
            if tried and score > best_score + 1e-9:
                best, best_score = tried, score
    return [each._replace(match=matches[each.part], score=1.0) for each in best]


def _laid(whole: Side, part: Side, number: int, order: Sequence[int], *, turn: bool) -> list[Part]:
    """The parts one after the other, each with the share of coinciding samples that meet; [] where shapes forbid it."""
    shape = whole.shape(number)
    shapes = [part.shape(n)[::-1] if turn else part.shape(n) for n in order]
    columns = all(rows == shape[0] for rows, _ in shapes) and sum(wide for _, wide in shapes) == shape[1]
    if not columns and not (
        all(wide == shape[1] for _, wide in shapes) and sum(rows for rows, _ in shapes) == shape[0]
    ):
        return []
    laid = []
    offset = 0
    for at, (piece, size) in enumerate(zip(order, shapes, strict=True), 1):
        score = _agreement(grid_of(whole, number), grid_of(part, piece), offset, columns=columns, turn=turn)
        laid.append(Part(number, piece, offset, at, len(order), columns, turn, score=score))
        offset += size[columns]
    return laid


def _agreement(whole: Grid | None, part: Grid | None, offset: int, *, columns: bool, turn: bool) -> float:
    """How many of the coinciding samples may be of one value; a half where none coincide."""
    if whole is None or part is None:
        return 0.5
    one, other = meeting(whole, part.turned() if turn else part, offset, columns=columns)
    known = np.isfinite(one.values) & np.isfinite(other.values)
    if not known.any():
        return 0.5
    return float(meet(one, other)[known].mean())


class _Filler:
    """Fills fused tensors with parts, from the first row on, by the correlation of coinciding samples."""

    def __init__(self, whole: Side, part: Side, pieces: list[int]) -> None:
        self.whole, self.part = whole, part
        self.spent = 0
        self.used: set[int] = set()
        self.pieces: dict[tuple[int, int], list[tuple[int, bool]]] = defaultdict(list)
        for number in pieces:
            rows, columns = part.shape(number)
            self.pieces[rows, columns].append((number, False))
            self.pieces[columns, rows].append((number, True))

    def fill(self, wholes: list[int]) -> Iterator[Part]:
        """The parts of all that can be filled to the end; by rows, else by columns."""
        for number in wholes:
            grid = grid_of(self.whole, number)
            if grid is None:
                continue
            for columns in (False, True):
                found = self._filled(number, grid, columns=columns)
                if found:
                    self.used |= {each.part for each in found}
                    total = met(self.whole, self.part, [each.part for each in found], number)
                    matches = total.matches if total is not None else {}
                    yield from (each._replace(parts=len(found), match=matches.get(each.part)) for each in found)
                    break

    def _filled(self, number: int, grid: Grid, *, columns: bool) -> list[Part]:
        length, across = grid.shape[::-1] if columns else grid.shape
        found: list[Part] = []
        offset = 0
        while offset < length and self.spent < thresholds.FUSED_BUDGET:
            best = self._best(grid, offset, length - offset, across, {each.part for each in found}, columns=columns)
            if best is None:
                return []
            piece, turn, score, size = best
            found.append(Part(number, piece, offset, len(found) + 1, 0, columns, turn, score=score))
            offset += size
        return found if offset == length and len(found) > 1 else []

    def _best(
        self, grid: Grid, offset: int, room: int, across: int, taken: set[int], *, columns: bool
    ) -> tuple[int, bool, float, int] | None:
        """The piece that correlates best at this place: its number, whether it is turned, its score and its length."""
        best: tuple[int, bool, float, int] | None = None
        for shape, pieces in self.pieces.items():
            size, wide = shape[::-1] if columns else shape
            if wide != across or size > room or (size == room and not offset):
                continue
            for piece, turn in pieces:
                if piece in self.used or piece in taken:
                    continue
                self.spent += 1
                score = self._score(grid, piece, offset, columns=columns, turn=turn)
                if score and (best is None or score > best[2]):
                    best = (piece, turn, score, size)
        return best

    def _score(self, grid: Grid, piece: int, offset: int, *, columns: bool, turn: bool) -> float:
        """The correlation where samples coincide; 0 where it is too small, or they are too few."""
        part = grid_of(self.part, piece)
        if part is None:
            return 0.0
        one, other = meeting(grid, part.turned() if turn else part, offset, columns=columns)
        known = np.isfinite(one.values) & np.isfinite(other.values)
        count = int(known.sum())
        if count < thresholds.FEWEST_SAMPLES:
            return 0.0
        score = _correlation(one.values[known], other.values[known])
        least = thresholds.PART_CORRELATION if count >= thresholds.LEAST_SAMPLES else thresholds.FEW_CORRELATION
        return score if score >= least else 0.0


def _correlation(one: Floats, other: Floats) -> float:
    """About their means where both are lopsided, as in `pairing_samples`."""
    if all(abs(each.mean()) > thresholds.CENTRED * np.sqrt((each**2).mean()) for each in (one, other)):
        one, other = one - one.mean(), other - other.mean()
    length = np.sqrt((one**2).sum() * (other**2).sum())
    return float((one * other).sum() / length) if length > 0 else 0.0


def coinciding(left: Side, right: Side, link: Link) -> tuple[Samples, Samples] | None:
    """The samples of a left and a right tensor, one of which is part of the other, that lie at the same places."""
    mine, theirs = grid_of(left, link.left), grid_of(right, link.right)
    if mine is None or theirs is None:
        return None
    theirs = theirs.turned() if link.transposed else theirs
    columns = link.mapped is Mapped.COLUMNS
    if left.sizes[link.left] >= right.sizes[link.right]:
        return meeting(mine, theirs, link.offset, columns=columns)
    whole, part = meeting(theirs, mine, link.offset, columns=columns)
    return part, whole
