"""Where the samples of a tensor lie: at elevenths of its axes, whatever it is called and however it is laid out.

The places of a matrix are those of its transpose, turned. Since 11 is prime, every place of a tensor that m equal parts
of n rows were fused into is a place of one of them: floor(k * m * n / 11) = n * q + floor(r * n / 11) with
q, r = divmod(k * m, 11). A fused q/k/v, a gate with its up projection, grouped queries all meet their parts so.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from catalog.fingerprints.base import AUX_VALUES, CORE_VALUES, PRIME

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

Places: TypeAlias = "npt.NDArray[np.int64]"

_SHAPES = 8192  # a checkpoint has a few dozen shapes; a hostile one has thousands


@lru_cache(_SHAPES)
def grid(length: int) -> Places:
    """The places of an axis of so many values: floor(k * length / 11) for k from 1 to 10, without repetitions.

    grid(4096) = 372 744 1117 1489 1861 2234 2606 2978 3351 3723; grid(4) = 0 1 2 3; grid(1) = 0; of nothing, none.
    """
    places = np.array(sorted({k * length // PRIME for k in range(1, PRIME)} if length > 0 else ()), np.int64)
    places.flags.writeable = False
    return places


def axes(shape: Sequence[int]) -> tuple[int, ...]:
    """The dimensions longer than 1."""
    return tuple(length for length in shape if length > 1)


def matrix(shape: Sequence[int]) -> tuple[int, int]:
    """Rows and columns: R, the first dimension longer than 1, and the values of each row.

    A tensor with one such dimension or none is a single row.
    """
    long, values = axes(shape), prod(shape)
    if len(long) < 2 or not values:
        return 1, values
    return long[0], values // long[0]


def is_small(shape: Sequence[int]) -> bool:
    """A tensor all of whose values are kept: at most 255 in two or more dimensions, 63 in one."""
    return prod(shape) < (CORE_VALUES if len(axes(shape)) > 1 else AUX_VALUES)


@lru_cache(_SHAPES)
def places(shape: tuple[int, ...]) -> Places:
    """The samples of a tensor: numbers of values in C order, ascending.

    Of a core tensor grid(rows) x grid(columns), of an aux tensor grid(values), of a small one every value.
    """
    if is_small(shape):
        found: Places = np.arange(prod(shape), dtype=np.int64)
    else:
        rows, columns = matrix(shape)
        found = (grid(rows)[:, None] * columns + grid(columns)[None, :]).reshape(-1) if rows > 1 else grid(columns)
    found.flags.writeable = False
    return found
