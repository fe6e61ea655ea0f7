"""What is counted while the values of two files stream by: of each tensor, and over all tensors of the same two types.

The way by which one file came from the other is the same for all tensors of two types, so a way that explains far less
than another one is not tested further; and the best one is chosen at the end, over all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from catalog.fingerprints.base import CODES, CORE_VALUES
from catalog.fingerprints.blocks import BLOCK_SCALED
from catalog.matching import thresholds
from catalog.matching.full_below import Below
from catalog.matching.full_faces import FINE, QUANTISED, Face, with_infinities
from catalog.matching.full_limits import widths
from catalog.matching.full_ways import (
    EQUAL,
    FLOATS,
    SAME_PARENT,
    SIBLINGS,
    VALUE,
    WIDENED,
    Way,
    gap,
    moved,
    outside,
    ways,
)
from catalog.vocabulary import Direction

if TYPE_CHECKING:
    from catalog.fingerprints.base import Floats, TensorPrint
    from catalog.matching.base import Pair
    from catalog.matching.full_ways import Mask
    from catalog.matching.limits import Widths

MOST_OUTSIDE = 1e-6
"""Of all values of `UNSURE` types so many may lie outside: what a quantiser decided by another rounding of its last
place. Of all others none may: none was measured of any copy, by any quantiser."""
MOST_OUTSIDE_TENSOR = 1e-4
"""The same of each single tensor."""
UNSURE = frozenset({*BLOCK_SCALED, "IQ4_NL", "IQ4_XS"})
"""Types whose levels are chosen on a scale that is not quite the stored one."""
_EVERY = 16
"""Of so many values one is asked how far a rounding to bf16 would have moved it."""
_SPREAD = 5.0
"""Standard deviations between what bf16 makes miss and what does: of a tensor, and of all."""
_LEAST_MET = 0.4
"""Of what bf16 is expected to make miss (0.55 to 0.8 measured of GGUF types)."""
_CHANCE = 1e-5
"""Less likely than this, what is outside lies where it does by chance."""
_RUN, _MANY_IN_RUN = 64, 16
"""Of so many values in a row so many outside: a row was changed, however large the tensor is."""
_CLEARLY = 0.25
"""Of a step: a value so far beyond its bounds was changed."""
_HOPELESS, _HOPELESS_SHARE = 1000, 1e-3
"""Once the best way leaves so many outside, and such a share, only that one is counted further: it is another model."""
_FEW, _MANY = 100, 10
"""A way is given up once it has so many outside, and so many times as many as the best one."""


@dataclass(slots=True)
class Count:
    """Of one pair. `outside` counts by way; a way that is missing was given up and explains the pair no longer.

    Deviations are in units of the last place (a step) of the coarser side. `difference`, `noise`, `power`: sums over
    the values of squared differences, of the square of a step, of squared values. `lost`: keys over
    all values are equal, but in no order that was tried do they meet. `changes`: places, by
    way, that no rounding explains: many values in a row outside, as of a changed row, or a value far outside.
    `expected`: so many values miss each other if both are roundings and one of them went through bf16.
    `widths`: of some values, those of both bounds.
    """

    pair: Pair
    compared: int = 0
    outside: dict[Way, int] = field(default_factory=dict)
    largest: float | None = None
    squares: float = 0.0
    measured: int = 0
    difference: float = 0.0
    noise: float = 0.0
    power: float = 0.0
    lost: bool = False
    changes: dict[Way, int] = field(default_factory=dict)
    expected: float = 0.0
    widths: Widths | None = None

    @property
    def typical(self) -> float | None:
        """The root of the mean square of the deviations."""
        return float(np.sqrt(self.squares / self.measured)) if self.measured else None

    def changed(self, way: Way) -> bool:
        """More lies outside than roundings explain: of the tensor as a whole, or at one place of it."""
        return self.outside[way] > MOST_OUTSIDE_TENSOR * self.compared or self.changes.get(way, 0) > 0

    def take(self, left: Face, right: Face, *, equal: bool = False) -> None:
        """The next values: how far they are from each other."""
        self.compared += len(left.values)
        if equal:
            self.measured, self.largest = self.measured + len(left.values), self.largest or 0.0
            return
        step = _step(left, right)
        with np.errstate(divide="ignore", invalid="ignore"):
            far = np.abs(left.values - right.values)
            steps = far / step
            total = _sum(steps, steps)
        values = left.values
        if not np.isfinite(total):  # some of them say nothing: no number, without bounds, or zero of no width
            known = np.isfinite(steps) & np.isfinite(far)
            steps, far, step, values = steps[known], far[known], step[known], values[known]
            total = _sum(steps, steps)
        if len(steps):
            self.largest = max(self.largest or 0.0, float(steps.max()))
        self.measured += len(steps)
        self.squares += total
        self.difference += _sum(far, far)
        self.noise += _sum(step, step)
        self.power += _sum(values, values)


class State(NamedTuple):
    """Of a class, at one time."""

    alive: list[Way]
    totals: dict[Way, int]
    outside: list[dict[Way, int]]


@dataclass(slots=True)
class Class:
    """All pairs of two types: which ways are still possible, and what was counted.

    `fine`: one side holds values of float32 or more that went through nothing coarser. `passed`: one side went through
    a coarser type. `brain`: one side holds values of bf16. `below`: what became of values below the normal ones of f16.
    """

    left: str
    right: str
    alive: list[Way] = field(default_factory=list)
    totals: dict[Way, int] = field(default_factory=dict)
    counts: list[Count] = field(default_factory=list)
    fine: bool = False
    passed: bool = False
    brain: bool = False
    below: Below = field(default_factory=Below)

    @classmethod
    def of(cls, left: str, right: str) -> Class:
        """With every way that there may be."""
        every = ways(left, right)
        return cls(left, right, list(every), dict.fromkeys(every, 0), brain="BF16" in (left, right))

    @property
    def floats(self) -> bool:
        """Both sides hold numbers of their own, so that what is no number is one on both."""
        return self.left in FLOATS and self.right in FLOATS

    @property
    def tuned(self) -> bool:
        """One side has scales that may have been tuned: what lies outside is judged when all values are counted."""
        return not BLOCK_SCALED.isdisjoint((self.left, self.right))

    @property
    def unsure(self) -> bool:
        """One side is of a type by which a few values may lie outside."""
        return not UNSURE.isdisjoint((self.left, self.right))

    @property
    def values(self) -> int:
        """Compared so far."""
        return sum(count.compared for count in self.counts)

    def begin(self, pair: Pair) -> Count:
        """The next pair."""
        count = Count(pair, outside=dict.fromkeys(self.alive, 0))
        self.counts.append(count)
        return count

    def state(self) -> State:
        """What to `restore`, should the next pair have been read in the wrong order."""
        return State([*self.alive], {**self.totals}, [{**count.outside} for count in self.counts])

    def restore(self, before: State) -> None:
        """As if the pairs since then had not been read."""
        self.alive, self.totals = [*before.alive], {**before.totals}
        self.counts = self.counts[: len(before.outside)]
        for count, known in zip(self.counts, before.outside, strict=True):
            count.outside = {**known}

    def fails(self, count: Count) -> bool:
        """Far too much of the pair lies outside, by every way that is left."""
        return all(found > MOST_OUTSIDE_TENSOR * count.compared for found in count.outside.values())

    def explain(self, count: Count, way: Way, outside: int) -> None:
        """What lay outside of the pair is explained otherwise, but for so many, which nothing explains."""
        self.totals[way] += outside - count.outside[way]
        count.outside[way] = count.changes[way] = outside

    def take(self, count: Count, left: Face, right: Face) -> None:
        """The next values of the pair. What a plainer way explains, a weaker one does too, and is not asked."""
        if not len(left.values):
            return
        self.passed = self.passed or bool(left.grid or right.grid)
        self.brain = self.brain or "BF16" in (left.grid, right.grid)
        if count.pair.left.values >= CORE_VALUES and not count.pair.shift:  # adding rounds once more
            both = (count.pair.left, left), (count.pair.right, right)
            self.fine = self.fine or any(face.coarseness <= FINE and _is_rich(tensor) for tensor, face in both)
        odd = None
        if np.isnan(left.values.sum() + right.values.sum()):
            left, right = with_infinities(left), with_infinities(right)
            odd = self._odd(left, right)
        explained: list[Way] = []
        for way in self.alive:
            if way.rung == WIDENED or any(self._implies(plainer, way) for plainer in explained):
                continue
            mask = outside(way, left, right)
            mask = mask if odd is None else (mask & ~odd[0]) | odd[1]
            if not mask.any():
                explained.append(way)
            else:
                self._contradict(count, way, left, right, mask)
        equal = explained[:1] == [Way(EQUAL)]
        self._look_besides(count, left, right, equal=equal)
        count.take(left, right, equal=equal)
        self._give_up()

    def _look_besides(self, count: Count, left: Face, right: Face, *, equal: bool) -> None:
        """What no way asks for, and the verdict does."""
        if "F16" in (self.left, self.right):
            self.below.look(left, right, equal=equal)
        if not self.fine and not equal:
            self._foresee(count, left, right)

    def _foresee(self, count: Count, left: Face, right: Face) -> None:
        """What would be seen of a change, and how much bf16 would make miss: should no parent be at hand."""
        count.widths = widths(left, right, count.widths)
        if Way(WIDENED) in self.alive:
            some = slice(None, None, _EVERY)
            count.expected += moved(left.some(some), right.some(some)) * len(left.values) / len(left.values[some])

    def _contradict(self, count: Count, way: Way, left: Face, right: Face, mask: Mask) -> None:
        """Some values lie outside."""
        found = int(np.count_nonzero(mask))
        count.outside[way] += found
        self.totals[way] += found
        if not self.floats and not self.tuned:
            count.changes[way] = count.changes.get(way, 0) + _runs(mask) + _far(way, left, right, mask)
        if way.rung == SIBLINGS:
            self._widen(count, left, right, mask)

    def _widen(self, count: Count, left: Face, right: Face, mask: Mask) -> None:
        """Of values that siblings do not explain: which would not be explained either if they went through bf16?"""
        if Way(WIDENED) not in self.alive:
            return
        found = int(np.count_nonzero(outside(Way(WIDENED), left.some(mask), right.some(mask))))
        count.outside[Way(WIDENED)] += found
        self.totals[Way(WIDENED)] += found

    def _odd(self, left: Face, right: Face) -> tuple[Mask, Mask]:
        """Values that are no numbers on either side, and those that contradict because they are on one side only."""
        one, other = np.isnan(left.values), np.isnan(right.values)
        return one | other, (one ^ other) if self.floats else np.zeros_like(one)

    def _give_up(self) -> None:
        """What the near ones are asked for last is kept until nothing can be near."""
        near = {Way(SIBLINGS), Way(WIDENED)} & {*self.alive}
        least = min(self.totals[way] for way in self.alive if way.rung != WIDENED)
        if least > max(_HOPELESS, _HOPELESS_SHARE * self.values) and not self.tuned and self.totals[Way(WIDENED)]:
            self._keep({self.best()})
        else:
            self._keep({way for way in self.alive if self.totals[way] <= _FEW + _MANY * least} | near)

    def _keep(self, kept: set[Way]) -> None:
        for way in [way for way in self.alive if way not in kept]:
            self.alive.remove(way)
            for one in self.counts:
                one.outside.pop(way, None)

    def best(self) -> Way:
        """The plainest way that explains all, else the one that leaves the least outside."""
        for way in self.alive:
            if self.explains(way):
                return way
        chosen = [way for way in self.alive if way.rung != WIDENED] or self.alive
        return min(chosen, key=lambda way: self.totals[way])

    def explains(self, way: Way) -> bool:
        """No more lies outside than may, over all and of each tensor; of an exact cast nothing at all.

        Siblings have no parent at hand: of values of float32 or more the other side must itself be a rounding.
        """
        if way.rung == WIDENED or not self.values or (way.rung in SAME_PARENT and self.fine):
            return False
        if way.rung == SIBLINGS and self._twice():
            return True
        if self.totals[way] > (MOST_OUTSIDE * self.values if self.unsure else 0):
            return False
        return not any(one.changed(way) for one in self.counts)

    def differs(self, count: Count, way: Way) -> bool:
        """Is the pair of other weights? By none of those is a component the same."""
        if way.rung == SIBLINGS and self._twice():
            return False
        return count.changed(way) or (not self.unsure and count.outside[way] > 0)

    def _twice(self) -> bool:
        """Siblings of which one went through bf16: everywhere as many values miss each other as that makes.

        Two roundings to one type by one way are equal, and what holds values of bf16 is itself what the other went
        through: between those there is no such excuse.
        """
        if self.brain or self.left == self.right or not self.by_a_step():
            return False
        few = self.expected <= thresholds.SIBLINGS_SHARE * self.values
        met = _met(self.totals[Way(SIBLINGS)], self.expected)
        return few and met and all(_met(one.outside[Way(SIBLINGS)], one.expected) for one in self.counts)

    def by_a_step(self) -> bool:
        """Do both miss each other in some values, and nowhere by more than half a step of bf16?"""
        return {Way(SIBLINGS), Way(WIDENED)} <= set(self.alive) and not self.totals[Way(WIDENED)]

    @property
    def expected(self) -> float:
        """Of all pairs."""
        return sum(one.expected for one in self.counts)

    def concentrated(self) -> bool:
        """Do tensors have nothing outside of which as much as of the others should be? Then those were changed."""
        clean = sum(one.expected for one in self.counts if not one.outside[Way(SIBLINGS)])
        share = clean / self.expected if self.expected else 0.0
        return share > thresholds.COVERED and bool((1 - share) ** self.totals[Way(SIBLINGS)] < _CHANCE)

    def missed(self) -> frozenset[Way]:
        """Ways that leave values outside in half of the tensors at least, as by a quantiser that tunes its scales."""
        return frozenset(
            way for way in self.alive if 2 * sum(one.outside[way] > 0 for one in self.counts) >= len(self.counts)
        )

    def patched(self) -> bool:
        """Of two quantised files of one type: is nearly all equal, and some not? A quantiser changes all or none."""
        if self.left != self.right or self.floats:
            return False
        equal = sum(one.compared for one in self.counts if one.largest == 0)
        return thresholds.COVERED * self.values < equal < self.values

    def _implies(self, plainer: Way, way: Way) -> bool:
        """Values that the one explains are explained by the other."""
        if plainer.rung == EQUAL or way.rung == WIDENED:
            return True
        if way.rung == SIBLINGS:
            return plainer.rung == VALUE
        same = plainer.direction == way.direction and way.direction != Direction.NONE
        return same and plainer.rung == VALUE and not self.floats


def _is_rich(tensor: TensorPrint) -> bool:
    """Do its values tell how fine they are? Zeros and ones are values of any type."""
    return not tensor.codes or max(tensor.codes) >= CODES


def _sum(one: Floats, other: Floats) -> float:
    """Of the products; not by BLAS, whose threads cost more than they save on so few values."""
    return float(np.einsum("i,i->", one, other))


def _runs(mask: Mask) -> int:
    """How many runs of values have many outside: what a quantiser decides otherwise lies far apart."""
    whole = len(mask) // _RUN * _RUN
    return int(np.count_nonzero(mask[:whole].reshape(-1, _RUN).sum(axis=1) >= _MANY_IN_RUN))


def _far(way: Way, left: Face, right: Face, mask: Mask) -> int:
    """How many of those outside lie clearly beyond their bounds: no arithmetic of a quantiser does that."""
    return int(np.count_nonzero(gap(way, left, right)[mask] > _CLEARLY * _step(left, right)[mask]))


def _met(found: int, expected: float) -> bool:
    """Within chance. The expectation is of intervals that are known to a point, so it may be too high, not too low."""
    chance = float(_SPREAD * np.sqrt(expected)) + 2
    return _LEAST_MET * expected - chance <= found <= expected + chance


def _step(left: Face, right: Face) -> Floats:
    """Widths of the coarser side; where an end is open, twice the closed half."""
    side = left if left.coarseness > right.coarseness else right
    if left.coarseness == right.coarseness == QUANTISED:
        widths = [np.median(one.high[:64] - one.low[:64]) for one in (left, right)]
        side = left if widths[0] > widths[1] else right
    step = side.high - side.low
    if np.isfinite(step.sum()):
        return step
    with np.errstate(invalid="ignore"):
        half = np.minimum(side.values - side.low, side.high - side.values)
    return np.where(np.isfinite(step), step, 2 * half)
