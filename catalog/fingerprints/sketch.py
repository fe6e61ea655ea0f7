"""Which bytes of a file the samples of its tensors need, and the samples that those bytes give.

A plan is made from the header alone. Who reads the file, in whatever order, cuts out the pieces it wants.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import accumulate, pairwise
from math import prod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from catalog.fingerprints.base import NO_SAMPLES, Samples
from catalog.fingerprints.codings import codings_of
from catalog.fingerprints.floats import WIDTHS
from catalog.fingerprints.positions import is_small, matrix, places
from catalog.fingerprints.row_order import RowOrder, RowOrders

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence

    import numpy.typing as npt

    from catalog.fingerprints.base import Floats
    from catalog.fingerprints.codings import Coding
    from catalog.fingerprints.companions import Scale
    from catalog.fingerprints.forms import Form
    from catalog.fingerprints.positions import Places
    from catalog.formats.base import Json, TensorInfo

    Pieces = Mapping[int, npt.NDArray[np.uint8]]

_PLAIN = frozenset(WIDTHS) - {"F64"}
_BATCH = 1 << 20  # bytes decoded at once


class Wanted(NamedTuple):
    """Pieces of one tensor: `length` bytes at each of `offsets`, which are ascending and without repetitions.

    They count from the first byte of the tensor's values as these are in C order, little-endian. For a tensor with
    `stored` that is the stream which `catalog.hashing.stored` makes of it, not the file.
    """

    tensor: int
    offsets: Places
    length: int


class SketchPlan:
    """What to read of each tensor of a variant, and how to make samples of it."""

    def __init__(self, tensors: Sequence[TensorInfo], metadata: Mapping[str, Json]) -> None:
        self._count = len(tensors)
        self._wanted: list[Wanted] = []
        orders = RowOrders(tensors, metadata)
        self._steps = [
            self._step(tensors, number, coding, orders.of(tensors[number]))
            for number, coding in enumerate(codings_of(tensors, metadata))
            if coding is not None
        ]
        self.wanted: tuple[Wanted, ...] = tuple(self._wanted)
        self.scaled = frozenset(step.tensor for step in self._steps if step.scale is not None)
        """Tensors whose values are their codes times a scale that lies beside them."""

    def stored(self, pieces: Pieces) -> dict[int, bytes]:
        """The samples of tensors of plain floating point of at most 32 bits as they are stored, by number."""
        return {
            step.tensor: step.stored(pieces[step.wanted])
            for step in self._steps
            if step.scale is None and step.coding.dtype in _PLAIN and step.wanted in pieces
        }

    def samples(self, pieces: Pieces, *, besides: Container[int] = ()) -> tuple[Samples, ...]:
        """Of each tensor of the plan, in its order. `pieces`: uint8 of shape (pieces, length) by number in `wanted`.

        A tensor whose values are not known, or whose pieces are not there, has none; nor those `besides` these.
        """
        found = [NO_SAMPLES] * self._count
        together: dict[Form, list[_Step]] = {}
        for step in self._steps:
            if step.tensor in besides or not all(number in pieces for number in step.needs):
                continue
            if step.scale is None:
                together.setdefault(step.coding.form, []).append(step)
            else:
                found[step.tensor] = step.samples(pieces)
        for form, steps in together.items():
            for some in _batches(steps):
                for step, part in zip(some, _decoded(form, some, pieces), strict=True):
                    found[step.tensor] = part
        return tuple(found)

    def _step(self, tensors: Sequence[TensorInfo], number: int, coding: Coding, order: RowOrder) -> _Step:
        """What one tensor wants; `order`: that of its rows."""
        shape, form = tensors[number].shape, coding.form
        layout = _layout(shape, form.values, form.nbytes, order)
        wanted = self._want(number, layout.offsets, layout.length)
        if coding.scale is None or coding.scale_form is None:
            return _Step(number, coding, layout, wanted)
        index, inverse = _scales(shape, coding.scale._replace(tensor=0, first=0, zero=None), order)
        index = index + coding.scale.first
        scale = self._want(coding.scale.tensor, index * coding.scale_form.nbytes, coding.scale_form.nbytes)
        zero = None
        if coding.scale.zero is not None and coding.zero_form is not None:
            zero = self._want(coding.scale.zero, index * coding.zero_form.nbytes, coding.zero_form.nbytes)
        return _Step(number, coding, layout, wanted, scale, zero, inverse)

    def _want(self, tensor: int, offsets: Places, length: int) -> int:
        self._wanted.append(Wanted(tensor, offsets, length))
        return len(self._wanted) - 1


def plan(tensors: Sequence[TensorInfo], metadata: Mapping[str, Json]) -> SketchPlan:
    """The plan for the tensors of a whole variant, stacks of experts already split (`name[3]`).

    `metadata` is the header's: of a GGUF file it says how many heads there are.
    """
    return SketchPlan(tensors, metadata)


class _Layout(NamedTuple):
    """Where the units of a tensor's samples begin, and which of the decoded values are the samples (None: all)."""

    offsets: Places
    length: int
    pick: Places | None

    def picked(self, found: Samples) -> Samples:
        return found if self.pick is None else Samples(*(column[self.pick] for column in found))


class _Step(NamedTuple):
    """How the samples of one tensor are made: numbers in `wanted` of its pieces, of its scales and zero points.

    `inverse`: of each sample, which of the scales it has.
    """

    tensor: int
    coding: Coding
    layout: _Layout
    wanted: int
    scale: int | None = None
    zero: int | None = None
    inverse: Places | None = None

    @property
    def needs(self) -> tuple[int, ...]:
        return tuple(number for number in (self.wanted, self.scale, self.zero) if number is not None)

    def stored(self, raw: npt.NDArray[np.uint8]) -> bytes:
        """The bytes of the samples of a tensor whose units are single values."""
        pick = self.layout.pick
        return raw.tobytes() if pick is None else raw.reshape(-1, self.coding.form.nbytes)[pick].tobytes()

    def samples(self, pieces: Pieces) -> Samples:
        """Of a tensor with scales beside it."""
        raw = np.ascontiguousarray(pieces[self.wanted]).reshape(-1, self.coding.form.nbytes)
        scales = self._values(pieces, self.scale, self.coding.scale_form)
        zeros = self._values(pieces, self.zero, self.coding.zero_form)
        return self.layout.picked(self.coding.decode(raw, scales, zeros))

    def _values(self, pieces: Pieces, number: int | None, form: Form | None) -> Floats | None:
        if number is None or form is None:
            return None
        return form.decode(np.ascontiguousarray(pieces[number])).values.reshape(-1)[self.inverse]


def _batches(steps: Sequence[_Step]) -> Iterator[list[_Step]]:
    """Tensors of one type, so many at once that what is decoded stays small."""
    batch: list[_Step] = []
    size = 0
    for step in steps:
        batch.append(step)
        size += len(step.layout.offsets) * step.layout.length
        if size >= _BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _decoded(form: Form, steps: Sequence[_Step], pieces: Pieces) -> list[Samples]:
    """The samples of many tensors of one type, decoded at once."""
    raw = [pieces[step.wanted].reshape(-1, form.nbytes) for step in steps]
    before = [0, *accumulate(len(units) * form.values for units in raw)]
    picks = [
        (np.arange(len(units) * form.values) if step.layout.pick is None else step.layout.pick) + first
        for step, units, first in zip(steps, raw, before, strict=False)
    ]
    found = form.pick(np.concatenate(raw), np.concatenate(picks))
    ends = [0, *accumulate(len(pick) for pick in picks)]
    return [Samples(*(column[start:stop] for column in found)) for start, stop in pairwise(ends)]


@lru_cache(8192)
def _layout(shape: tuple[int, ...], values: int, nbytes: int, order: RowOrder) -> _Layout:
    """Of all tensors of one shape and type; each unit is `values` values in `nbytes` bytes."""
    wanted = _reordered(shape, order)
    if values == 1 and is_small(shape):
        return _Layout(np.zeros(1, np.int64), prod(shape) * nbytes, wanted if order else None)
    if values == 1 and not order:
        return _Layout(wanted * nbytes, nbytes, None)
    unit, inverse = np.unique(wanted // values, return_inverse=True)
    return _Layout(unit * nbytes, nbytes, inverse * values + wanted % values)


@lru_cache(8192)
def _scales(shape: tuple[int, ...], scale: Scale, order: RowOrder) -> tuple[Places, Places]:
    """Which scales the samples of a tensor have, each once, and which of these each sample has."""
    index, inverse = np.unique(scale.numbers(_reordered(shape, order), matrix(shape)[1]), return_inverse=True)
    return index, inverse


def _reordered(shape: tuple[int, ...], order: RowOrder) -> Places:
    """Where the samples are stored."""
    wanted = places(shape)
    if not order:
        return wanted
    rows = next((length for length in shape if length > 1), 1)
    columns = prod(shape) // rows
    row, column = np.divmod(wanted, columns)
    return order.stored(row, rows) * columns + column
