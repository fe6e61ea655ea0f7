"""Samples of a transpose, and steps of bf16."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from catalog.fingerprints.base import Samples

if TYPE_CHECKING:
    from catalog.fingerprints.base import Floats


def turned(samples: Samples, grid: tuple[int, int]) -> Samples:
    """Those of the transpose, from those of a tensor with a grid of rows and columns."""
    return Samples(*(column.reshape(grid).T.reshape(-1) for column in samples))


def half_step(size: Floats) -> Floats:
    """Half a unit in the last place of bf16 at values of this size; 0 at 0."""
    _, exponent = np.frexp(np.where(np.isfinite(size), size, 0.0))
    step: Floats = np.where(size > 0, np.ldexp(1.0, exponent - 9), 0.0)
    return step
