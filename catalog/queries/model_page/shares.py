"""How the values of a variant are stored: which part of them in which type, as a list and as the parts of one bar."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_MOST = 6
_LEAST, _MOST_BUT_NOT_ALL = 0.05, 99.95
_THINNEST = 0.6
"""Percent of the bar: thinner parts could not be seen."""
_WORDS = ((r"F(16|32|64)", r"fp\1"), (r"BF16", "bf16"), (r"F8_(E\dM\d).*", r"fp8 \1"), (r"F(4|6)(.*)", r"fp\1\2"),
          (r"I(4|8|16|32|64)", r"int\1"), (r"U(4|8|16|32|64)", r"uint\1"), (r"BOOL", "bool"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Share:
    """One type of value: its words, the class of its weight, and its part of all; `x` and `width` are percent."""

    label: str
    precision: str
    bits: int
    values: int
    percent: str
    x: str
    width: str


def shares(dtypes: Mapping[str, object]) -> tuple[Share, ...]:
    """The types of a variant's values, the most frequent first; beyond the sixth they are one."""
    counts = {dtype: count for dtype, count in dtypes.items() if isinstance(count, int) and count > 0}
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    if len(ranked) > _MOST:
        ranked = [*ranked[: _MOST - 1], ("others", sum(count for _, count in ranked[_MOST - 1 :]))]
    total = sum(counts.values())
    found, x = [], 0.0
    for dtype, count in ranked:
        width = min(max(100 * count / total, _THINNEST), 100 - x)
        label = words(dtype)
        found.append(Share(label, label, bits(dtype), count, percent(count, total), f"{x:.2f}", f"{width:.2f}"))
        x += width
    return tuple(found)


def words(dtype: str) -> str:
    """A reader's name of a type as the precisions are called: `F16` is `fp16`; a block type stays `Q4_K`."""
    for pattern, label in _WORDS:
        if re.fullmatch(pattern, dtype):
            return re.sub(pattern, label, dtype).lower()
    return dtype


def bits(dtype: str) -> int:
    """About how many bits a value takes, to draw it by: the first number in its name."""
    digits = re.search(r"\d+", dtype)
    return int(digits[0]) if digits else 0


def percent(part: int, whole: int) -> str:
    """`98.7 %`; a part is never told as all, nor as nothing."""
    share = 100 * part / whole
    if part == whole:
        return "100 %"
    if share < _LEAST:
        return "< 0.1 %"
    return "> 99.9 %" if share >= _MOST_BUT_NOT_ALL else f"{share:.1f} %"
