"""Pairs what is no evidence of its own: norms, biases, constants, scalars. What finds no like contradicts."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from catalog.matching import thresholds
from catalog.matching.pairing_assigning import assignment
from catalog.matching.pairing_precision import cut_bf16
from catalog.matching.pairing_turned import half_step, turned

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from catalog.fingerprints.base import Floats
    from catalog.matching.pairing_sides import Side

SHIFTS = (0.0, 1.0, -1.0)
"""What may be added to the right: Gemma's norms are stored minus one in the one format and as they act in another."""


MOVED = frozenset({"Q4_0", "Q4_1", "Q5_0", "Q5_1"})
"""Types that a quantiser with an importance matrix does not store to the nearest level."""

_AT_ONCE = 200_000  # pairs, of which a few numbers each are held: some 20 MB


class Like(NamedTuple):
    """Two tensors, by their numbers, whose values may be the same. `near`: they differ by a step, as when rounded
    twice.
    """

    left: int
    right: int
    shift: float = 0.0
    near: bool = False
    transposed: bool = False


class Bounds(NamedTuple):
    """Values and intervals of tensors with equally many samples: shape (tensors, samples)."""

    values: Floats
    low: Floats
    high: Floats


class Values(NamedTuple):
    """`likes` may hold the same values; `changed` cannot, though each lacks its like. `whole` is False where there were
    too many to compare each with each: of those nothing is said.
    """

    likes: list[Like]
    changed: list[Like]
    whole: bool


def by_values(left: Side, right: Side, lefts: list[int], rights: list[int]) -> Values:
    """Pairs among the open tensors: namesakes first, then whatever lies nearest among those of equal size."""
    found: list[Like] = []
    changed: list[Like] = []
    spent = 0
    whole = True
    for mine, others in _groups(left, right, lefts, rights):
        likes = _namesakes(left, right, mine, others)
        rest, more = _open(mine, others, likes)
        spent += len(rest) * len(more)
        if spent <= thresholds.SMALL_BUDGET:
            likes += _by_nearness(left, right, rest, more)
            likes += _turned(left, right, *_open(mine, others, likes))
            changed += _left_over(left, right, *_open(mine, others, likes))
        else:
            whole = False
        found += [_cut(left, right, _doubted(left, right, like)) for like in likes]
    return Values(found, changed, whole)


def _by_nearness(left: Side, right: Side, mine: list[int], others: list[int]) -> list[Like]:
    """As they are; then, of large ones, with one added."""
    likes: list[Like] = []
    for shift in SHIFTS if mine and left.large(mine[0]) else SHIFTS[:1]:
        likes += _nearest(left, right, *_open(mine, others, likes), shift)
    return likes


def _turned(left: Side, right: Side, mine: list[int], others: list[int]) -> list[Like]:
    """Of two dimensions, one the transpose of the other."""
    likes: list[Like] = []
    for axes in {left.axes[number] for number in mine if len(left.axes[number]) == 2}:
        some = [n for n in mine if left.axes[n] == axes and left.sampled(n)]
        more = [n for n in others if right.axes[n] == axes[::-1] and right.sampled(n)]
        if some and more:
            found = list(_every(_bounds(left, some), _turned_bounds(right, more), 0.0))
            likes += [like._replace(transposed=True) for like in _chosen(some, more, found, 0.0)]
    return likes


def _groups(left: Side, right: Side, lefts: list[int], rights: list[int]) -> list[tuple[list[int], list[int]]]:
    """Of equal size, where both sides have any."""
    mine: dict[int, list[int]] = defaultdict(list)
    others: dict[int, list[int]] = defaultdict(list)
    for number in lefts:
        mine[left.sizes[number]].append(number)
    for number in rights:
        others[right.sizes[number]].append(number)
    return [(mine[size], others[size]) for size in mine if size in others]


def _open(mine: list[int], others: list[int], likes: Sequence[Like]) -> tuple[list[int], list[int]]:
    taken_left, taken_right = {like.left for like in likes}, {like.right for like in likes}
    return [n for n in mine if n not in taken_left], [n for n in others if n not in taken_right]


def _namesakes(left: Side, right: Side, mine: list[int], others: list[int]) -> list[Like]:
    """Those of equal names that may hold the same values."""
    named = {right.names[number]: number for number in others}
    pairs: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for one in mine:
        other = named.get(left.names[one])
        length = len(left.tensors[one].samples.values)
        if other is not None and length and length == len(right.tensors[other].samples.values):
            pairs[length].append((one, other))
    likes = []
    for some in pairs.values():
        numbers = np.arange(len(some))
        bounds = _bounds(left, [one for one, _ in some]), _bounds(right, [other for _, other in some])
        found = _compatible(*bounds, 0.0, numbers, numbers)
        likes += [Like(some[at][0], some[at][1], 0.0, bool(near)) for at, near in zip(found.a, found.near, strict=True)]
    return likes


def _nearest(left: Side, right: Side, mine: list[int], others: list[int], shift: float) -> list[Like]:
    """The compatible pairs, nearest first, each tensor once."""
    likes = []
    for length in {len(left.tensors[number].samples.values) for number in mine} - {0}:
        some = [n for n in mine if len(left.tensors[n].samples.values) == length]
        more = [n for n in others if len(right.tensors[n].samples.values) == length]
        if some and more:
            likes += _chosen(some, more, list(_every(_bounds(left, some), _bounds(right, more), shift)), shift)
    return likes


def _bounds(side: Side, numbers: list[int]) -> Bounds:
    return Bounds(*(np.array([side.samples[number][column] for number in numbers]) for column in range(3)))


def _turned_bounds(side: Side, numbers: list[int]) -> Bounds:
    """Of tensors of two dimensions, those of their transposes."""
    turned_ones = [
        turned(side.samples[number], side.grid(number) if side.grid(number)[0] > 1 else side.shape(number))
        for number in numbers
    ]
    return Bounds(*(np.array([one[column] for one in turned_ones]) for column in range(3)))


class _Fitting(NamedTuple):
    """Pairs whose values may be the same: places of both, how far apart they are, whether they differ by a step, and
    whether anything is known of them.
    """

    a: npt.NDArray[np.intp]
    b: npt.NDArray[np.intp]
    distance: Floats
    near: npt.NDArray[np.bool_]
    told: npt.NDArray[np.bool_]

    def of(self, kept: npt.NDArray[np.bool_]) -> _Fitting:
        """Some of them."""
        return _Fitting(self.a[kept], self.b[kept], self.distance[kept], self.near[kept], self.told[kept])


def _every(mine: Bounds, others: Bounds, shift: float) -> Iterator[_Fitting]:
    """The compatible ones of all pairs, some of the left at a time."""
    rows = max(1, _AT_ONCE // len(others.values))
    for first in range(0, len(mine.values), rows):
        count = min(rows, len(mine.values) - first)
        a = np.repeat(np.arange(first, first + count), len(others.values))
        yield _compatible(mine, others, shift, a, np.tile(np.arange(len(others.values)), count))


@np.errstate(invalid="ignore", over="ignore")
def _compatible(
    mine: Bounds, others: Bounds, shift: float, a: npt.NDArray[np.intp], b: npt.NDArray[np.intp]
) -> _Fitting:
    """Of the pairs (a, b), sample by sample, those that the samples before left: the first leaves few."""
    nothing = np.zeros(len(a), dtype=bool)
    found = _Fitting(a, b, np.zeros(len(a)), nothing, nothing)
    for at in range(mine.values.shape[1]):
        value, low, high = (column[found.a, at] for column in mine)
        other, others_low, others_high = (column[found.b, at] + shift for column in others)
        apart = np.abs(value - other)
        known = np.isfinite(apart)
        meets = _meets(low, high, others_low, others_high)
        step = _passed(np.maximum(np.abs(value), np.abs(other)), high - low, others_high - others_low)
        fits = ~known | meets | _meets(low - step, high + step, others_low, others_high)
        distance = found.distance + np.where(known, apart, 0.0)
        found = _Fitting(found.a, found.b, distance, found.near | (known & ~meets), found.told | known).of(fits)
    return found.of(found.told)


def _meets(low: Floats, high: Floats, others_low: Floats, others_high: Floats) -> npt.NDArray[np.bool_]:
    """Do the intervals overlap by more than a point? A point itself may lie anywhere in the other."""
    overlap: npt.NDArray[np.bool_] = (low < others_high) & (others_low < high)
    overlap |= (low == others_low) & (high == others_high)
    return overlap


def _passed(size: Floats, width: Floats, others_width: Floats) -> Floats:
    """How far rounding twice may have moved a value: by half a step of bf16, if one of both is that coarse at all."""
    step = half_step(size)
    return np.where(np.maximum(width, others_width) >= step, step, 0.0)


def _chosen(mine: list[int], others: list[int], fitting: Sequence[_Fitting], shift: float) -> list[Like]:
    """Sure ones before near ones."""
    found = _Fitting(*map(np.concatenate, zip(*fitting, strict=True)))
    order = np.lexsort((found.distance, found.near))
    pairs = list(zip(found.a[order].tolist(), found.b[order].tolist(), strict=True))
    near = dict(zip(pairs, found.near[order].tolist(), strict=True))
    return [Like(mine[one], others[other], shift, near[one, other]) for one, other in sorted(assignment(pairs).items())]


def _doubted(left: Side, right: Side, like: Like) -> Like:
    """Of two of one type and grid whose sums over all values differ, some value differs, though within its bounds."""
    one, other = left.tensors[like.left], right.tensors[like.right]
    if like.shift or one.lanes is None or other.lanes is None:
        return like
    traits = (one.dtype, one.exact_f16, one.exact_bf16), (other.dtype, other.exact_f16, other.exact_bf16)
    return like._replace(near=like.near or traits[0] == traits[1])


def _cut(left: Side, right: Side, like: Like) -> Like:
    """No doubt where the one holds the upper halves of the other's float32 values: some converters do not round."""
    types = left.tensors[like.left].dtype, right.tensors[like.right].dtype
    if not like.near or types.count("BF16") != 1:
        return like
    fine, coarse = left.samples[like.left].values, right.samples[like.right].values
    if types[0] == "BF16":
        fine, coarse = coarse, fine
    known = np.isfinite(fine) & np.isfinite(coarse)
    return like._replace(near=bool((cut_bf16(fine) != coarse)[known].any()))


def _left_over(left: Side, right: Side, mine: list[int], others: list[int]) -> list[Like]:
    """Each with a counterpart that is not its like: of its name, else any one of its shape.

    Scalars without a namesake are no counterparts: exporters write some of their own.
    """
    mine = [n for n in mine if len(left.tensors[n].samples.values)]
    others = [n for n in others if len(right.tensors[n].samples.values)]
    named = {right.names[number]: number for number in others}
    likes = [
        Like(n, named[left.names[n]])
        for n in mine
        if left.names[n] in named and _lies_alike(left, right, n, named[left.names[n]])
    ]
    mine, others = _open(mine, others, likes)
    places: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for number in reversed(others):
        if right.sizes[number] > 1:
            places[right.axes[number]].append(number)
    return likes + [Like(one, places[left.axes[one]].pop()) for one in mine if places.get(left.axes[one])]


def _lies_alike(left: Side, right: Side, one: int, other: int) -> bool:
    """Can their samples be told apart at all? Those of other shapes lie elsewhere, those of some types further off."""
    if MOVED & {left.tensors[one].dtype, right.tensors[other].dtype}:
        return False
    mine, theirs = left.axes[one], right.axes[other]
    return mine == theirs or (len(mine) == 2 and mine == theirs[::-1])
