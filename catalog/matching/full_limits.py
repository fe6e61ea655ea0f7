"""What a comparison of all values cannot see: changes of which too few values would have left their bounds.

Where the parent itself is at hand, every change that its copy can show is seen. Two roundings without their parent meet
in wide intervals: of few values a light change moves none out. Then nothing is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from catalog.fingerprints.base import CORE_VALUES
from catalog.matching import limits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.matching.full_counts import Count
    from catalog.matching.full_faces import Face

CHANGE = 1e-4
"""Relative to the size of the weights: the lightest fine-tune that has to be seen."""
_SPARED = 0.25
"""Of the values so many may be in tensors that would not show it: small ones, and those of the fewest bits."""
_UNSEEN = 2.0
"""Where nothing is known of any value, another one would not be seen."""
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


def alike(counts: Sequence[Count]) -> float:
    """The smallest change of all tensors alike, relative to each, that would have been seen of them together."""
    some = [one for one in counts if _tells(one)]
    values = sum(one.compared for one in some)
    asked = [_shares(one, max(1, _MOST * one.compared // values)) for one in some]
    return _limit(asked, values) if asked else _UNSEEN


def apart(counts: Sequence[Count], values: int) -> float:
    """The same of each tensor by itself, but for those that see least: a quarter of all `values`."""
    found = sorted((_limit([_shares(one, _MOST)], one.compared), one.compared) for one in counts if _tells(one))
    spare = _SPARED * values
    while found and spare >= found[-1][1]:
        spare -= found.pop()[1]
    return found[-1][0] if found else 0.0


def _tells(count: Count) -> bool:
    """Tensors too small to be evidence are not asked."""
    return count.compared >= CORE_VALUES and count.widths is not None and count.power > 0


def _limit(asked: Sequence[limits.Widths], values: int) -> float:
    together = limits.Widths(*map(np.concatenate, zip(*asked, strict=True)))
    return limits.detection_limit(together, of=values) or _UNSEEN


def _shares(count: Count, wanted: int) -> limits.Widths:
    """So many widths of a tensor, in shares of the root mean square of its values."""
    found = count.widths
    if found is None:
        return limits.Widths(*np.zeros((3, 0)))
    size = np.sqrt(count.power / count.measured)
    every = slice(None, None, max(1, len(found.wide) // wanted))
    return limits.Widths(*(column[every][:wanted] / size for column in found))
