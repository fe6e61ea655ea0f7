"""The levels of integer quantisation, and how far from each a weight may have been: in steps of the scale.

A quantiser moves a weight to the nearest level, so it was at most half a step away; `SLACK` allows for the quantiser's
own arithmetic in float32. At the lowest and the highest level it may have been further out, where the quantiser cuts
off. Measured against ggml's own quantisers and those of ONNX Runtime, PyTorch and bitsandbytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from catalog.fingerprints.base import Samples
from catalog.fingerprints.decoding import decoding

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from catalog.fingerprints.base import Floats

SLACK = 2e-4
"""Of a step."""
_CHUNK = 1 << 13  # values decoded at once: what is needed in between stays in the first caches


class Levels(NamedTuple):
    """By code: the level, and the lowest and highest that a weight may have been, in steps; arrays of equal length."""

    level: Floats
    down: Floats
    up: Floats


class Scaled(NamedTuple):
    """Codes with the scale of each group of them: value = scale * level + offset.

    `codes`: integers, shape (groups, values of a group). `scale`, `offset`, `slack`: shape (groups, 1) or ().
    `slack`: what the scale may be off by, as it was rounded for storing, times the level; `shift`: the same of the
    offset, and of what is not counted in levels.
    """

    codes: npt.NDArray[np.uint8]
    scale: Floats
    offset: Floats | None = None
    slack: Floats | None = None
    shift: Floats | None = None

    def groups(self, some: slice) -> Scaled:
        """Some of the groups, where scale and offset have one row for each."""
        offset, slack, shift = (None if part is None else part[some] for part in self[2:])
        return Scaled(self.codes[some], self.scale[some], offset, slack, shift)


def uniform(levels: Sequence[int], slack: float, *, open_below: int = 1, open_above: int = 1) -> Levels:
    """Levels of whole steps, in the order of their codes. The so many lowest and highest are open."""
    level = np.array(levels, np.float64)
    down, up = level - (0.5 + slack), level + (0.5 + slack)
    order = np.argsort(level, kind="stable")
    down[order[:open_below]] = -np.inf
    up[order[len(order) - open_above :]] = np.inf
    return Levels(level, down, up)


def uneven(levels: Sequence[float], slack: float, *, rounded: float = 0.0) -> Levels:
    """Levels of a table, in the order of their codes: a weight lies between the midpoints to its neighbours.

    The lowest and the highest are open; codes of equal levels (0 and -0) share their interval. `rounded`: by what share
    the stored scale may be off from the one that the quantiser used.
    """
    level = np.array(levels, np.float64)
    known = np.unique(level)
    between = (known[:-1] + known[1:]) / 2
    margin = np.abs(between) * rounded + slack
    down, up = np.concatenate(([-np.inf], between - margin)), np.concatenate((between + margin, [np.inf]))
    place = np.searchsorted(known, level)
    return Levels(level, down[place], up[place])


def valued(levels: Sequence[float]) -> Levels:
    """Levels of which it is not known what they were made of: all open."""
    return Levels(np.array(levels, np.float64), np.full(len(levels), -np.inf), np.full(len(levels), np.inf))


@np.errstate(all="ignore")
def decoded(levels: Levels, stored: Scaled) -> Samples:
    """Values and intervals, in the shape of the codes. A group whose scale is zero or no number says nothing.

    A negative scale swaps the ends.
    """
    known = stored._replace(scale=np.where(np.isfinite(stored.scale) & (stored.scale != 0), stored.scale, np.nan))
    found = Samples(*(np.empty(stored.codes.shape) for _ in range(3)))
    fast = decoding(stored.codes.size) if stored.codes.ndim == known.scale.ndim == 2 else None
    if fast is not None:
        fast.scaled(levels, known, found)
    elif stored.codes.ndim == known.scale.ndim == 2:
        step = max(1, _CHUNK // max(1, stored.codes.shape[1]))
        for first in range(0, len(stored.codes), step):
            some = slice(first, first + step)
            _decode(levels, known.groups(some), Samples(*(column[some] for column in found)))
    else:
        _decode(levels, known, found)
    _forget(found, known.scale if stored.offset is None else known.scale + stored.offset)
    return found


def _decode(levels: Levels, stored: Scaled, found: Samples) -> None:
    """Fill in what is found of some groups."""
    level = levels.level.take(stored.codes)
    np.multiply(stored.scale, level, out=found.values)
    first, second = stored.scale * levels.down.take(stored.codes), stored.scale * levels.up.take(stored.codes)
    np.minimum(first, second, out=found.low)
    np.maximum(first, second, out=found.high)
    if stored.slack is not None:
        margin = np.abs(level, out=level)
        margin *= stored.slack
        if stored.shift is not None:
            margin += stored.shift
        np.subtract(found.low, margin, out=found.low)
        np.add(found.high, margin, out=found.high)
    if stored.offset is not None:
        for column in found:
            np.add(column, stored.offset, out=column)


def _forget(found: Samples, known: Floats) -> None:
    """Where a group's scale or offset is no number, nothing is known of its values: the interval is open."""
    if np.isfinite(known).all():
        return
    unknown = np.broadcast_to(~np.isfinite(known), found.values.shape)
    found.values[unknown], found.low[unknown], found.high[unknown] = np.nan, -np.inf, np.inf
