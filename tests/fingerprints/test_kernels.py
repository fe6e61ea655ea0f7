"""The compiled loops and those in NumPy count the same, and both what the definition says."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog import fingerprints
from catalog.fingerprints import codes, compiling, kernels, tables
from catalog.fingerprints.base import Rung
from catalog.fingerprints.kernels import NOT_BF16, NOT_F16, OUTLIERS, Full, Made, Settled
from catalog.fingerprints.kernels_numba import Compiled
from catalog.fingerprints.kernels_numpy import Plain

if TYPE_CHECKING:
    from catalog.fingerprints.codes import Bits, Codes
    from catalog.fingerprints.kernels import Kernels

BOTH = (Compiled(), Plain())
VECTOR = np.array(
    [0x3F800000, 0x3F000000, 0x80000000, 0x40490FDB, 0x3380D959, 0x477FF000, 0xBF801000, 0x3DCCCCCD], np.uint32
)


@dataclass
class Counted:
    """What became of f32 values."""

    settled: Settled
    m32: int
    flags: int
    f16: Codes
    bf16: Codes


def _f32(loops: Kernels, bits: Bits, *, walk: bool) -> Counted:
    bins, outliers, made = kernels.room_for_bins(), kernels.room_for_outliers(), Made.room()
    m32, flags = loops.cast(bits, bins, outliers, made)
    seen = made.numbers[: bits.size] if walk else np.arange(tables.BINS, dtype=np.uint32)
    outside = made.bf16[: bits.size] if walk else np.arange(tables.CODES, dtype=np.uint16)
    full = Full(bins, seen, outliers, outside)
    settled = loops.settle(tables.source("F32"), full, by_f16=False)
    assert not bins.any()
    assert not outliers.any()
    return Counted(settled, m32, flags, made.f16[: bits.size].copy(), made.bf16[: bits.size].copy())


def _narrow(loops: Kernels, dtype: str, found: Codes, *, walk: bool) -> Settled:
    bins, outliers = kernels.room_for_bins(), kernels.room_for_outliers()
    loops.count(found, bins)
    seen = found if walk else np.arange(tables.CODES, dtype=np.uint16)
    full = Full(bins, seen, outliers, np.zeros(0, np.uint16))
    settled = loops.settle(tables.source(dtype), full, by_f16=dtype == "F16")
    assert not bins.any()
    return settled


def _same(left: Settled, right: Settled) -> None:
    assert np.array_equal(left.lanes, right.lanes)
    assert (left.codes, left.extremes, left.m32, left.flags) == (right.codes, right.extremes, right.m32, right.flags)
    assert left.total == pytest.approx(right.total, rel=1e-9, abs=1e-9 * abs(left.squares) ** 0.5)
    assert left.squares == pytest.approx(right.squares, rel=1e-9)


def _hex(settled: Settled, rung: Rung) -> list[str]:
    return [f"{lane:016x}" for lane in settled.lanes[rung].tolist()]


@pytest.mark.parametrize("loops", BOTH, ids=lambda loops: loops.name)
@pytest.mark.parametrize("walk", [True, False])
def test_the_published_vector(loops: Kernels, walk: bool) -> None:
    found = _f32(loops, VECTOR, walk=walk)
    assert found.f16.tolist() == [0x3C00, 0x3800, 0x8000, 0x4248, 0x0001, 0x7C00, 0xBC00, 0x2E66]
    assert found.bf16.tolist() == [0x3F80, 0x3F00, 0x8000, 0x4049, 0x3381, 0x4780, 0xBF80, 0x3DCD]
    assert _hex(found.settled, Rung.F16) == ["ea8d9efe66fae3e7", "d6dbfcab7486ffb0"]
    assert _hex(found.settled, Rung.BF16) == ["3764e1ce15590019", "bfa2002e14318682"]
    assert _hex(found.settled, Rung.FB) == ["bc4d048aac9abe4d", "8d82dcdd19b0b378"]
    assert _hex(found.settled, Rung.BF) == ["57ea56cec73eef0c", "396c8fd63124a7cc"]
    assert _hex(found.settled, Rung.FZ) == ["d53761b5e6791a21", "64f86a6585d2a3f5"]
    assert found.m32 == 0x1C4B18E42D1870D4
    assert found.flags == NOT_F16 | NOT_BF16 | OUTLIERS


def _words(rung_codes: Codes, *, bf16: bool = False) -> list[int]:
    shared = tables.tables()
    table = shared.words_bf16 if bf16 else shared.words_f16
    total: list[int] = table[rung_codes].sum(axis=0, dtype=np.uint64).tolist()
    return total


def _by_definition(bits: Bits) -> dict[Rung, list[int]]:
    """Every value rounded and looked up by itself."""
    f16, bf16 = codes.plain_f16(codes.f16_codes(bits)), codes.plain_bf16(codes.bf16_codes(bits))
    of_f16, of_bf16 = codes.f16_bits(f16), codes.bf16_bits(bf16)
    exact, by_f16, by_bf16 = (codes.values_of(one) for one in (bits, of_f16, of_bf16))
    return {
        Rung.F16: _words(f16),
        Rung.BF16: _words(bf16, bf16=True),
        Rung.FB: _words(codes.plain_f16(codes.f16_codes(of_bf16))),
        Rung.BF: _words(codes.plain_bf16(codes.bf16_codes(of_f16)), bf16=True),
        Rung.FZ: _words(codes.flushed(f16)),
        Rung.E4M3: _words(codes.e4m3_codes(exact)),
        Rung.E4M3_F16: _words(codes.e4m3_codes(by_f16)),
        Rung.E4M3_BF16: _words(codes.e4m3_codes(by_bf16)),
        Rung.E5M2: _words(codes.e5m2_codes(exact)),
        Rung.E5M2_F16: _words(codes.e5m2_codes(by_f16)),
        Rung.E5M2_BF16: _words(codes.e5m2_codes(by_bf16)),
    }


def _near_turns(seed: int) -> Bits:
    """Values on and beside those at which any of the roundings turns."""
    chance = np.random.default_rng(seed)
    codes_f16 = chance.integers(0, 1 << 16, 6000).astype(np.uint16)
    codes_f16 &= (np.uint16(0xFFFF) << chance.integers(0, 11, 6000).astype(np.uint16)).astype(np.uint16)
    bits = codes.f16_bits(codes_f16)
    return (bits + chance.integers(-1, 2, 6000).astype(np.uint32)).astype(np.uint32)


@pytest.mark.parametrize("loops", BOTH, ids=lambda loops: loops.name)
@pytest.mark.parametrize(
    "bits",
    [
        _near_turns(1),
        np.random.default_rng(2).integers(0, 1 << 32, 9000, dtype=np.uint32),
        (np.random.default_rng(3).standard_normal(9000, np.float32) * np.float32(0.02)).view(np.uint32),
        (np.random.default_rng(4).standard_normal(9000, np.float32) * np.float32(3e-6)).view(np.uint32),
        (np.random.default_rng(5).standard_normal(9000, np.float32) * np.float32(3e4)).view(np.uint32),
    ],
    ids=["turns", "any bits", "weights", "tiny", "huge"],
)
def test_every_rung_is_the_sum_of_the_words_of_its_roundings(loops: Kernels, bits: Bits) -> None:
    found = _f32(loops, bits, walk=False)
    for rung, expected in _by_definition(bits).items():
        assert found.settled.lanes[rung].tolist() == expected, rung
    assert found.settled.codes[Rung.F16] == len(np.unique(codes.plain_f16(codes.f16_codes(bits))))
    assert found.settled.codes[Rung.E4M3] == len(np.unique(codes.e4m3_codes(codes.values_of(bits))))
    assert found.m32 == int(tables.exact_words(bits).sum(dtype=np.uint64))


@given(st.binary(min_size=4, max_size=4096), st.booleans())
@settings(max_examples=60, deadline=None)
def test_compiled_loops_and_numpy_agree_on_any_f32_bytes(data: bytes, walk: bool) -> None:
    bits = np.frombuffer(bytearray(data[: len(data) // 4 * 4]), np.uint32)
    left, right = (_f32(loops, bits, walk=walk) for loops in BOTH)
    _same(left.settled, right.settled)
    assert (left.m32, left.flags) == (right.m32, right.flags)
    assert np.array_equal(left.f16, right.f16)
    assert np.array_equal(left.bf16, right.bf16)


@given(st.binary(min_size=2, max_size=4096), st.sampled_from(["F16", "BF16"]), st.booleans())
@settings(max_examples=60, deadline=None)
def test_compiled_loops_and_numpy_agree_on_any_16_bit_codes(data: bytes, dtype: str, walk: bool) -> None:
    found = np.frombuffer(bytearray(data[: len(data) // 2 * 2]), np.uint16)
    _same(*(_narrow(loops, dtype, found, walk=walk) for loops in BOTH))


def test_without_a_compiler_or_the_casts_of_the_processor_numpy_does_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    assert kernels.kernels().name == "numba"
    with monkeypatch.context() as slow:
        slow.setattr(compiling, "casts", lambda: False)
        kernels._kernels.cache_clear()
        assert kernels.kernels().name == "numpy"
    with monkeypatch.context() as missing:
        missing.delattr(fingerprints, "kernels_numba")
        missing.setitem(sys.modules, "catalog.fingerprints.kernels_numba", None)
        kernels._kernels.cache_clear()
        assert kernels.kernels().name == "numpy"
    kernels._kernels.cache_clear()


def test_few_values_do_not_wait_for_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels._Spent, "values", 0)
    assert [kernels.kernels_for(1 << 19).name for _ in range(4)] == ["numpy", "numba", "numba", "numba"]
    monkeypatch.setattr(kernels._Spent, "values", 0)
    assert kernels.kernels_for(1 << 30).name == "numba"


@pytest.mark.parametrize("loops", BOTH, ids=lambda loops: loops.name)
def test_extremes_are_the_outer_different_finite_values(loops: Kernels) -> None:
    values = np.array([3.0, 3.0, -1.5, 2.0, np.inf, -np.inf, np.nan, -0.5, -1.5, 0.0], np.float16).view(np.uint16)
    assert _narrow(loops, "F16", values, walk=True).extremes == (0x4040, 0x4000, 0xBFC0, 0xBF00)
    assert _narrow(loops, "F16", values[:2], walk=True).extremes == ()
