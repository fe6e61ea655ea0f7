"""The words of the tables are the published ones, and bins tell what they are said to."""

from __future__ import annotations

import numpy as np
import pytest

from catalog.fingerprints import codes, tables


def test_the_words_are_those_of_the_definition() -> None:
    shared = tables.tables()
    assert [f"{word:016x}" for word in shared.words_f16[0x3C00].tolist()] == ["d26849f21f3d00c5", "996f3ad13d8b1914"]
    assert [f"{word:016x}" for word in shared.words_f16[0].tolist()] == ["84c1abedba92402b", "4d344965a3d45c94"]
    assert [f"{word:016x}" for word in shared.words_bf16[0x3F80].tolist()] == ["15bd968f869d1098", "4de130ba1023fd3d"]


def test_exact_words_know_one_zero_and_one_nan() -> None:
    zero, nan = tables.exact_words(np.array([0, 0x7FC00000], np.uint32))
    other = tables.exact_words(np.array([0x80000000, 0x7F800001, 0xFFFFFFFF], np.uint32))
    assert other.tolist() == [zero, nan, nan]


@pytest.mark.parametrize("dtype", ["F16", "BF16"])
def test_each_code_of_a_16_bit_type_is_moved_to_the_codes_of_its_value(dtype: str) -> None:
    every = np.arange(tables.CODES, dtype=np.uint16)
    bits = codes.f16_bits(every) if dtype == "F16" else codes.bf16_bits(every)
    found = tables.source(dtype)
    assert np.array_equal(found.moves[:, 0], codes.plain_f16(codes.f16_codes(bits)))
    assert np.array_equal(found.moves[:, 1], codes.plain_bf16(codes.bf16_codes(bits)))
    assert set(found.inexact.tolist()) == ({0, 2} if dtype == "F16" else {0, 1})


def test_no_code_is_the_mark_of_what_is_counted_elsewhere() -> None:
    every = np.arange(tables.CODES, dtype=np.uint16)
    assert tables.ELSEWHERE not in codes.plain_bf16(every)
