"""The values of whole tensors, read from their files row by row: what a full comparison goes through."""

from __future__ import annotations

from functools import cache
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from catalog.fingerprints import experts
from catalog.fingerprints.base import Samples
from catalog.fingerprints.blocks import BLOCKS
from catalog.fingerprints.codings import codings_of
from catalog.fingerprints.logical import Logical
from catalog.fingerprints.rope import stored_rows
from catalog.fingerprints.row_order import RowOrders
from catalog.fingerprints.shapes import restored
from catalog.hashing.stored import malformed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from catalog.fingerprints.base import Floats
    from catalog.fingerprints.codings import Coding
    from catalog.fingerprints.companions import Scale
    from catalog.fingerprints.forms import Form
    from catalog.fingerprints.positions import Places
    from catalog.formats.base import Json, TensorInfo

    Bytes = npt.NDArray[np.uint8]
    Read = Callable[[int, int, int], bytes]

ROOM = 1 << 20
"""Values that may be asked for at once; with their bounds, and what decoding needs, about 64 MiB."""
_DENSE = 4  # a span is read whole where at least every fourth byte is wanted
_SPAN = 16 << 20
_KEPT = 24 << 20  # below the 32 MiB at which glibc stops to learn


class ValueReader:
    """Reads the values of a variant's tensors with their intervals, as they were before their rows were reordered.

    `tensors`: the variant's, stacks of experts split (`name[3]`): by their places here they are asked for. `read` gives
    exactly so many bytes of file number so and so from that offset, and raises where there are fewer.

    A tensor is a matrix as in its `TensorPrint`: rows are its first dimension longer than 1, columns all that follow;
    a tensor of one dimension has rows of one value. Memory is bounded by `ROOM` values a call.
    """

    def __init__(self, tensors: Sequence[TensorInfo], metadata: Mapping[str, Json], read: Read) -> None:
        _keep_memory()
        self.tensors = tuple(part.tensor for part in experts.split(restored(tensors, metadata)))
        self.read = read
        self._logical = Logical(read)
        self._codings = codings_of(self.tensors, metadata)
        orders = RowOrders(self.tensors, metadata)
        self._orders = [orders.of(each) for each in self.tensors]

    def has_values(self, tensor: int) -> bool:
        """Whether its values are known at all."""
        return self._codings[tensor] is not None

    def has_interval(self, tensor: int) -> bool:
        """Whether it is known what its values may have been."""
        coding = self._codings[tensor]
        return coding is not None and coding.interval

    def reordered(self, tensor: int) -> bool:
        """Whether its rows come in another order than that in which the file holds them."""
        return bool(self._orders[tensor])

    def shape(self, tensor: int) -> tuple[int, int]:
        """Rows and columns."""
        shape = self.tensors[tensor].shape
        rows = next((length for length in shape if length > 1), 1)
        return rows, prod(shape) // rows

    def rows(self, tensor: int, first: int, count: int, *, heads: int = 0, columns: slice | None = None) -> Samples:
        """Values and intervals of rows `first` to `first + count`: arrays of shape (count, columns).

        Rows that the file holds in another order come as in the sketch (`row_order`): a GGUF file's queries and keys in
        Hugging Face's where its header says how many heads there are; `heads` undoes the order for so many heads where
        it does not. `columns`: some only.
        Raises `MalformedFile` where the values are not known or their bytes do not fit, IndexError for rows that are
        not there, ValueError for more than `ROOM` values of several rows: a row that is longer is read in parts.
        """
        total, width = self.shape(tensor)
        start, stop, _ = (columns or slice(None)).indices(width)
        length = max(0, stop - start)
        if not 0 <= first <= first + count <= total:
            raise IndexError(f"rows {first} to {first + count} of {total}")
        if count > 1 and count * length > ROOM:
            raise ValueError(f"{count * length:,} values at once, and not {ROOM:,}")
        coding = self._known(tensor)
        where = self._where(tensor, first, count, heads)
        if not count * length:
            return Samples(*(np.empty((count, length)) for _ in range(3)))
        begins = where * width + start
        if length == width and len(where) and bool((np.diff(where) == 1).all()):
            begins, run = begins[:1], count * length
        else:
            run = length
        cells = (where, np.arange(start, stop)) if width > 1 else (np.zeros(1, np.int64), where)
        found = self._decoded(tensor, coding, begins, run, cells)
        return Samples(*(column.reshape(count, length) for column in found))

    def levels(self, tensor: int, first: int, count: int) -> Floats:
        """Of a quantised type of ggml: the levels of the blocks of those rows, shape (blocks, values of a block).

        Rows come in the same order as from `rows`. Raises as that does, and ValueError where they begin or end within
        a block: only those of a kernel may.
        """
        form = self._known(tensor).form
        begins, run = self._where(tensor, first, count, 0) * self.shape(tensor)[1], self.shape(tensor)[1]
        if run % form.values and bool((np.diff(begins) == run).all()):
            begins, run = begins[:1], count * run
        if run % form.values or (begins % form.values).any():
            raise ValueError(f"rows {first} to {first + count} are no whole blocks")
        raw = self._units(self.tensors[tensor], form, begins // form.values, run // form.values)
        return BLOCKS[self.tensors[tensor].dtype].steps(raw)[0]

    def _known(self, tensor: int) -> Coding:
        coding = self._codings[tensor]
        if coding is None:
            raise malformed("Values that are not known, or whose bytes do not fit", self.tensors[tensor])
        return coding

    def _where(self, tensor: int, first: int, count: int, heads: int) -> Places:
        """Where those rows are stored."""
        rows, _ = self.shape(tensor)
        where: Places = np.arange(first, first + count, dtype=np.int64)
        if heads and rows % (2 * heads) == 0:
            where = stored_rows(where, rows // heads)
        return self._orders[tensor].stored(where, rows)

    def _decoded(self, tensor: int, coding: Coding, begins: Places, run: int, grid: tuple[Places, Places]) -> Samples:
        """The values of runs of equal length that begin at these numbers, flat; `grid`: their rows and columns."""
        form = coding.form
        total = self.tensors[tensor].values // form.values
        spare = form.values - 1 if (begins % form.values).any() else 0
        units = min(-(-(run + spare) // form.values), total)
        unit = np.minimum(begins // form.values, total - units)
        raw = self._units(self.tensors[tensor], form, unit, units)
        if coding.scale is not None:
            numbers = coding.scale.grid(*grid).reshape(-1)
            return coding.decode(raw, *self._scales(coding, coding.scale, numbers))
        lead = begins - unit * form.values
        if not lead.any() and run == units * form.values:
            return Samples(*(column.reshape(-1) for column in form.decode(raw)))
        before = np.arange(len(begins)) * units * form.values + lead
        return form.pick(raw, (before[:, None] + np.arange(run)).reshape(-1))

    def _scales(self, coding: Coding, scale: Scale, numbers: Places) -> tuple[Floats, Floats | None]:
        """The scale and the zero point of each value, by the numbers of their scales."""
        lowest = int(numbers.min())
        count = int(numbers.max()) - lowest + 1
        found: list[Floats | None] = []
        for tensor, form in ((scale.tensor, coding.scale_form), (scale.zero, coding.zero_form)):
            if tensor is None or form is None:
                found.append(None)
                continue
            raw = self._units(self.tensors[tensor], form, np.array([lowest]), count)
            found.append(form.decode(raw).values.reshape(-1)[numbers - lowest])
        scales, zeros = found
        return (scales if scales is not None else np.ones(len(numbers))), zeros

    def _units(self, tensor: TensorInfo, form: Form, begins: Places, units: int) -> Bytes:
        """Whole units of runs that begin at these units: shape (runs * units, nbytes)."""
        size = units * form.nbytes
        offsets = begins * form.nbytes
        lowest = int(offsets.min())
        span = int(offsets.max()) - lowest + size
        if span <= _SPAN and span <= _DENSE * size * len(begins):
            whole = np.frombuffer(self._logical.range(tensor, lowest, span), np.uint8)
            raw = whole if len(begins) == 1 else _cut(whole, offsets - lowest, size)
        else:
            parts = [self._logical.range(tensor, int(offset), size) for offset in offsets]
            raw = np.frombuffer(b"".join(parts), np.uint8)
        return raw.reshape(-1, form.nbytes)


@cache
def _keep_memory() -> None:
    """Let the C library keep what blocks of values free: else it gives their pages back and asks for them again.

    That takes longer than to decode them. glibc raises its bounds to the largest piece freed so far (mallopt(3),
    M_MMAP_THRESHOLD); the piece is never touched, so it costs nothing.
    """
    np.empty(_KEPT, np.uint8)


def _cut(whole: Bytes, offsets: Places, size: int) -> Bytes:
    """Pieces of equal size, one after the other."""
    found = np.empty((len(offsets), size), np.uint8)
    for number, offset in enumerate(offsets.tolist()):
        found[number] = whole[offset : offset + size]
    return found
