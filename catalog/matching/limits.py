"""How small a change the samples would still have shown: the detection limit of a comparison by intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from catalog.matching import thresholds

if TYPE_CHECKING:
    import numpy.typing as npt

    from catalog.fingerprints.base import Floats

_CHANGES = np.geomspace(1e-7, 2.0, 148)
"""The relative changes that are tried: each an eighth larger than the one before."""
_EVERY = 7
_LEGACY = frozenset({"Q8_0", "Q4_0", "Q5_0", "Q4_1", "Q5_1"})
_LEGACY_SLACK = 2.0**-11
_SLACK = 2e-4
FLOATS = frozenset({"F64", "F32", "F16", "BF16", "F8_E4M3", "F8_E5M2"})


class Widths(NamedTuple):
    """Of samples: the widths of both intervals, and how far they were widened beyond exact rounding; in shares of the
    tensor's root mean square. A width is 0 where the original itself is known.
    """

    narrow: Floats
    wide: Floats
    slack: Floats

    def of(self, chosen: npt.NDArray[np.bool_] | slice) -> Widths:
        """Some of them."""
        return Widths(self.narrow[chosen], self.wide[chosen], self.slack[chosen])


def slack(dtype: str, values: Floats, widths: Floats) -> Floats:
    """Half of what the intervals of a type were widened beyond exact rounding."""
    if dtype in FLOATS:
        return np.zeros(len(values))
    if dtype in _LEGACY:
        return np.minimum(np.abs(values) * _LEGACY_SLACK + 1e-3 * widths, widths / 4)
    return _SLACK * widths


def detection_limit(widths: Widths, expected: float = 0.0, *, of: int = 0) -> float | None:
    """The smallest uniform change, relative to each tensor's root mean square, that would have been seen (three times).

    `expected`: contradictions that double rounding makes anyway. `of`: so many values were compared, of which these are
    some; 0 if these are all. The largest change tried, 2, where none would have
    been seen; None where there is nothing to see it by.

    E(d) is scanned, coarsely and then finely, not bisected: it jumps where the change passes the narrow width.
    """
    every = max(1, of / max(1, len(widths.wide)))
    told = np.isfinite(widths.narrow) & np.isfinite(widths.wide) & (widths.wide > 0)
    widths = widths.of(told)
    count = len(widths.wide)
    if not count:
        return None
    some = widths.of(slice(None, None, max(1, count // thresholds.LIMIT_SAMPLES)))
    wanted = thresholds.EXPECTED + 3 * np.sqrt(expected) + expected
    share = len(some.wide) / count / every
    coarse = _first(some, _CHANGES[::_EVERY], wanted * share)
    fine = _CHANGES[max(0, (coarse - 1) * _EVERY) : coarse * _EVERY + 1]
    return float(fine[_first(some, fine, wanted * share)])


def _first(widths: Widths, changes: Floats, wanted: float) -> int:
    """The number of the first change that is seen; else of the last."""
    found = np.nonzero(_contradictions(widths, changes) >= wanted)[0]
    return int(found[0]) if len(found) else len(changes) - 1


def _contradictions(widths: Widths, changes: Floats) -> Floats:
    """E(d): how many samples a normally distributed change of each size moves out of their interval."""
    narrow, wide, spare = (column[None, :] for column in widths)
    change = changes[:, None]
    moved = change * 0.798
    if spare.any():
        ratio = spare / change
        moved = np.maximum(change * (0.798 * np.exp(-(ratio**2) / 2) - 2 * ratio * _upper_tail(ratio)), 0.0)
    both = np.where(narrow > 0, 2 * narrow * wide, 1.0)
    inside = 1.57 * moved**2 / both
    beyond = np.clip((moved - narrow / 2) / wide, 0.0, 1.0)
    expected: Floats = np.where(moved < narrow, np.minimum(inside, 1.0), beyond).sum(axis=1)
    return expected


def _upper_tail(z: Floats) -> Floats:
    """Q(z) of the normal distribution for z >= 0, to 1e-7: Abramowitz and Stegun, formula 26.2.17."""
    t = 1 / (1 + 0.2316419 * z)
    poly = t * (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
    tail: Floats = np.exp(-(z**2) / 2) * 0.3989422804014327 * poly
    return tail
