"""Two tensors side by side, block after block: however each of them lies in its file, their values meet in order.

A block is as large as stays in a processor's cache, except of a tensor that has to be turned: that one is read in
strips, each as large as memory allows.
"""

from __future__ import annotations

from functools import partial
from itertools import permutations
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from catalog.fingerprints import floats
from catalog.fingerprints.base import Samples
from catalog.vocabulary import Mapped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from catalog.fingerprints.base import Floats, TensorPrint
    from catalog.fingerprints.values import ValueReader
    from catalog.matching.base import Pair

    Rows: TypeAlias = "Callable[[int, int], Samples]"
    """Rows `first` to `first + count` as they are seen in the pair: arrays of shape (count, columns)."""

BLOCK = 64 << 10
"""Values of a block: three arrays of float64 of each side stay in the second-level cache."""
STRIP = 2 << 20
"""Values of a strip of a tensor that is turned: 48 MiB as value, low and high."""
_TRIED = 16 << 10
"""Values by which the order of dimensions is found, of those that the shape allows."""
_MOST_AXES = 5
_HEAD_SIZES = (64, 80, 96, 128, 256, 32, 48, 112, 160, 192)
"""Rows of a head, of models with rotary embeddings."""


class Side(NamedTuple):
    """One tensor, and where its values are read."""

    values: ValueReader
    number: int
    tensor: TensorPrint

    def rows(self, first: int, count: int, *, heads: int = 0, columns: slice | None = None) -> Samples:
        """Shape (count, columns). Of F32 the values alone: what they may have been is seldom asked, and dear."""
        info = self.values.tensors[self.number]
        plain = info.dtype == "F32" and info.stored is None and not self.values.reordered(self.number)
        if heads or columns is not None or not plain:
            return self.values.rows(self.number, first, count, heads=heads, columns=columns)
        width = self.tensor.columns
        raw = self.values.read(info.file, info.offset + first * width * 4, count * width * 4)
        found = np.frombuffer(raw, "<f4").astype(np.float64).reshape(count, width)
        return Samples(found, found, found)


def complete(dtype: str, block: Samples) -> Samples:
    """With the bounds that were left out."""
    if dtype != "F32" or block.low is not block.values:
        return block
    found = floats.samples("F32", block.values.astype("<f4").view(np.uint8))
    return Samples(block.values, found.low, found.high)


def _each(block: Samples, change: Callable[[Floats], Floats]) -> Samples:
    """The same done to values and bounds; once where all three are one."""
    values = change(block.values)
    if block.low is block.values:
        return Samples(values, values, values)
    return Samples(values, change(block.low), change(block.high))


class View(NamedTuple):
    """A tensor as the pair sees it. `most`: values of a block at best."""

    rows: int
    columns: int
    read: Rows
    most: int = BLOCK


def blocks(pair: Pair, left: Side, right: Side) -> Iterator[tuple[Samples, Samples]]:
    """All values of the pair, flat, those of the left beside those of the right."""
    wide = pair.mapped == Mapped.STRAIGHT and left.tensor.columns > BLOCK and not pair.transposed
    if pair.mapped == Mapped.RESHAPED or wide:
        yield from _flat(left, right)
        return
    one, other = _views(pair, left, right)
    if pair.mapped in {Mapped.ROWS, Mapped.COLUMNS}:
        one, other = _parts(pair, one, other)
    if (one.rows, one.columns) != (other.rows, other.columns):
        yield from _flat(left, right)
        return
    yield from _both(one, other)


def readable(pair: Pair) -> bool:
    """Whether a row of each side fits into memory, where values do not meet as they lie."""
    flat = pair.mapped in {Mapped.STRAIGHT, Mapped.RESHAPED} and not pair.transposed
    return flat or max(pair.left.columns, pair.right.columns) <= STRIP


def values_of(pair: Pair) -> int:
    """How many values the pair has: those of the smaller one where it is part of the other."""
    return min(pair.left.values, pair.right.values)


def _both(one: View, other: View) -> Iterator[tuple[Samples, Samples]]:
    """Strip by strip if one of them needs it, and these block by block."""
    strip, block = _count(one, max(one.most, other.most)), _count(one, BLOCK)
    for first in range(0, one.rows, strip):
        count = min(strip, one.rows - first)
        kept = [view.read(first, count) if view.most > BLOCK else None for view in (one, other)]
        for begin in range(0, count, block):
            rows = min(block, count - begin)
            yield tuple(  # type: ignore[misc] # two of them
                _cut(whole, begin, rows) if whole is not None else _ravel(view.read(first + begin, rows))
                for view, whole in zip((one, other), kept, strict=True)
            )


def _count(view: View, values: int) -> int:
    """Rows with so many values at most, and one at least."""
    return max(1, values // max(1, view.columns))


def _cut(whole: Samples, begin: int, rows: int) -> Samples:
    return _each(whole, lambda array: np.ascontiguousarray(array[begin : begin + rows]).reshape(-1))


def _ravel(block: Samples) -> Samples:
    return _each(block, lambda array: array.reshape(-1))


def _views(pair: Pair, left: Side, right: Side) -> tuple[View, View]:
    """Both as the pair says that they lie; the values of the right one with what was added to them."""
    heads = pair.heads
    if pair.mapped == Mapped.PERMUTED and not any(heads):
        heads = _found_heads(left, right)
    one, other = _plain(left, heads[0]), _plain(right, heads[1])
    if pair.mapped == Mapped.ANY_ORDER:
        other = _axes(left, right)
    elif pair.transposed:
        other = _turned(right)
    if not pair.shift:
        return one, other
    plain = other.read
    return one, other._replace(read=lambda first, count: _shifted(right, plain(first, count), pair.shift))


def _plain(side: Side, heads: int = 0) -> View:
    """As it lies; with `heads` its rows are put in order, so many heads of queries or keys."""
    return View(side.tensor.rows, side.tensor.columns, partial(side.rows, heads=heads))


def _found_heads(left: Side, right: Side) -> tuple[int, int]:
    """On which side, and in heads of how many rows, rows have to be put in order to meet those of the other."""
    rows, best, found = left.tensor.rows, np.inf, (0, 0)
    if rows != right.tensor.rows or left.tensor.columns != right.tensor.columns:
        return found
    some = slice(0, min(left.tensor.columns, _TRIED // max(_HEAD_SIZES)))
    for size in (size for size in _HEAD_SIZES if rows % size == 0):
        for tried in ((rows // size, 0), (0, rows // size)):
            one = left.rows(0, size, heads=tried[0], columns=some)
            other = right.rows(0, size, heads=tried[1], columns=some)
            apart = float(np.nanmean(np.abs(one.values - other.values)))
            best, found = (apart, tried) if apart < best else (best, found)
    return found


def _shifted(side: Side, block: Samples, shift: float) -> Samples:
    return Samples(*(array + shift for array in complete(side.tensor.dtype, block)))


def _turned(side: Side) -> View:
    """Its columns as rows."""
    rows, columns = side.tensor.rows, side.tensor.columns

    def read(first: int, count: int) -> Samples:
        return _assembled(side, (count, rows), lambda array: array.T, axis=1, columns=slice(first, first + count))

    return View(columns, rows, read, most=STRIP)


def _parts(pair: Pair, one: View, other: View) -> tuple[View, View]:
    """The larger of the two cut to where the smaller one is."""
    if one.rows * one.columns > other.rows * other.columns:
        return _part(pair, one, other), other
    return one, _part(pair, other, one)


def _part(pair: Pair, whole: View, part: View) -> View:
    at = pair.offset
    if pair.mapped == Mapped.ROWS or whole.columns == part.columns == 1:  # a part of one dimension is either
        return whole._replace(rows=part.rows, read=lambda first, count: whole.read(at + first, count))

    def read(first: int, count: int) -> Samples:
        return _each(whole.read(first, count), lambda array: array[:, at : at + part.columns])

    return whole._replace(columns=part.columns, read=read)


def _flat(left: Side, right: Side) -> Iterator[tuple[Samples, Samples]]:
    """Values in the order in which they lie, whatever the shapes."""
    total = min(left.tensor.values, right.tensor.values)
    for first in range(0, total, BLOCK):
        count = min(BLOCK, total - first)
        yield _run(left, first, count), _run(right, first, count)


def _run(side: Side, first: int, count: int) -> Samples:
    """Flat: so many values from number `first` on, out of the rows that hold them, or out of a part of one row."""
    columns = max(1, side.tensor.columns)
    row, begin = divmod(first, columns)
    if columns > BLOCK:
        parts = []
        while count:
            length = min(count, columns - begin)
            parts.append(side.rows(row, 1, columns=slice(begin, begin + length)))
            row, begin, count = row + 1, 0, count - length
        return Samples(*(np.concatenate(arrays, axis=1).reshape(-1) for arrays in zip(*parts, strict=True)))
    rows = side.rows(row, -(-(first + count) // columns) - row)
    return _each(rows, lambda array: array.reshape(-1)[begin : begin + count])


def _axes(left: Side, right: Side) -> View:
    """The right tensor with its dimensions in the order that fits the left one best, where any fits at all."""
    shape, rows, columns = right.tensor.axes, left.tensor.rows, left.tensor.columns
    sample = min(rows, max(1, _TRIED // max(1, columns)))
    wanted = left.rows(0, sample).values
    best, order = np.inf, tuple(range(len(shape)))
    possible = len(shape) <= _MOST_AXES and left.tensor.values == right.tensor.values
    for axis in [axis for axis, length in enumerate(shape) if length == rows and possible]:
        block = _gathered(right, shape, axis, 0, sample).values
        for one in (one for one in permutations(range(len(shape))) if one[0] == axis):
            apart = float(np.nanmean(np.abs(_ordered(block, one) - wanted)))
            best, order = (apart, one) if apart < best else (best, order)
    if not np.isfinite(best):
        return _plain(right)

    def read(first: int, count: int) -> Samples:
        return _each(_gathered(right, shape, order[0], first, count), lambda array: _ordered(array, order))

    return View(rows, columns, read, most=STRIP if order[0] else BLOCK)


def _gathered(side: Side, shape: tuple[int, ...], axis: int, first: int, count: int) -> Samples:
    """Of one dimension `count` places from `first` on, of all others everything: arrays with all dimensions."""
    if axis == 0:
        return _each(side.rows(first, count), lambda array: array.reshape(count, *shape[1:]))
    cut = (slice(None),) * axis + (slice(first, first + count),)
    wanted = (*shape[:axis], count, *shape[axis + 1 :])
    return _assembled(side, wanted, lambda array: array.reshape(len(array), *shape[1:])[cut], axis=0)


def _assembled(
    side: Side,
    shape: tuple[int, ...],
    change: Callable[[Floats], Floats],
    *,
    axis: int,
    columns: slice | None = None,
) -> Samples:
    """What `change` leaves of all rows of a tensor, put together along an axis that its rows follow."""
    width = columns.stop - columns.start if columns is not None else side.tensor.columns
    step = max(1, BLOCK // max(1, width))
    found: list[Floats] = []
    for begin in range(0, side.tensor.rows, step):
        block = _each(side.rows(begin, min(step, side.tensor.rows - begin), columns=columns), change)
        parts = block if block.low is not block.values else (block.values,)
        found = found or [np.empty(shape) for _ in parts]
        for target, part in zip(found, parts, strict=True):
            target[(slice(None),) * axis + (slice(begin, begin + part.shape[axis]),)] = part
    return Samples(*found) if len(found) == 3 else Samples(found[0], found[0], found[0])


def _ordered(array: Floats, order: tuple[int, ...]) -> Floats:
    """The dimensions in another order, then all but the first as one."""
    turned = array.transpose(order)
    return np.ascontiguousarray(turned).reshape(turned.shape[0], -1)
