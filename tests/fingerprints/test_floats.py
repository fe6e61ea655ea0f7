"""What a rounded value may have been."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import numpy.typing as npt
import pytest

from catalog.fingerprints.floats import FLUSHED, WIDTHS, samples, table

KINDS = {
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "F8_E4M3": np.dtype(ml_dtypes.float8_e4m3fn),
    "F8_E5M2": np.dtype(ml_dtypes.float8_e5m2),
    "F8_E4M3FNUZ": np.dtype(ml_dtypes.float8_e4m3fnuz),
    "F8_E5M2FNUZ": np.dtype(ml_dtypes.float8_e5m2fnuz),
    "F8_E8M0": np.dtype(ml_dtypes.float8_e8m0fnu),
}
SMALL = [name for name in KINDS if name != "F32"]


def every_code(name: str) -> npt.NDArray[np.uint8]:
    if name == "F32":
        codes = np.random.default_rng(1).integers(0, 1 << 32, 100_000, dtype=np.uint64).astype("<u4")
        return np.concatenate((codes, np.array([0, 1 << 31, 1, 0x0080_0000, 0x7F7F_FFFF], "<u4"))).view(np.uint8)
    return np.arange(1 << (8 * WIDTHS[name]), dtype=f"<u{WIDTHS[name]}").view(np.uint8)


@pytest.mark.parametrize("name", KINDS)
def test_values_are_those_of_the_type(name: str) -> None:
    raw = every_code(name)
    with np.errstate(all="ignore"):
        expected = raw.view(KINDS[name]).astype(np.float64)
    expected[np.isinf(expected)] = np.nan
    np.testing.assert_array_equal(samples(name, raw).values, expected)


@pytest.mark.parametrize("name", [name for name in KINDS if name != "F8_E8M0"])
@pytest.mark.parametrize("size", [1e-9, 1e-6, 1e-3, 1.0, 200.0, 1e6, 1e-40])
def test_what_was_rounded_lies_within(name: str, size: float) -> None:
    before = np.random.default_rng(2).normal(0, size, 20_000)
    with np.errstate(all="ignore"):
        after = before.astype(np.float32).astype(KINDS[name]) if name != "F32" else before.astype(np.float32)
    before = before if name == "F32" else before.astype(np.float32).astype(np.float64)
    _, low, high = samples(name, after.view(np.uint8))
    assert ((low <= before) & (before <= high)).all()


@pytest.mark.parametrize("name", [name for name in KINDS if name != "F8_E8M0"])
def test_the_ends_are_the_midpoints_to_the_neighbours(name: str) -> None:
    """Everything a little inside rounds back to the value; everything a little outside to another."""
    values, low, high = samples(name, np.unique(every_code(name).view(f"<u{WIDTHS[name]}")).view(np.uint8))
    known = np.isfinite(low) & np.isfinite(high) & np.isfinite(values) & (values != 0)
    known &= (np.abs(values) > 1e-6) & (np.abs(values) < 1e30)  # nothing that a converter may have clamped
    middle, ends = values[known], (low[known], high[known])
    for end in ends:
        for share, same in ((0.999, True), (1.001, False)):
            moved = middle + (end - middle) * share
            back = moved.astype(KINDS[name]).astype(np.float64)
            assert ((back == middle) == same).all()


def test_a_power_of_two_is_closer_to_what_lies_below() -> None:
    _, low, high = samples("F16", np.array([1.0, -1.0, 2.0**-14], "<f2").view(np.uint8))
    assert (1 - low[0], high[0] - 1) == (2.0**-12, 2.0**-11)
    assert (high[1] + 1, -1 - low[1]) == (2.0**-12, 2.0**-11)
    assert 2.0**-14 - low[2] == high[2] - 2.0**-14 == 2.0**-25
    _, low, high = samples("F32", np.array([1.0, 2.0**-126], "<f4").view(np.uint8))
    assert (1 - low[0], high[0] - 1) == (2.0**-25, 2.0**-24)
    assert 2.0**-126 - low[1] == high[1] - 2.0**-126 == 2.0**-150


def test_a_half_that_is_zero_may_have_been_flushed() -> None:
    _, low, high = samples("F16", np.array([0.0, -0.0], "<f2").view(np.uint8))
    assert low.tolist() == [-FLUSHED] * 2
    assert high.tolist() == [FLUSHED] * 2


def test_a_half_may_have_been_clamped_by_a_converter() -> None:
    values, low, high = samples("F16", np.array([1e-7, 1e4, -1e4, 5e-7, 9992], "<f2").view(np.uint8))
    assert (low[0], high[1], low[2]) == (0, np.inf, -np.inf)
    assert (low[3:] > values[3:] * 0.8).all()
    assert (high[3:] < values[3:] * 1.2).all()


@pytest.mark.parametrize("name", ["F32", "F16", "BF16", "F8_E5M2"])
def test_an_infinity_has_an_open_interval_and_no_value(name: str) -> None:
    values, low, high = samples(name, np.array([np.inf, -np.inf, np.nan]).astype(KINDS[name]).view(np.uint8))
    assert np.isnan(values).all()
    assert high[0] == np.inf
    assert 0 < low[0] < np.inf
    assert low[1] == -np.inf
    assert high[1] == -low[0]
    assert (low[2], high[2]) == (-np.inf, np.inf)


@pytest.mark.parametrize("name", SMALL)
def test_what_saturates_is_open(name: str) -> None:
    values, _, high = table(name)
    assert high[np.nanargmax(values)] == np.inf


def test_doubles_are_exact() -> None:
    values, low, high = samples("F64", np.array([1.1, -0.0, np.inf, np.nan]).view(np.uint8))
    assert values[:2].tolist() == low[:2].tolist() == high[:2].tolist() == [1.1, 0.0]
    assert np.isnan(values[2:]).all()
    assert (low[2], high[2], low[3], high[3]) == (np.inf, np.inf, -np.inf, np.inf)


def test_the_largest_float_is_open() -> None:
    values, low, high = samples("F32", np.array([3.4028235e38, -3.4028235e38, 1.0], "<f4").view(np.uint8))
    assert np.isfinite(values).all()
    assert (high[0], low[1]) == (np.inf, -np.inf)
    assert (low[2], high[2]) == (1 - 2.0**-25, 1 + 2.0**-24)


def test_nothing_is_nothing() -> None:
    assert all(len(samples(name, np.empty(0, np.uint8)).values) == 0 for name in WIDTHS)
