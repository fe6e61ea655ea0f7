"""What the samples of paired core tensors say: which hypothesis fits, how far apart they are, what would be seen."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from catalog.matching import fusing, limits
from catalog.matching.hypotheses import Aligned, Fit, Judgement, judge
from catalog.matching.pairing_orders import joined
from catalog.matching.pairing_turned import turned
from catalog.vocabulary import Direction, Mapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from catalog.fingerprints.base import Floats, Samples
    from catalog.matching.pairing import Link, Pairing


class Deviation(NamedTuple):
    """Of one pair, in units of the last place of the coarser side; None where nothing was measured."""

    largest: float | None
    typical: float | None


class Measured(NamedTuple):
    """`judged`: the links that no key decides and whose samples do; `judgement` runs parallel to them. `mute`: those
    whose samples bound nothing. `deviations` by number of the link. `distance`: relative, over all core links.
    """

    judged: list[Link]
    judgement: Judgement
    mute: list[Link]
    deviations: dict[int, Deviation]
    limit: float | None
    distance: float | None


def measure(found: Pairing) -> Measured:
    """Of all links at once."""
    asked = [at for at, link in enumerate(found.links) if _shown(link)]
    aligned, asked = _aligned(found, asked)
    judged, mute = _sorted_out(found, aligned, asked)
    judgement = judge(_some(aligned, judged))
    rms = _rms(found, [found.links[at] for at in asked], aligned)
    return Measured(
        [found.links[asked[at]] for at in judged],
        judgement,
        mute,
        _deviations(aligned, asked),
        _limit(found, aligned, asked, judged, judgement, rms),
        _distance(found, aligned, asked, rms),
    )


def _shown(link: Link) -> bool:
    """Equal values need no measuring, and those in an unknown order cannot be."""
    equal = link.match is not None and link.match.made is Direction.NONE
    return not equal and link.mapped not in (Mapped.ANY_ORDER, Mapped.PERMUTED)


def samples_of(found: Pairing, link: Link) -> tuple[Samples, Samples] | None:
    """Those that lie at the same places of both, side by side; None where there are none."""
    if link.parts:
        return fusing.coinciding(found.left, found.right, link)
    left, right = found.left.samples[link.left], found.right.samples[link.right]
    if not (found.left.sampled(link.left) and found.right.sampled(link.right)):
        return None
    if link.transposed:
        grid = found.right.grid(link.right)
        right = turned(right, grid if grid[0] > 1 else found.right.shape(link.right))
    return (left, right) if len(left.values) == len(right.values) else None


def _aligned(found: Pairing, asked: list[int]) -> tuple[Aligned, list[int]]:
    """Of the links `asked`, those with samples."""
    both = {at: samples for at in asked if (samples := samples_of(found, found.links[at])) is not None}
    links = [found.links[at] for at in both]
    lengths = [len(left.values) for left, _ in both.values()]
    starts = np.concatenate(([0], np.cumsum(lengths)[:-1])).astype(np.intp) if lengths else np.zeros(0, np.intp)
    aligned = Aligned(
        joined([left for left, _ in both.values()]),
        joined([right for _, right in both.values()]),
        starts,
        [found.left.tensors[link.left].dtype for link in links],
        [found.right.tensors[link.right].dtype for link in links],
    )
    return aligned, list(both)


def _some(aligned: Aligned, chosen: list[int]) -> Aligned:
    """Some of the pairs."""
    if len(chosen) == len(aligned.starts):
        return aligned
    owner = aligned.owner
    kept = np.isin(owner, chosen)
    counts = np.bincount(owner[kept], minlength=len(aligned.starts))[chosen] if chosen else np.zeros(0, np.intp)
    starts = np.concatenate(([0], np.cumsum(counts)[:-1])).astype(np.intp) if chosen else np.zeros(0, np.intp)
    return Aligned(
        type(aligned.left)(*(column[kept] for column in aligned.left)),
        type(aligned.right)(*(column[kept] for column in aligned.right)),
        starts,
        [aligned.left_types[at] for at in chosen],
        [aligned.right_types[at] for at in chosen],
    )


def _sorted_out(found: Pairing, aligned: Aligned, asked: list[int]) -> tuple[list[int], list[Link]]:
    """The pairs (by place in `aligned`) that the samples decide; and the links that nothing decides."""
    known = np.add.reduceat(aligned.known, aligned.starts, dtype=np.int64) if len(asked) else np.zeros(0, np.int64)
    judged = [at for at, count in enumerate(known) if count and found.links[asked[at]].match is None]
    decided = {asked[at] for at in judged}
    mute = [link for at, link in enumerate(found.links) if link.match is None and at not in decided]
    return judged, mute


@np.errstate(invalid="ignore", over="ignore")
def _deviations(aligned: Aligned, asked: list[int]) -> dict[int, Deviation]:
    if not asked:
        return {}
    left, right = aligned.left, aligned.right
    width = np.maximum(_width(left), _width(right))
    told = aligned.known & np.isfinite(width) & (width > 0)
    steps = np.where(told, np.abs(left.values - right.values) / np.where(told, width, 1.0), 0.0)
    count = np.add.reduceat(told, aligned.starts, dtype=np.int64)
    largest = np.maximum.reduceat(steps, aligned.starts)
    typical = np.sqrt(np.add.reduceat(steps**2, aligned.starts) / np.maximum(count, 1))
    return {
        at: Deviation(float(largest[place]), float(typical[place])) if count[place] else Deviation(None, None)
        for place, at in enumerate(asked)
    }


@np.errstate(invalid="ignore", over="ignore")
def _width(samples: Samples) -> Floats:
    width: Floats = samples.high - samples.low
    return width


def _rms(found: Pairing, links: Sequence[Link], aligned: Aligned) -> Floats:
    """Root mean square of each pair's values: as stated, or of its samples."""
    if not links:
        return np.zeros(0)
    values = np.where(aligned.known, aligned.left.values, 0.0)
    count = np.add.reduceat(aligned.known, aligned.starts, dtype=np.int64)
    sampled = np.sqrt(np.add.reduceat(values**2, aligned.starts) / np.maximum(count, 1))
    stated = np.array([_stated(found, link) for link in links])
    return np.where(np.isfinite(stated) & (stated > 0), stated, np.where(sampled > 0, sampled, 1.0))


def _stated(found: Pairing, link: Link) -> float:
    left, right = found.left.tensors[link.left], found.right.tensors[link.right]
    return left.rms if left.lanes is not None and not link.parts else right.rms if not link.parts else float("nan")


def _limit(
    found: Pairing, aligned: Aligned, asked: list[int], judged: list[int], judgement: Judgement, rms: Floats
) -> float | None:
    """Of the judged pairs; None where the hypothesis does not hold."""
    if not judged or judgement.fit > Fit.SIBLINGS_TWICE:
        return None
    size = rms[aligned.owner]
    widths = [_width(side) / size for side in (aligned.left, aligned.right)]
    spare = (
        _slack(aligned.left, aligned.left_types, aligned) + _slack(aligned.right, aligned.right_types, aligned)
    ) / size
    if judgement.fit is Fit.LEFT_ROUNDED:
        widths[0] = np.zeros(len(size))
    if judgement.fit is Fit.RIGHT_ROUNDED:
        widths[1] = np.zeros(len(size))
    mine = np.isin(aligned.owner, judged) & aligned.known
    both = limits.Widths(np.minimum(*widths), np.maximum(*widths), spare)
    return limits.detection_limit(both.of(mine), judgement.widened)


def _slack(samples: Samples, types: Sequence[str], aligned: Aligned) -> Floats:
    found = np.zeros(len(samples.values))
    owner = aligned.owner
    names = np.array(types)
    width = np.where(np.isfinite(_width(samples)), _width(samples), 0.0)
    for dtype in set(types) - limits.FLOATS:
        mine: npt.NDArray[np.bool_] = (names == dtype)[owner]
        found[mine] = limits.slack(dtype, samples.values[mine], width[mine])
    return found


@np.errstate(invalid="ignore", over="ignore")
def _distance(found: Pairing, aligned: Aligned, asked: list[int], rms: Floats) -> float | None:
    """Root of the weighted mean square of all links' relative distances, less what rounding makes of them."""
    if not found.links:
        return None
    weights = np.array(
        [min(found.left.sizes[k.left], found.right.sizes[k.right]) for k in found.links], dtype=np.float64
    )
    squares = np.zeros(len(found.links))
    if asked:
        widths = _width(aligned.left) ** 2 + _width(aligned.right) ** 2
        told = aligned.known & np.isfinite(widths)
        apart = np.where(told, (aligned.left.values - aligned.right.values) ** 2 - widths / 12, 0.0)
        count = np.maximum(np.add.reduceat(told, aligned.starts, dtype=np.int64), 1)
        open_ones = np.array([found.links[at].match is None for at in asked])  # what a key joins is not apart
        squares[asked] = open_ones * np.maximum(np.add.reduceat(apart, aligned.starts) / count, 0.0) / rms**2
    measured = np.ones(len(found.links), dtype=bool)
    measured[[at for at, link in enumerate(found.links) if _shown(link) and at not in set(asked)]] = False
    if not measured.any():
        return None
    return float(np.sqrt((squares * weights)[measured].sum() / weights[measured].sum()))
