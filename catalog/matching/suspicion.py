"""Where the samples say that one tensor is a plain rounding of the other, but the keys over all values do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.matching.hypotheses import Fit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalog.fingerprints.base import TensorPrint
    from catalog.matching.measuring import Measured
    from catalog.matching.pairing import Link, Pairing

_FP8 = frozenset({"F8_E4M3", "F8_E5M2"})


def suspect(found: Pairing, measured: Measured) -> Iterator[Link]:
    """Links that differ off the samples: of a plain rounding there is a key, and it would be equal."""
    fit = measured.judgement.fit
    if fit > Fit.RIGHT_ROUNDED:
        return
    keyed = _keyed_types(found)
    for link in measured.judged:
        left, right = found.left.tensors[link.left], found.right.tensors[link.right]
        if left.lanes is None or right.lanes is None:
            continue
        target = left if fit is Fit.RIGHT_ROUNDED else right
        if measured.judgement.rungs.get(target.dtype) != "truncated" and _has_key(target, keyed):
            yield link


def _has_key(target: TensorPrint, keyed: set[str]) -> bool:
    """Converters to fp8 differ in what they do with values out of range: only where some keys met, all would."""
    return target.dtype not in _FP8 or target.dtype in keyed


def _keyed_types(found: Pairing) -> set[str]:
    """Types of the tensors that keys join."""
    types = set()
    for link in found.links:
        if link.match is not None:
            types |= {found.left.tensors[link.left].dtype, found.right.tensors[link.right].dtype}
    return types
