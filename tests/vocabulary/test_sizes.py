"""Sizes and counts as people write them."""

from __future__ import annotations

import pytest

from catalog.vocabulary.sizes import human_count, human_size, human_sizes


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1 kB"),
        (999_499, "999 kB"),
        (999_600, "1 MB"),
        (6_938_040_682, "6.94 GB"),
        ((1 << 64) - 1, "18.4 EB"),
        (10**22, "10,000 EB"),
    ],
)
def test_a_size_has_three_digits_and_a_unit(count: int, text: str) -> None:
    assert human_size(count) == text


def test_two_sizes_never_look_alike() -> None:
    assert human_sizes(1_500_000, 2_000_000) == ("1.5 MB", "2 MB")
    assert human_sizes(1_500_001, 1_500_000) == ("1,500,001 bytes", "1,500,000 bytes")


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0"),
        (999, "999"),
        (364_164, "364 K"),
        (859_520_964, "860 M"),
        (6_738_415_616, "6.74 B"),
        (10**16, "10,000 T"),
    ],
)
def test_a_number_of_parameters_has_three_digits(count: int, text: str) -> None:
    assert human_count(count) == text
