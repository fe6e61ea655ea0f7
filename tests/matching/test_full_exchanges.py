"""Vectors that few values were left of find those that they are roundings of, whatever their samples said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from catalog.matching.base import Pair
from catalog.matching.full_exchanges import Seat, exchanged
from catalog.matching.full_ways import Way
from catalog.vocabulary import Direction
from tests.matching.full_values import side

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[np.float32]

RANDOM = np.random.default_rng(5)
NORMS = [(1 + 0.02 * RANDOM.standard_normal(320)).astype(np.float32) for _ in range(5)]
AWAY = Way("value", Direction.RIGHT_FROM_LEFT)


def seat(left: Array, right: Array, *, exact: bool = False) -> Seat:
    """`right` is stored in f16."""
    stored = right.astype(np.float16)
    one, other = side(left), side(stored)
    wrong = bool((left.astype(np.float16) != stored).any())
    return Seat(Pair(one.tensor, other.tensor, exact=exact), one, other, AWAY, ("", ""), wrong)


def test_vectors_beside_the_wrong_ones_are_exchanged_and_the_others_stay() -> None:
    order = [0, 2, 3, 1, 4]

    found = exchanged([seat(NORMS[number], NORMS[other]) for number, other in enumerate(order)])

    assert found == {1: 3, 2: 1, 3: 2}


def test_one_that_belongs_nowhere_leaves_all_as_they_are() -> None:
    changed = NORMS[4] * np.float32(1.01)

    assert exchanged([seat(NORMS[0], NORMS[1]), seat(NORMS[1], NORMS[0]), seat(NORMS[4], changed)]) == {}


def test_what_keys_over_all_values_put_together_stays_together() -> None:
    assert exchanged([seat(NORMS[0], NORMS[1], exact=True), seat(NORMS[1], NORMS[0], exact=True)]) == {}


def test_where_nothing_is_wrong_nothing_is_asked() -> None:
    assert exchanged([seat(norm, norm) for norm in NORMS]) == {}
