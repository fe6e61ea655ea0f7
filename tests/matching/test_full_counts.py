"""Of all ways in which two files may have come from the same values, the true one leaves nothing outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ml_dtypes
import numpy as np
import pytest

from catalog.fingerprints import floats
from catalog.fingerprints.base import Samples, TensorPrint
from catalog.matching.base import Pair
from catalog.matching.full_counts import Class
from catalog.matching.full_faces import Face
from catalog.matching.full_ways import LEFT_PASSED, RIGHT_PASSED, Way
from catalog.vocabulary import Direction

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[np.float32]

VALUES = (np.random.default_rng(3).standard_normal(100_000) * 0.02).astype(np.float32)
FROM_LEFT, FROM_RIGHT = Direction.RIGHT_FROM_LEFT, Direction.LEFT_FROM_RIGHT
DTYPES = {
    "F32": np.float32,
    "F16": np.float16,
    "BF16": ml_dtypes.bfloat16,
    "F8_E4M3": ml_dtypes.float8_e4m3fn,
    "F8_E5M2": ml_dtypes.float8_e5m2,
}


def stored(dtype: str, values: Array) -> Samples:
    """As a file of that type holds them, rounded to nearest even."""
    with np.errstate(over="ignore"):
        return floats.samples(dtype, np.frombuffer(values.astype(DTYPES[dtype]).tobytes(), np.uint8))


def through(dtype: str, values: Array) -> Array:
    return values.astype(DTYPES[dtype]).astype(np.float32)


def counted(left: str, ours: Array, right: str, theirs: Array, *, grids: tuple[str, str] = ("", "")) -> Class:
    """All of them in one pair, block by block."""
    found = Class.of(left, right)
    tensors = [TensorPrint("w", dtype, (len(VALUES),), b"") for dtype in (left, right)]
    count = found.begin(Pair(tensors[0], tensors[1]))
    for one, other in zip(np.array_split(ours, 4), np.array_split(theirs, 4), strict=True):
        found.take(count, Face(stored(left, one), left, grids[0]), Face(stored(right, other), right, grids[1]))
    return found


@pytest.mark.parametrize("coarse", ["F16", "BF16", "F8_E4M3", "F8_E5M2"])
def test_a_rounding_is_told_in_either_direction(coarse: str) -> None:
    down, up = counted("F32", VALUES, coarse, VALUES), counted(coarse, VALUES, "F32", VALUES)

    assert (down.best(), down.explains(down.best())) == (Way("value", FROM_LEFT), True)
    assert (up.best(), up.explains(up.best())) == (Way("value", FROM_RIGHT), True)
    assert down.counts[0].largest == pytest.approx(0.6, abs=0.1)


def test_equal_values_are_equal_and_nothing_else_is_asked() -> None:
    same = counted("F32", VALUES, "F32", VALUES)

    assert same.best() == Way("equal")
    assert (same.counts[0].largest, same.counts[0].typical) == (0.0, 0.0)


@pytest.mark.parametrize("middle", ["F16", "BF16"])
def test_what_the_values_went_through_is_told(middle: str) -> None:
    other = {"F16": "BF16", "BF16": "F16"}[middle]

    found = counted("F32", VALUES, other, through(middle, VALUES))

    assert (found.best(), found.explains(found.best())) == (Way(middle.lower(), FROM_LEFT), True)


def test_bf16_that_was_cut_off_is_told() -> None:
    cut = (VALUES.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)

    found = counted("F32", VALUES, "BF16", cut)

    assert (found.best(), found.explains(found.best())) == (Way("truncated", FROM_LEFT), True)


def test_two_roundings_of_one_parent_are_siblings() -> None:
    found = counted("F16", VALUES, "BF16", VALUES)

    assert (found.best(), found.explains(found.best())) == (Way("siblings"), True)


@pytest.mark.parametrize(
    ("left", "right", "change"),
    [("F32", "F32", 3e-5), ("F32", "F16", 1e-4), ("F16", "F16", 1e-4), ("F32", "BF16", 1e-3), ("BF16", "F16", 1e-3)],
)
def test_no_way_explains_a_fine_tune(left: str, right: str, change: float) -> None:
    tuned = (VALUES + 0.02 * change * np.random.default_rng(4).standard_normal(len(VALUES))).astype(np.float32)

    found = counted(left, VALUES, right, tuned)

    assert not any(found.explains(way) for way in found.alive)


def test_one_changed_value_is_too_many_of_an_exact_cast() -> None:
    changed = VALUES.copy()
    changed[70_000] *= 1.01

    found = counted("F32", VALUES, "F16", changed)

    assert found.counts[0].outside[Way("value", FROM_LEFT)] == 1
    assert not any(found.explains(way) for way in found.alive)


def test_what_is_no_number_must_be_none_on_both_sides() -> None:
    broken = VALUES.copy()
    broken[5] = np.nan

    assert counted("F32", broken, "F16", broken).totals[Way("value", FROM_LEFT)] == 0
    assert counted("F32", broken, "F16", VALUES).totals[Way("value", FROM_LEFT)] == 1
    assert counted("F32", VALUES, "F16", broken).totals[Way("value", FROM_LEFT)] == 1


def test_what_overflowed_is_a_rounding_and_an_infinity_is_no_number_between() -> None:
    large = VALUES.copy()
    large[:3] = 1e6, -1e6, np.inf

    assert counted("F32", large, "F16", large).totals[Way("value", FROM_LEFT)] == 0
    assert counted("F32", large, "F16", VALUES).totals[Way("value", FROM_LEFT)] == 3
    assert counted("F32", large, "F32", large).totals[Way("equal")] == 0


def test_values_saved_anew_in_a_finer_type_keep_the_bounds_of_the_coarser() -> None:
    coarse = through("BF16", VALUES)

    found = counted("F32", coarse, "F16", VALUES, grids=("BF16", ""))

    assert (found.best(), found.explains(found.best())) == (Way("siblings"), True)


def test_a_few_values_one_step_off_are_no_answer_and_no_other_model() -> None:
    twice = counted("BF16", through("F16", VALUES), "BF16", VALUES)

    assert not any(twice.explains(way) for way in twice.alive)
    assert twice.totals[Way("widened")] == 0
    assert 0.01 < twice.totals[Way("siblings")] / len(VALUES) < 0.08


def test_of_a_number_between_two_codes_only_the_even_one_is_its_rounding() -> None:
    between = np.array([1.0625, 1.1875] * 50_000, np.float32)  # halfway between neighbours of F8_E4M3
    odd = np.array([1.125, 1.125] * 50_000, np.float32)

    assert counted("F32", between, "F8_E4M3", between).totals[Way("value", FROM_LEFT)] == 0
    assert counted("F32", between, "F8_E4M3", odd).totals[Way("value", FROM_LEFT)] >= 25_000


def test_a_change_that_ends_between_two_codes_by_way_of_bf16_is_seen() -> None:
    other = (VALUES * (1 + 1e-4 * np.random.default_rng(4).standard_normal(len(VALUES)))).astype(np.float32)

    found = counted("F32", other, "F8_E4M3", VALUES)

    assert not any(found.explains(way) for way in found.alive)


def test_bf16_excuses_nothing_beside_values_of_bf16() -> None:
    moved = VALUES.copy()
    moved[::5000] *= 1 + 2.0**-7  # a step of bf16

    found = counted("BF16", moved, "F8_E4M3", VALUES)

    assert found.brain
    assert not any(found.explains(way) for way in found.alive)


def test_what_misses_in_one_place_only_did_not_go_through_bf16() -> None:
    found = Class.of("F16", "F8_E5M2")
    for start in range(0, 100_000, 10_000):
        ours = VALUES[start : start + 10_000]
        theirs = through("BF16", ours) if start == 0 else ours
        tensors = [TensorPrint(f"w{start}", dtype, (10_000,), b"") for dtype in ("F16", "F8_E5M2")]
        count = found.begin(Pair(tensors[0], tensors[1]))
        found.take(count, Face(stored("F16", ours), "F16"), Face(stored("F8_E5M2", theirs), "F8_E5M2"))

    assert found.by_a_step()
    assert found.concentrated()
    assert not any(found.explains(way) for way in found.alive)
    assert [found.differs(count, Way("siblings")) for count in found.counts] == [True] + [False] * 9


@pytest.mark.parametrize("coarse", ["F8_E4M3", "F8_E5M2"])
def test_beside_values_of_f16_it_is_told_that_the_other_went_through_bf16(coarse: str) -> None:
    right = counted("F16", VALUES, coarse, through("BF16", VALUES))
    left = counted(coarse, through("BF16", VALUES), "F16", VALUES)

    assert (right.best(), right.explains(right.best())) == (Way(RIGHT_PASSED), True)
    assert (left.best(), left.explains(left.best())) == (Way(LEFT_PASSED), True)
    assert right.totals[Way("siblings")] > 0


def test_zeros_stored_as_float32_do_not_show_that_the_others_have_no_third_parent() -> None:
    zeros = TensorPrint("b", "F32", (1000,), b"", codes=(1, 1))
    samples = stored("F32", np.zeros(1000, np.float32))
    found = Class.of("F32", "F16")

    found.take(
        found.begin(Pair(zeros, zeros)), Face(samples, "F32"), Face(stored("F16", np.zeros(1000, np.float32)), "F16")
    )

    assert not found.fine


def test_a_norm_to_which_one_was_added_may_have_a_third_parent() -> None:
    added = (VALUES[:1000] + np.float32(1)).astype(np.float32)
    tensor = TensorPrint("norm", "F32", (1000,), b"")
    one, other = stored("BF16", VALUES[:1000]), stored("F32", added)
    found = Class.of("BF16", "F32")

    shifted = Samples(*(array - 1 for array in other))
    found.take(found.begin(Pair(tensor, tensor, shift=-1.0)), Face(one, "BF16"), Face(shifted, "F32"))

    assert found.explains(found.best())
    assert not found.fine
