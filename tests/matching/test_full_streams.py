"""However two tensors lie in their files, each value meets the one it was made of, in blocks of bounded size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from catalog.matching import full_streams
from catalog.matching.base import Pair
from catalog.matching.full_streams import BLOCK, blocks, values_of
from catalog.vocabulary import Mapped
from tests.matching.full_values import side

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[np.float32]


def numbers(*shape: int) -> Array:
    """Different values, so that none can stand for another."""
    return np.random.default_rng(7).permutation(int(np.prod(shape))).astype(np.float32).reshape(shape)


def met(left: Array, right: npt.NDArray[np.generic], **pair: object) -> tuple[int, int]:
    """How many values met an equal one, and how many met any."""
    one, other = side(left, "left"), side(right, "right")
    equal = total = 0
    for ours, theirs in blocks(Pair(one.tensor, other.tensor, **pair), one, other):  # type: ignore[arg-type]
        assert len(ours.values) == len(theirs.values) <= max(BLOCK, max(left.shape[1:], default=1) * 1024)
        equal += int((ours.values == theirs.values).sum())
        total += len(ours.values)
    return equal, total


def interleaved(array: Array, heads: int) -> Array:
    """As llama.cpp's converter writes queries and keys."""
    rows, columns = array.shape
    return array.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


@pytest.mark.parametrize("shape", [(3, 5), (700, 300), (100_000,), (64, 32, 3, 3), (1, 1, 40, 1)])
def test_values_meet_as_they_lie(shape: tuple[int, ...]) -> None:
    array = numbers(*shape)

    assert met(array, array) == (array.size, array.size)


def test_values_meet_in_another_shape() -> None:
    array = numbers(60, 70)

    assert met(array, array.reshape(70, 60), mapped=Mapped.RESHAPED) == (4200, 4200)


@pytest.mark.parametrize("strip", [BLOCK * 4, 1 << 30])
def test_a_transposed_tensor_is_turned_strip_by_strip(strip: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(full_streams, "STRIP", strip)
    array = numbers(900, 700)

    assert met(array, np.ascontiguousarray(array.T), mapped=Mapped.TRANSPOSED, transposed=True) == (630_000, 630_000)


def test_parts_of_the_rows_meet_their_rows() -> None:
    q, k, v = np.split(numbers(900, 200), [300, 700])
    whole = np.concatenate((q, k, v))

    assert met(whole, k, mapped=Mapped.ROWS, offset=300) == (80_000, 80_000)
    assert met(v, whole, mapped=Mapped.ROWS, offset=700) == (40_000, 40_000)


def test_parts_of_the_columns_meet_their_columns() -> None:
    whole = numbers(200, 900)

    assert met(whole, whole[:, 300:700], mapped=Mapped.COLUMNS, offset=300) == (80_000, 80_000)


@pytest.mark.parametrize("mapped", [Mapped.ROWS, Mapped.COLUMNS])
def test_parts_of_one_dimension_meet(mapped: Mapped) -> None:
    whole = numbers(900)

    assert met(whole, whole[300:700], mapped=mapped, offset=300) == (400, 400)


def test_parts_of_a_transposed_tensor_meet() -> None:
    whole = numbers(200, 900)
    part = np.ascontiguousarray(whole[50:120])

    turned = np.ascontiguousarray(whole.T)
    assert met(part, turned, mapped=Mapped.ROWS, offset=50, transposed=True) == (63_000, 63_000)


@pytest.mark.parametrize("heads", [(8, 0), (0, 0)])
def test_rows_of_rotary_embeddings_are_put_in_order(heads: tuple[int, int]) -> None:
    array = numbers(512, 96)

    assert met(interleaved(array, 8), array, mapped=Mapped.PERMUTED, heads=heads) == (array.size, array.size)


def test_the_order_is_found_on_whichever_side_it_is() -> None:
    array = numbers(1024, 64)

    assert met(array, interleaved(array, 8), mapped=Mapped.PERMUTED) == (array.size, array.size)


@pytest.mark.parametrize("order", [(2, 3, 1, 0), (0, 2, 3, 1), (1, 0, 2, 3), (3, 2, 0, 1)])
def test_dimensions_in_another_order_are_found(order: tuple[int, ...]) -> None:
    array = numbers(48, 32, 3, 5)

    turned = np.ascontiguousarray(array.transpose(order))
    assert met(array, turned, mapped=Mapped.ANY_ORDER) == (array.size, array.size)


def test_what_was_added_is_added_to_the_right() -> None:
    array = numbers(1000)

    assert met(array + 1, array, mapped=Mapped.SHIFTED, shift=1.0) == (1000, 1000)


def test_halves_meet_singles() -> None:
    array = np.linspace(-4, 4, 4096, dtype=np.float32).astype(np.float16).reshape(64, 64)

    assert met(array.astype(np.float32), array.T.copy(), transposed=True) == (4096, 4096)


def test_a_pair_has_the_values_of_its_smaller_side() -> None:
    pair = Pair(side(numbers(30, 4)).tensor, side(numbers(10, 4)).tensor, Mapped.ROWS, offset=10)

    assert values_of(pair) == 40
