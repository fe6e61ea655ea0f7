"""The compiled loops against NumPy's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from catalog.fingerprints import floats
from catalog.fingerprints.blocks import BLOCKS
from catalog.fingerprints.decoding import WORTH, decoding

if TYPE_CHECKING:
    from catalog.fingerprints.base import Samples


def same(one: Samples, parts: list[Samples]) -> None:
    for whole, pieces in zip(one, zip(*parts, strict=True), strict=True):
        np.testing.assert_array_equal(whole, np.concatenate(pieces))


def test_there_are_compiled_loops_where_it_is_worth_it() -> None:
    assert decoding(WORTH) is not None
    assert decoding(WORTH - 1) is None


@pytest.mark.parametrize("kind", BLOCKS)
def test_blocks_are_decoded_alike_by_both(kind: str) -> None:
    """Many at once by one, few at once by the other."""
    block = BLOCKS[kind]
    count = 2 * WORTH // block.values
    raw = np.random.default_rng(11).integers(0, 256, (count, block.nbytes), dtype=np.uint8)
    few = WORTH // block.values - 1
    same(block.samples(raw), [block.samples(raw[first : first + few]) for first in range(0, count, few)])


@pytest.mark.parametrize("kind", [name for name in floats.WIDTHS if name != "F64"])
def test_floats_are_decoded_alike_by_both(kind: str) -> None:
    width = floats.WIDTHS[kind]
    raw = np.random.default_rng(12).integers(0, 256, 3 * WORTH * width, dtype=np.uint8)
    if kind == "F32":
        ends = np.array([0, 1, 0x7F_FFFF, 0x80_0000, 0x80_0001, 0x100_0000, 0x3F80_0000, 0x7F7F_FFFF], "<u4")
        raw[:64] = np.concatenate((ends, ends | np.uint32(1 << 31))).view(np.uint8)
    step = (WORTH - 1) * width
    pieces = [floats.samples(kind, raw[first : first + step]) for first in range(0, raw.size, step)]
    same(floats.samples(kind, raw), pieces)
    finite = raw.copy()
    if kind == "F32":
        finite[3::4] &= 0xBF
        same(
            floats.samples(kind, finite), [floats.samples(kind, finite[a : a + step]) for a in range(0, raw.size, step)]
        )
