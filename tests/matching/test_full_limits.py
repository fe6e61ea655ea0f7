"""What two roundings without their parent cannot show is known, and grows smaller with what is compared."""

from __future__ import annotations

import numpy as np
import pytest

from catalog.fingerprints import floats
from catalog.fingerprints.base import TensorPrint
from catalog.matching.base import Pair
from catalog.matching.full_counts import Class, Count
from catalog.matching.full_faces import Face
from catalog.matching.full_limits import CHANGE, alike, apart

VALUES = (np.random.default_rng(3).standard_normal(60_000) * 0.02).astype(np.float16)


def counted(values: int, coarse: str = "F8_E5M2") -> Count:
    """So many values of F16 beside themselves in a coarser type, of another parent for all that is known."""
    found = Class.of("F16", coarse)
    count = found.begin(Pair(TensorPrint("w", "F16", (values,), b""), TensorPrint("w", coarse, (values,), b"")))
    ours = floats.samples("F16", VALUES[:values].view(np.uint8))
    codes = np.searchsorted(np.sort(floats.table(coarse).values[:120]), np.abs(ours.values)).astype(np.uint8)
    found.take(count, Face(ours, "F16"), Face(floats.coded(coarse, codes), coarse))
    return count


def test_more_values_show_smaller_changes() -> None:
    few, many = alike([counted(1000)]), alike([counted(60_000)])

    assert few > many > 1e-6
    assert alike([counted(30_000), counted(30_000)]) == pytest.approx(many, rel=0.3)


def test_of_tensors_by_themselves_the_smallest_decides_unless_it_is_spared() -> None:
    large, small = counted(60_000), counted(1000)

    assert apart([large, small], 61_000) == pytest.approx(apart([large], 60_000))
    assert apart([small, small], 2000) == pytest.approx(alike([small]), rel=0.3)
    assert apart([small], 1_000_000) == 0.0


def test_a_light_fine_tune_of_few_values_would_not_be_seen() -> None:
    assert alike([counted(500)]) > CHANGE
