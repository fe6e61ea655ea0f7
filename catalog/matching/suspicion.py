"""Where the samples say that one tensor is a plain rounding of the other, but the keys over all values do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from catalog.matching.hypotheses import Fit
from catalog.matching.pairing_precision import to_bf16, to_f16
from catalog.matching.pairing_sides import is_large

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalog.fingerprints.base import Floats, TensorPrint
    from catalog.matching.measuring import Measured
    from catalog.matching.pairing import Link, Pairing
    from catalog.matching.pairing_lesser import Like

_FP8 = frozenset({"F8_E4M3", "F8_E5M2"})


def suspected(found: Pairing, measured: Measured) -> bool:
    """Does anything differ off the samples? Of a plain rounding there is a key, and it would be equal."""
    if measured.judged and measured.judgement.fit > Fit.RIGHT_ROUNDED:
        return False  # of two roundings of a third there is no key that both have
    return any(_links(found, measured)) or any(_rounded_by_samples(found, like) for like in found.likes)


def _links(found: Pairing, measured: Measured) -> Iterator[Link]:
    """Core tensors."""
    fit = measured.judgement.fit
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


def _rounded_by_samples(found: Pairing, like: Like) -> bool:
    """A norm or bias, not all of whose values are kept, whose samples are all plain roundings."""
    left, right = found.left.tensors[like.left], found.right.tensors[like.right]
    if like.shift or left.lanes is None or right.lanes is None:
        return False
    if not is_large(found.left.sizes[like.left], found.left.axes[like.left]):
        return False
    one, other = left.samples.values, right.samples.values
    known = np.isfinite(one) & np.isfinite(other)
    return _plain(one[known], other[known]) or _plain(other[known], one[known])


def _plain(source: Floats, target: Floats) -> bool:
    return any((rounded == target).all() for rounded in (source, to_f16(source), to_bf16(source)))
