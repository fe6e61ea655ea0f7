"""Roundings are those of NumPy and ml_dtypes, bit by bit."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from catalog.fingerprints import codes


def _patterns() -> codes.Bits:
    """f32 bits: every f16 value and what lies beside and halfway, and a few million of any kind."""
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    values = halves.astype(np.float32).view(np.uint32)
    with np.errstate(all="ignore"):
        middle = ((values.view(np.float32).astype(np.float64) + np.roll(values.view(np.float32), -1)) / 2).astype(
            np.float32
        )
    near = np.concatenate([values, values + 1, values - 1, middle.view(np.uint32)])
    bf16 = np.arange(1 << 16, dtype=np.uint32) << np.uint32(16)
    random = np.random.default_rng(5).integers(0, 1 << 32, 2_000_000, dtype=np.uint32)
    usual = (random & np.uint32(0x807FFFFF)) | (np.uint32(100) + random[::-1] % np.uint32(45)) << np.uint32(23)
    return np.concatenate([near, near + 1, bf16, bf16 | 0x8000, bf16 | 0x7FFF, bf16 | 0x8001, random, usual])


@pytest.fixture(scope="module")
def bits() -> codes.Bits:
    return _patterns()


@np.errstate(all="ignore")
def test_f16_is_that_of_numpy(bits: codes.Bits) -> None:
    expected = bits.view(np.float32).astype(np.float16).view(np.uint16)
    assert np.array_equal(codes.plain_f16(codes.f16_codes(bits)), codes.plain_f16(expected))


@np.errstate(all="ignore")
def test_bf16_is_that_of_ml_dtypes(bits: codes.Bits) -> None:
    expected = bits.view(np.float32).astype(ml_dtypes.bfloat16).view(np.uint16)
    assert np.array_equal(codes.plain_bf16(codes.bf16_codes(bits)), codes.plain_bf16(expected))


@np.errstate(all="ignore")
def test_e4m3_is_that_of_ml_dtypes_and_ends_at_448(bits: codes.Bits) -> None:
    values = bits.view(np.float32)
    expected = values.astype(ml_dtypes.float8_e4m3fn).astype(np.float16).view(np.uint16)
    found = codes.e4m3_codes(codes.values_of(bits))
    within = np.abs(values) <= 464
    assert np.array_equal(found[within], codes.plain_f16(expected[within]))
    beyond = np.abs(values) > 464
    assert np.array_equal(np.abs(found[beyond].view(np.float16)), np.full(beyond.sum(), 448, np.float16))


@np.errstate(all="ignore")
def test_e5m2_is_that_of_ml_dtypes(bits: codes.Bits) -> None:
    expected = bits.view(np.float32).astype(ml_dtypes.float8_e5m2).astype(np.float16).view(np.uint16)
    assert np.array_equal(codes.e5m2_codes(codes.values_of(bits)), codes.plain_f16(expected))


@np.errstate(all="ignore")
def test_bytes_of_fp8_have_the_values_of_ml_dtypes() -> None:
    every = np.arange(256, dtype=np.uint8)
    for found, kind in (
        (codes.e4m3_values(), ml_dtypes.float8_e4m3fn),
        (codes.e5m2_values(), ml_dtypes.float8_e5m2),
    ):
        assert np.array_equal(found, codes.plain_f16(every.view(kind).astype(np.float16).view(np.uint16)))


def test_a_nan_keeps_its_sign_and_nothing_else() -> None:
    nans = np.array([0x7F800001, 0x7FFFFFFF, 0xFFC00000, 0xFFFFFFFF], np.uint32)
    assert codes.f16_codes(nans).tolist() == [0x7E00, 0x7E00, 0xFE00, 0xFE00]
    assert codes.bf16_codes(nans).tolist() == [0x7FC0, 0x7FC0, 0xFFC0, 0xFFC0]


def test_there_is_one_zero_and_one_nan() -> None:
    assert codes.plain_f16(np.array([0x8000, 0x7C01, 0xFFFF, 0xFC00], np.uint16)).tolist() == [
        0,
        0x7E00,
        0x7E00,
        0xFC00,
    ]
    assert codes.plain_bf16(np.array([0x8000, 0x7F81, 0xFF80], np.uint16)).tolist() == [0, 0x7FC0, 0xFF80]


def test_one_value_in_sixteen_is_rounded_otherwise_by_way_of_f16() -> None:
    bits = np.random.default_rng(0).standard_normal(1_000_000, np.float32).view(np.uint32)
    by_way = codes.bf16_codes(codes.f16_bits(codes.f16_codes(bits)))
    assert np.mean(by_way != codes.bf16_codes(bits)) == pytest.approx(0.063, abs=0.003)
