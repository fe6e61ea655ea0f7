"""Which of two sides was rounded, through what; or whether both are roundings of a third."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from catalog.fingerprints import floats
from catalog.fingerprints.base import Samples
from catalog.matching.hypotheses import Aligned, Fit, judge
from catalog.matching.pairing_precision import bf16_codes, cut_bf16, f16_codes, to_bf16, to_f16

if TYPE_CHECKING:
    from catalog.fingerprints.base import Floats

RANDOM = np.random.default_rng(9)
VALUES = RANDOM.standard_normal(3000).astype(np.float32).astype(np.float64)


def single(values: Floats) -> Samples:
    return floats.samples("F32", np.frombuffer(values.astype("<f4").tobytes(), np.uint8))


def half(values: Floats) -> Samples:
    return floats.coded("F16", f16_codes(values))


def brain(values: Floats) -> Samples:
    return floats.coded("BF16", bf16_codes(values))


def steps(values: Floats, step: float = 0.05) -> Samples:
    """As a quantiser stores them."""
    levels = np.rint(values / step) * step
    return Samples(levels, levels - step * 0.5002, levels + step * 0.5002)


def aligned(left: Samples, right: Samples, left_type: str, right_type: str) -> Aligned:
    return Aligned(left, right, np.array([0], np.intp), [left_type], [right_type])


@pytest.mark.parametrize(
    ("made", "dtype", "rung"),
    [
        (half(VALUES), "F16", "value"),
        (brain(VALUES), "BF16", "value"),
        (floats.coded("BF16", bf16_codes(to_f16(VALUES))), "BF16", "f16"),
        (floats.coded("BF16", bf16_codes(cut_bf16(VALUES))), "BF16", "truncated"),
        (steps(VALUES), "Q8_0", "value"),
        (steps(to_f16(VALUES), 0.001), "Q8_0", "f16"),
        (steps(to_bf16(VALUES), 0.01), "Q8_0", "bf16"),
    ],
)
def test_what_a_rounding_passed_is_told_in_both_directions(made: Samples, dtype: str, rung: str) -> None:
    here = judge(aligned(single(VALUES), made, "F32", dtype))
    there = judge(aligned(made, single(VALUES), dtype, "F32"))
    assert (here.fit, here.rung) == (Fit.LEFT_ROUNDED, rung)
    assert (there.fit, there.rung) == (Fit.RIGHT_ROUNDED, rung)


def test_two_roundings_of_a_third_are_siblings() -> None:
    assert judge(aligned(half(VALUES), brain(VALUES), "F16", "BF16")).fit is Fit.SIBLINGS
    assert judge(aligned(half(VALUES), steps(VALUES, 0.001), "F16", "Q8_0")).fit is Fit.SIBLINGS


@pytest.mark.parametrize("size", [1e-4, 1e-3, 1e-2])
def test_a_training_contradicts(size: float) -> None:
    trained = VALUES + size * RANDOM.standard_normal(len(VALUES))
    for made, dtype in ((single(trained), "F32"), (half(trained), "F16")):
        found = judge(aligned(single(VALUES), made, "F32", dtype))
        assert found.fit is Fit.APART
        assert found.outside[0]


def test_steps_of_bf16_are_near_and_no_more() -> None:
    codes = bf16_codes(VALUES)
    codes[::20] += 1
    found = judge(aligned(brain(VALUES), floats.coded("BF16", codes), "BF16", "BF16"))
    assert found.fit is Fit.NEAR


def test_the_rung_is_told_for_each_type_by_itself() -> None:
    left, right = single(VALUES), steps(to_f16(VALUES), 0.001)
    plain = half(VALUES)
    both = Aligned(
        Samples(*(np.concatenate(pair) for pair in zip(left, left, strict=True))),
        Samples(*(np.concatenate(pair) for pair in zip(plain, right, strict=True))),
        np.array([0, len(VALUES)], np.intp),
        ["F32", "F32"],
        ["F16", "Q8_0"],
    )
    assert judge(both).rungs == {"F16": "value", "Q8_0": "f16"}


def test_what_bounds_nothing_is_no_evidence() -> None:
    open_ended = Samples(VALUES, np.full(len(VALUES), -np.inf), np.full(len(VALUES), np.inf))
    assert judge(aligned(single(VALUES), open_ended, "F32", "IQ2_XS")).fit is Fit.UNKNOWN
