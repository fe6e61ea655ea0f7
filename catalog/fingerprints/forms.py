"""How the values of each type are read: in units of so many values and bytes, with the interval of each."""

from __future__ import annotations

from functools import lru_cache, partial
from math import prod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from catalog.fingerprints import floats
from catalog.fingerprints.base import Samples
from catalog.fingerprints.blocks import BLOCKS

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from catalog.fingerprints.positions import Places
    from catalog.formats.base import TensorInfo

    Bytes = npt.NDArray[np.uint8]

INTEGERS = {
    name: np.dtype(kind)
    for name, kind in (
        ("I8", "i1"), ("I16", "<i2"), ("I32", "<i4"), ("I64", "<i8"),
        ("U8", "u1"), ("U16", "<u2"), ("U32", "<u4"), ("U64", "<u8"), ("BOOL", "u1"),
    )
}  # fmt: skip
"""Types whose values are counts and marks, kept of small tensors only; as weights only beside their scales."""

_MOST = 1 << 60  # bytes of a view whose steps are zero; more could not be counted in 64 bits


class Form(NamedTuple):
    """A unit of `nbytes` bytes holds `values` values; `decode` takes uint8 of shape (n, nbytes), C-contiguous.

    It gives arrays of shape (n, values). `pick` takes besides the numbers of the values that are wanted of all n units,
    and gives flat arrays. `interval`: whether they say what the values may have been.
    """

    values: int
    nbytes: int
    decode: Callable[[Bytes], Samples]
    pick: Callable[[Bytes, Places], Samples]
    interval: bool = True


def form_of(dtype: str) -> Form | None:
    """The form of a type of floating point or of ggml; None for all others."""
    return _FORMS.get(dtype)


@lru_cache(16)
def integer_form(dtype: str) -> Form | None:
    """The form of plain integers, which are exact."""
    kind = INTEGERS.get(dtype)
    return _single(kind.itemsize, partial(_integers, kind)) if kind is not None else None


def fits(tensor: TensorInfo, form: Form) -> bool:
    """Whether the tensor's shape and bytes are those of its type: whole units, and nothing beside them."""
    return _fits(tensor.shape, form.values, form.nbytes, _size(tensor))


def _size(tensor: TensorInfo) -> int:
    """Bytes as the index has them; -1 where the values do not lie plainly and are put in order first."""
    moved = tensor.stored is not None and (tensor.stored.varint or tensor.stored.strides)
    return -1 if moved else tensor.nbytes


@lru_cache(8192)
def _fits(shape: tuple[int, ...], values: int, nbytes: int, size: int) -> bool:
    count = prod(shape)
    if values > 1 and (size < 0 or count % values):
        return False
    whole = count // values * nbytes
    return 0 < whole < _MOST and size in {-1, whole}


def _single(width: int, decode: Callable[[Bytes], Samples]) -> Form:
    """A type of single values."""
    return Form(1, width, decode, lambda raw, places: Samples(*(column.reshape(-1)[places] for column in decode(raw))))


def _floats(dtype: str, raw: Bytes) -> Samples:
    return Samples(*(column.reshape(-1, 1) for column in floats.samples(dtype, raw.reshape(-1))))


def _integers(kind: np.dtype[np.generic], raw: Bytes) -> Samples:
    values = raw.reshape(-1).view(kind).astype(np.float64).reshape(-1, 1)
    return Samples(values, values, values)


_FORMS = {dtype: _single(width, partial(_floats, dtype)) for dtype, width in floats.WIDTHS.items()} | {
    name: Form(block.values, block.nbytes, block.samples, block.picked, block.interval)
    for name, block in BLOCKS.items()
}
