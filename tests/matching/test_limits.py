"""The detection limit: what would have been seen, and what would not."""

from __future__ import annotations

import numpy as np
import pytest

from catalog.matching.limits import Widths, detection_limit, slack

RANDOM = np.random.default_rng(10)


def widths(count: int, narrow: float, wide: float, spare: float = 0.0) -> Widths:
    return Widths(np.full(count, narrow), np.full(count, wide), np.full(count, spare))


def test_it_is_where_three_contradictions_are_expected() -> None:
    limit = detection_limit(widths(1000, 0.0, 0.01))
    assert limit == pytest.approx(3 / 1000 * 0.01 / 0.798, rel=0.15)


@pytest.mark.parametrize("wide", [1e-3, 1e-2, 1e-1])
def test_a_change_of_that_size_is_seen(wide: float) -> None:
    limit = detection_limit(widths(2000, 0.0, wide))
    assert limit is not None
    values = RANDOM.random((200, 2000)) * wide
    moved = values + limit * RANDOM.standard_normal(values.shape)
    seen = ((moved < 0) | (moved > wide)).any(axis=1)
    assert seen.mean() > 0.9


def test_more_samples_see_more_and_wider_intervals_less() -> None:
    limits = [detection_limit(widths(*each)) or 0.0 for each in ((4000, 0, 0.01), (1000, 0, 0.01), (1000, 0.01, 0.01))]
    assert limits == sorted(limits)
    assert (detection_limit(widths(1000, 0.0, 0.01, 1e-3)) or 0.0) > limits[1]


def test_where_nothing_would_be_seen_it_says_so() -> None:
    assert detection_limit(widths(0, 0.0, 0.01)) is None
    assert detection_limit(widths(1, 0.0, 100.0)) == pytest.approx(2.0)


def test_only_quantisers_widen() -> None:
    ones = np.ones(3)
    assert not slack("F16", ones, ones).any()
    assert (slack("Q4_K", ones, ones) > 0).all()
    assert (slack("Q8_0", ones, 0.01 * ones) > slack("Q4_K", ones, 0.01 * ones)).all()
