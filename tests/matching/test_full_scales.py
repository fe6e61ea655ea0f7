"""A block that an importance matrix tuned is explained by the scale that it was tuned with, and a change by none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from catalog.matching.full_scales import ENDS, unexplained

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

VALUES: Array = np.random.default_rng(5).standard_normal((4000, 32)).astype(np.float32).astype(np.float64) * 0.02


def tuned(dtype: str, values: Array) -> Array:
    """Levels on a scale that is anything near the usual one; with an offset where the type has one."""
    lowest, highest = ENDS[dtype]
    factor = np.random.default_rng(6).uniform(0.8, 1.25, (len(values), 1))
    if lowest < 0:
        largest = np.take_along_axis(values, np.abs(values).argmax(1)[:, None], axis=1)
        return np.asarray(np.clip(np.rint(values * factor * lowest / largest), lowest, highest))
    least, most = values.min(axis=1, keepdims=True), values.max(axis=1, keepdims=True)
    return np.asarray(np.clip(np.rint((values - least) * factor * highest / (most - least)), lowest, highest))


@pytest.mark.parametrize("dtype", sorted(ENDS))
def test_whatever_scale_was_chosen_explains_its_block(dtype: str) -> None:
    assert unexplained(dtype, tuned(dtype, VALUES), VALUES) == 0


@pytest.mark.parametrize("dtype", sorted(ENDS))
def test_no_scale_explains_the_blocks_of_a_fine_tune(dtype: str) -> None:
    levels = tuned(dtype, VALUES)
    changed = VALUES * (1 + 1e-2 * np.random.default_rng(7).standard_normal(VALUES.shape))

    assert unexplained(dtype, levels, changed) > 200


def test_a_lighter_one_shows_too() -> None:
    levels = tuned("Q4_0", VALUES)

    assert unexplained("Q4_0", levels, VALUES * (1 + 1e-3 * np.random.default_rng(7).standard_normal(VALUES.shape))) > 3


@pytest.mark.parametrize("dtype", sorted(ENDS))
def test_blocks_of_one_value_or_of_zeros_are_explained(dtype: str) -> None:
    nothing = np.zeros((3, 32))

    assert unexplained(dtype, nothing + max(0, ENDS[dtype][0]), nothing) == 0


def test_a_zero_must_be_level_zero() -> None:
    values = VALUES[:1].copy()
    levels = tuned("Q4_0", values)
    values[0, 3], levels[0, 3] = 0.0, 2.0

    assert unexplained("Q4_0", levels, values) == 1
