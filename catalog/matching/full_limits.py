"""What a comparison of all values cannot see: changes of which too few values would have left their bounds.

Where the parent itself is at hand, every change that its copy can show is seen. Two roundings without their parent meet
in wide intervals: in a small tensor a light change moves none of them out. Of such a tensor nothing is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from catalog.fingerprints.base import CORE_VALUES
from catalog.matching import limits
from catalog.matching.thresholds import COVERED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.matching.full_counts import Count
    from catalog.matching.full_faces import Face

CHANGE = 1e-4
"""Relative to the size of the weights: the lightest fine-tune that has to be seen, in each tensor by itself."""
_UNSEEN = 2.0
"""Where nothing is known of a tensor: another one would not be seen."""
_KEPT = 512
"""Values of a block whose bounds are kept."""
_MOST = 4096
"""And of a tensor."""


def widths(left: Face, right: Face, before: limits.Widths | None) -> limits.Widths:
    """Of some values of a block, added to those of the blocks `before`: not yet in shares of anything."""
    if before is not None and len(before.wide) >= _MOST:
        return before
    every = slice(None, None, max(1, len(left.values) // _KEPT))
    one, other = left.some(every), right.some(every)
    sizes = [np.where(np.isfinite(found), found, np.nan) for found in (one.high - one.low, other.high - other.low)]
    spare = np.zeros(len(one.values))
    for face, size in zip((one, other), sizes, strict=True):
        spare = spare + np.nan_to_num(limits.slack(face.dtype, face.values, size))
    found = limits.Widths(np.minimum(*sizes), np.maximum(*sizes), spare)
    return found if before is None else limits.Widths(*map(np.concatenate, zip(before, found, strict=True)))


def limit(count: Count) -> float | None:
    """The smallest relative change of this tensor that would have been seen; None where nothing is known of it."""
    found = count.widths
    if found is None or not count.power or not count.measured:
        return None
    size = float(np.sqrt(count.power / count.measured))
    shares = limits.Widths(*(column / size for column in found))
    return limits.detection_limit(shares, of=count.compared)


def blind(counts: Sequence[Count]) -> float | None:
    """The relative change of a tensor that would have been seen, but for the least telling tenth of all values.

    None where every light fine-tune would have been. Tensors too small to be evidence are not asked.
    """
    found = sorted(
        ((limit(count) or _UNSEEN, count.compared) for count in counts if count.compared >= CORE_VALUES), reverse=True
    )
    left = (1 - COVERED) * sum(size for _, size in found)
    for change, size in found:
        left -= size
        if left < 0:
            return change if change > CHANGE else None
    return None
