"""The ways in which two files may have come from the same values, each tested on every value.

A way says which side was made of the other, and what its values went through before they were stored there. For each
it is counted how many values lie outside of what rounding allows; the right way has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from catalog.fingerprints.base import Samples
from catalog.fingerprints.floats import LAYOUTS
from catalog.matching.hypotheses import empty
from catalog.matching.pairing_precision import cut_bf16, to_bf16, to_f16
from catalog.matching.pairing_turned import half_step
from catalog.vocabulary import Direction

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    import numpy.typing as npt

    from catalog.fingerprints.base import Floats
    from catalog.matching.full_faces import Face

    Mask: TypeAlias = npt.NDArray[np.bool_]

EQUAL, VALUE, F16, BF16, TRUNCATED, SIBLINGS, WIDENED = (
    "equal",
    "value",
    "f16",
    "bf16",
    "truncated",
    "siblings",
    "widened",
)
"""Rungs: both hold equal values; the one is a rounding of the other's values as they are, or after they went through
f16 or bf16, or were cut to bf16; both are roundings of something third, or may be once bf16 came between."""
LEFT_PASSED, RIGHT_PASSED = "siblings, the left one by bf16", "siblings, the right one by bf16"
"""Both are roundings of something third, of which the other side holds the values of f16."""
SAME_PARENT = frozenset({SIBLINGS, LEFT_PASSED, RIGHT_PASSED})

FLOATS = frozenset({"F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"})
_FINER: dict[str, tuple[str, ...]] = {"F64": (F16, BF16), "F32": (F16, BF16), "F16": (BF16,), "BF16": (F16,)}
"""By the type of the source: what its values may have gone through and changed by it."""

_SUBNORMAL = 2.0**-25
"""Half of the smallest step of f16: by so much values that went through it may have moved, however small they are."""


class Way(NamedTuple):
    """How two sides came to be. `direction` is NONE where neither is made of the other."""

    rung: str
    direction: Direction = Direction.NONE


FROM_LEFT, FROM_RIGHT = Direction.RIGHT_FROM_LEFT, Direction.LEFT_FROM_RIGHT


def ways(left: str, right: str) -> tuple[Way, ...]:
    """Those that are possible between the two types, the plainest first."""
    from_left = [Way(rung, FROM_LEFT) for rung in _rungs(left, right)]
    from_right = [Way(rung, FROM_RIGHT) for rung in _rungs(right, left)]
    equal = (Way(EQUAL),) if left in FLOATS and right in FLOATS else ()
    passed = [Way(rung) for rung, source, target in _passed(left, right) if source == "F16" and target not in _PLAIN]
    return (*equal, from_left[0], from_right[0], *from_left[1:], *from_right[1:], *passed, Way(SIBLINGS), Way(WIDENED))


_PLAIN = frozenset({"F64", "F32", "F16", "BF16"})
"""Values that went through bf16 before they were stored as these are values of bf16, as the type or the grid says."""


def _passed(left: str, right: str) -> tuple[tuple[str, str, str], tuple[str, str, str]]:
    return (RIGHT_PASSED, left, right), (LEFT_PASSED, right, left)


def _rungs(source: str, target: str) -> tuple[str, ...]:
    cut = (TRUNCATED,) if target == "BF16" and source in {"F64", "F32", "F16"} else ()
    return (VALUE, *_FINER.get(source, ()), *cut)


def outside(way: Way, left: Face, right: Face) -> Mask:
    """Which values the way does not explain. Those of which nothing is known contradict nothing."""
    if way.direction == FROM_RIGHT:
        return _rounded(way.rung, right, left)
    if way.direction == FROM_LEFT:
        return _rounded(way.rung, left, right)
    if way.rung == EQUAL:
        return np.asarray(left.values != right.values)
    return _without_parent(way.rung, left, right)


def _without_parent(rung: str, left: Face, right: Face) -> Mask:
    """Neither is made of the other."""
    if rung == RIGHT_PASSED:
        return _by_bf16(left, right)
    if rung == LEFT_PASSED:
        return _by_bf16(right, left)
    if rung == WIDENED:
        step = room(left, right)
        return empty(Samples(left.values, left.low - step, left.high + step), right.samples)
    return empty(left.samples, right.samples)


def gap(way: Way, left: Face, right: Face) -> Floats:
    """How far beyond its bounds each value lies, by this way; below 0 where it does not. Nothing goes by bf16 here."""
    if way.direction == FROM_RIGHT:
        left, right = right, left
    if way.direction:
        values = ROUND[way.rung](left.values)
        return np.maximum(right.low - values, values - right.high)
    if way.rung == EQUAL:
        return np.abs(left.values - right.values)
    return np.maximum(left.low - right.high, right.low - left.high)


def room(left: Face, right: Face) -> Floats:
    """Half a step of bf16 at each value, where one side is that coarse: so far it may have moved on its way."""
    step = half_step(np.maximum(np.abs(left.values), np.abs(right.values)))
    coarse: Floats = np.where(np.maximum(left.high - left.low, right.high - right.low) >= step, step, 0.0)
    return coarse + _SUBNORMAL


def moved(left: Face, right: Face) -> float:
    """How many values of siblings are expected to miss each other, if one of them went through bf16."""
    width = np.maximum(left.high - left.low, right.high - right.low)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.nansum(np.where(width > 0, (room(left, right) - _SUBNORMAL) / 2 / width, 0.0)))


def _rounded(rung: str, source: Face, target: Face) -> Mask:
    values = ROUND[rung](source.values)
    if rung == TRUNCATED:
        beside: Mask = values != target.values
        return beside
    return _beyond(values, target)


def _by_bf16(finer: Face, target: Face) -> Mask:
    """Of all that was rounded to the finer values, would none be rounded to the target's by way of bf16?"""
    low, high = to_bf16(finer.low), to_bf16(finer.high)
    between = (low <= target.values) & (target.values <= high)
    return _beyond(low, target) & _beyond(high, target) & ~between


def _beyond(values: Floats, target: Face) -> Mask:
    beyond: Mask = (values < target.low) | (values > target.high)
    dtype = target.grid or target.dtype
    if dtype in LAYOUTS:
        middle = ((values == target.low) | (values == target.high)) & np.isfinite(target.values)
        if middle.any():
            beyond[middle] = _odd(dtype, target.values[middle])
    return beyond


def _odd(dtype: str, values: Floats) -> Mask:
    """Whose last place is 1: of two numbers equally near, every converter rounds to the other one."""
    layout = LAYOUTS[dtype]
    _, exponent = np.frexp(values)
    last: Mask = values * np.ldexp(1.0, layout.mantissa - np.maximum(exponent - 1, 1 - layout.bias)) % 2 == 1
    return last


def _as_they_are(values: Floats) -> Floats:
    return values


ROUND: dict[str, Callable[[Floats], Floats]] = {
    VALUE: _as_they_are,
    F16: to_f16,
    BF16: to_bf16,
    TRUNCATED: cut_bf16,
}
"""What values go through, float64 to float64."""
