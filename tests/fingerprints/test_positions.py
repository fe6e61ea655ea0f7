"""Where samples lie."""

from __future__ import annotations

import numpy as np
import pytest

from catalog.fingerprints.positions import grid, matrix, places


def test_a_grid_lies_at_elevenths() -> None:
    assert grid(4096).tolist() == [372, 744, 1117, 1489, 1861, 2234, 2606, 2978, 3351, 3723]
    assert grid(4).tolist() == [0, 1, 2, 3]
    assert grid(1).tolist() == [0]
    assert grid(0).tolist() == []


@pytest.mark.parametrize(
    ("shape", "count"),
    [((4096, 1024), 100), ((320, 4, 3, 3), 100), ((1, 1, 640), 10), ((64,), 10), ((4, 64), 40), ((2, 500), 20)],
)
def test_a_large_tensor_has_so_many_samples(shape: tuple[int, ...], count: int) -> None:
    found = places(shape)
    assert len(found) == count
    assert found.tolist() == sorted(set(found.tolist()))
    assert found[-1] < np.prod(shape)


@pytest.mark.parametrize("shape", [(63,), (15, 17), (), (1,), (1, 63, 1)])
def test_of_a_small_tensor_all_values_are_kept(shape: tuple[int, ...]) -> None:
    assert places(shape).tolist() == list(range(int(np.prod(shape))))


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 1000)])
def test_nothing_has_no_samples(shape: tuple[int, ...]) -> None:
    assert len(places(shape)) == 0


@pytest.mark.parametrize("shape", [(1, 300, 1, 40), (300, 40)])
def test_dimensions_of_one_do_not_count(shape: tuple[int, ...]) -> None:
    assert matrix(shape) == (300, 40)
    assert places(shape).tolist() == places((300, 40)).tolist()


def test_the_samples_of_a_transposed_matrix_are_the_same_values() -> None:
    whole = np.arange(300 * 47).reshape(300, 47)
    turned = np.ascontiguousarray(whole.T)
    sampled = whole.reshape(-1)[places((300, 47))].reshape(10, 10)
    of_turned = turned.reshape(-1)[places((47, 300))].reshape(10, 10)
    np.testing.assert_array_equal(of_turned.T, sampled)


@pytest.mark.parametrize("parts", [2, 3, 7, 10])
@pytest.mark.parametrize("rows", [64, 77, 1280])
def test_every_sampled_row_of_equal_fused_parts_is_a_sampled_row_of_a_part(parts: int, rows: int) -> None:
    own = set(grid(rows).tolist()) | {0}
    fused = grid(parts * rows)
    assert all(place % rows in own for place in fused.tolist())


def test_a_fused_query_key_value_of_grouped_heads_meets_its_parts() -> None:
    fused = grid(4096 + 1024 + 1024).tolist()
    query, key, value = (set(grid(rows).tolist()) for rows in (4096, 1024, 1024))
    assert sum(place in query for place in fused) >= 3
    assert sum(place - 4096 in key for place in fused) >= 1
    assert sum(place - 5120 in value for place in fused) >= 1
