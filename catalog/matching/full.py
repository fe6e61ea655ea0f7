"""Two variants compared by every value of both files: what samples left open is settled here.

Each pair of tensors that the comparison of samples made is read once, block by block, and every value is held against
what the value beside it allows. How the one came from the other (rounded, from which precision, which of the two from
which) is not asked of the samples again: all possible ways are counted, until all but one have failed.
"""

from __future__ import annotations

from dataclasses import replace
from math import gcd
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from catalog.errors import Cancelled
from catalog.fingerprints.base import CODES
from catalog.fingerprints.blocks import BLOCK_SCALED
from catalog.matching import thresholds
from catalog.matching.full_counts import Class
from catalog.matching.full_exchanges import Seat, exchanged
from catalog.matching.full_faces import Face
from catalog.matching.full_rows import settled
from catalog.matching.full_scales import BLOCK as SCALED
from catalog.matching.full_scales import unexplained
from catalog.matching.full_streams import BLOCK, Side, blocks, readable, values_of
from catalog.matching.full_ways import FLOATS, ROUND, Way
from catalog.matching.pairing_precision import to_bf16, to_f16
from catalog.matching.whole import concluded, paired
from catalog.vocabulary import Direction, Mapped, Relation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from catalog.fingerprints.base import TensorPrint
    from catalog.fingerprints.values import ValueReader
    from catalog.matching.base import ComponentVerdict, Evidence, Pair, Subject
    from catalog.matching.full_counts import Count

STOPPED = "The comparison was stopped; nothing of it counts."

_DECIDED = frozenset({Relation.DERIVED, Relation.REARRANGED, Relation.UNRELATED, Relation.SHARES_PARTS})
"""What samples prove: one contradiction is enough, and no further value would take it back."""


def compare_in_full(
    left: Subject,
    right: Subject,
    left_values: ValueReader,
    right_values: ValueReader,
    *,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Evidence:
    """What the left variant is to the right one, by all values of both.

    The fingerprints are those of the very files that are read. `progress` is told how many values are compared, of
    how many; `cancelled` is asked after each block of some 65,000. Raises `Cancelled`, and `FileProblem` where a file
    cannot be read as it was.
    """
    found = paired(left, right)
    plans = [_Plan(*one, _Reach(left_values, right_values)) for one in found]
    work = _Work(sum(plan.values for plan in plans), progress, cancelled)
    return replace(concluded(left, right, [plan.run(work) for plan in plans]), full=False)


class _Work:
    """How far the comparison is, and whether anybody wants its end."""

    def __init__(
        self, total: int, progress: Callable[[int, int], None] | None, cancelled: Callable[[], bool] | None
    ) -> None:
        self._total, self._progress, self.cancelled = total, progress, cancelled
        self._done = 0

    def more(self, values: int) -> None:
        """So many more values were compared."""
        self._done = min(self._total, self._done + values)
        if self._progress is not None:
            self._progress(self._done, self._total)
        if self.cancelled is not None and self.cancelled():
            raise Cancelled(STOPPED)


class _Reach:
    """Where the tensors of both sides are read, by their names."""

    def __init__(self, left: ValueReader, right: ValueReader) -> None:
        self._left, self._right = left, right
        self._lefts = {tensor.name: number for number, tensor in enumerate(left.tensors)}
        self._rights = {tensor.name: number for number, tensor in enumerate(right.tensors)}

    def sides(self, pair: Pair) -> tuple[Side, Side] | None:
        """None where one of them is not there, or says nothing that a value could contradict."""
        left = _side(self._left, self._lefts, pair.left)
        right = _side(self._right, self._rights, pair.right)
        return (left, right) if left is not None and right is not None else None


def _side(values: ValueReader, numbers: dict[str, int], tensor: TensorPrint) -> Side | None:
    number = numbers.get(tensor.name)
    if number is None or not values.has_interval(number):
        return None
    return Side(values, number, tensor)


class _Task(NamedTuple):
    pair: Pair
    left: Side
    right: Side


class _Plan:
    """One pair of components: the pairs of tensors to read, in the order in which they lie in the left file."""

    def __init__(self, verdict: ComponentVerdict, pairs: Sequence[Pair], reach: _Reach) -> None:
        self._verdict, self._unread = verdict, []  # type: tuple[ComponentVerdict, list[Pair]]
        self._tasks: list[_Task] = []
        for pair in () if verdict.relation in _DECIDED else pairs:
            sides = reach.sides(pair)
            if sides is None or not readable(pair):
                self._unread.append(pair)
            else:
                self._tasks.append(_Task(pair, *sides))
        self._tasks.sort(key=lambda task: _place(task.left))

    @property
    def values(self) -> int:
        """Pairs of values to compare."""
        return sum(values_of(task.pair) for task in self._tasks)

    def run(self, work: _Work) -> ComponentVerdict:
        """Read them all."""
        classes, read = _read(self._tasks, work)
        changes = exchanged([_seat(*one) for one in read])
        if changes:
            self._exchange([task for _, _, task in read], changes)
            classes, _ = _read(self._tasks, _Work(0, None, work.cancelled))
        return settled(self._verdict, classes, self._unread)

    def _exchange(self, tasks: list[_Task], changes: dict[int, int]) -> None:
        """Other partners for some; the lines of the samples about those say nothing any more."""
        former = {(tasks[one].pair.left.name, tasks[one].pair.right.name) for one in changes}
        self._verdict = replace(
            self._verdict, rows=tuple(row for row in self._verdict.rows if (row.left, row.right) not in former)
        )
        self._tasks = [
            _Task(task.pair._replace(right=other.pair.right), task.left, other.right)
            for task, other in ((task, tasks[changes.get(number, number)]) for number, task in enumerate(tasks))
        ]


_Read: TypeAlias = "tuple[Class, Count, _Task]"


def _read(tasks: Sequence[_Task], work: _Work) -> tuple[list[Class], list[_Read]]:
    """What is counted of them all, by their types, and of each."""
    classes: dict[tuple[str, str], Class] = {}
    read: list[_Read] = []
    for task in tasks:
        types = task.pair.left.dtype, task.pair.right.dtype
        one = classes.setdefault(types, Class.of(*types))
        read.append((one, _stream(one, task, work), task))
    missed = {id(one): one.missed() for one, _, _ in read}
    for one, count, task in read:
        _explain_scales(one, count, task, work, missed[id(one)].__contains__)
    return list(classes.values()), read


def _seat(one: Class, count: Count, task: _Task) -> Seat:
    way = one.best()
    grids = _grid(task.pair.left), _grid(task.pair.right)
    return Seat(*task, way, grids, one.differs(count, way))


def _place(side: Side) -> tuple[int, int]:
    info = side.values.tensors[side.number]
    return info.file, info.offset


def _stream(one: Class, task: _Task, work: _Work) -> Count:
    """Every value of a pair. Where keys say that both have the same values, they may yet lie in another order."""
    before = one.state()
    count = _streamed(one, task, work)
    if not task.pair.exact or not one.fails(count):
        return count
    if task.pair.mapped != Mapped.ANY_ORDER and task.pair.left.values == task.pair.right.values:
        one.restore(before)
        count = _streamed(
            one, task._replace(pair=task.pair._replace(mapped=Mapped.ANY_ORDER)), _Work(0, None, work.cancelled)
        )
    if one.fails(count):
        one.restore(before)
        count = one.begin(task.pair)
        count.lost = True
    return count


def _streamed(one: Class, task: _Task, work: _Work) -> Count:
    count = one.begin(task.pair)
    grids = _grid(task.pair.left), _grid(task.pair.right)
    for left, right in blocks(*task):
        one.take(count, Face(left, one.left, grids[0]), Face(right, one.right, grids[1]))
        work.more(len(left.values))
    return count


def _grid(tensor: TensorPrint) -> str:
    """The coarser type that the values of this one went through before they were stored: all of them, or nearly."""
    if tensor.dtype not in {"F64", "F32", "F16"} or max(tensor.codes_f16, tensor.codes_bf16) < CODES:
        return ""
    values = tensor.samples.values
    values = values[np.isfinite(values) & (values != 0)]
    for dtype, exact, through in (("BF16", tensor.exact_bf16, to_bf16), ("F16", tensor.exact_f16, to_f16)):
        met = exact or (len(values) > 0 and np.mean(through(values) == values) >= thresholds.ON_GRID)
        if met and dtype != tensor.dtype:
            return dtype
    return ""


def _explain_scales(one: Class, count: Count, task: _Task, work: _Work, tuned: Callable[[Way], bool]) -> None:
    """Of a quantised tensor with values outside: are its blocks explained by another scale than the stored one?

    `tuned`: was the file made so at all? Else what lies outside was changed.
    """
    pair = task.pair
    from_left = pair.right.dtype in BLOCK_SCALED
    quantised, source = (task.right, task.left) if from_left else (task.left, task.right)
    made = Direction.RIGHT_FROM_LEFT if from_left else Direction.LEFT_FROM_RIGHT
    ways = [way for way in count.outside if way.direction == made]
    if quantised.tensor.dtype not in BLOCK_SCALED or source.tensor.dtype not in FLOATS or not ways:
        return
    if pair.mapped != Mapped.STRAIGHT or pair.transposed or any(pair.heads) or pair.left.shape != pair.right.shape:
        return
    for way in ways:
        if count.outside[way] and not tuned(way):
            one.explain(count, way, count.outside[way])
        elif count.outside[way]:
            one.explain(count, way, sum(_bad_blocks(quantised, source, way, work)))
        if not count.outside[way]:
            break


def _bad_blocks(quantised: Side, source: Side, way: Way, work: _Work) -> Iterator[int]:
    """Of each piece of the tensor, how many blocks hold values outside, and no scale explains."""
    rows, columns = quantised.tensor.rows, quantised.tensor.columns
    unit = SCALED // gcd(columns, SCALED)  # rows of a kernel need not be whole blocks, so many of them are
    step = max(1, BLOCK // columns // unit) * unit
    for first in range(0, rows, step):
        work.more(0)
        count = min(step, rows - first)
        levels = quantised.values.levels(quantised.number, first, count)
        bounds = quantised.rows(first, count)
        values = ROUND[way.rung](source.rows(first, count).values)
        beyond = (values < bounds.low) | (values > bounds.high)
        asked = beyond.reshape(levels.shape).any(axis=1)
        yield unexplained(quantised.tensor.dtype, levels[asked], values.reshape(levels.shape)[asked])
