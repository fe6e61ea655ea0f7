"""How the values of a variant are stored."""

from __future__ import annotations

import pytest

from catalog.queries.model_page.shares import bits, percent, shares, words


def test_the_most_frequent_type_stands_first_with_its_part() -> None:
    found = shares({"F32": 13, "F16": 987})
    assert [(one.label, one.percent) for one in found] == [("fp16", "98.7 %"), ("fp32", "1.3 %")]


def test_the_parts_of_the_bar_follow_each_other_and_never_overflow() -> None:
    found = shares({"F8_E4M3": 10**9, **{f"Q{n}_K": 1 for n in range(2, 7)}})
    ends = [float(one.x) + float(one.width) for one in found]
    assert [float(one.x) for one in found[1:]] == pytest.approx(ends[:-1], abs=0.02)
    assert max(ends) <= 100.01


def test_many_types_are_shown_as_a_few_and_the_others() -> None:
    found = shares({f"T{n}": 100 - n for n in range(20)})
    assert len(found) == 6
    assert found[-1].label == "others"
    assert sum(one.values for one in found) == sum(100 - n for n in range(20))


@pytest.mark.parametrize("odd", [{}, {"F16": 0}, {"F16": "many"}, {"F16": -1}])
def test_nothing_countable_is_nothing(odd: dict[str, object]) -> None:
    assert shares(odd) == ()


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [(1, 1, "100 %"), (999_999, 1_000_000, "> 99.9 %"), (1, 1_000_000, "< 0.1 %"), (1, 3, "33.3 %"), (1, 2, "50.0 %")],
)
def test_a_part_is_never_told_as_all_nor_as_nothing(part: int, whole: int, said: str) -> None:
    assert percent(part, whole) == said


@pytest.mark.parametrize(
    ("dtype", "label", "width"),
    [("F16", "fp16", 16), ("BF16", "bf16", 16), ("F64", "fp64", 64), ("F8_E4M3", "fp8 e4m3", 8), ("I8", "int8", 8),
     ("F8_E5M2FNUZ", "fp8 e5m2", 8), ("U8", "uint8", 8), ("BOOL", "bool", 0), ("Q4_K", "Q4_K", 4),
     ("IQ2_XXS", "IQ2_XXS", 2), ("MXFP4", "MXFP4", 4), ("new-thing", "new-thing", 0)],
)  # fmt: skip
def test_types_are_called_as_precisions_are(dtype: str, label: str, width: int) -> None:
    assert (words(dtype), bits(dtype)) == (label, width)
