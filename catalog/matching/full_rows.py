"""What was counted of a component, as its verdict and the lines of its table."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from catalog.matching.base import Row
from catalog.matching.full_limits import CHANGE, alike, apart
from catalog.matching.full_ways import EQUAL, FLOATS, SAME_PARENT, SIBLINGS, Way
from catalog.matching.thresholds import COVERED, COVERED_FULLY, NEAR_SHARE
from catalog.vocabulary import Certainty, Direction, Doubt, Relation, TensorVerdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from catalog.matching.base import ComponentVerdict, Pair
    from catalog.matching.full_counts import Class, Count

_SAME = frozenset({Relation.SAME_WEIGHTS, Relation.OTHER_PRECISION, Relation.QUANTISED, Relation.CANNOT_TELL})
"""What the samples may have said that all values can say better."""


def settled(verdict: ComponentVerdict, classes: Sequence[Class], unread: Sequence[Pair]) -> ComponentVerdict:
    """The verdict of the samples, in the light of all values. `unread` are pairs that nothing can be compared of."""
    chosen = [(one, one.best()) for one in classes if one.counts]
    compared = sum(one.values for one, _ in chosen)
    found = replace(
        verdict,
        compared=compared,
        outside=sum(count.outside[way] for one, way in chosen for count in one.counts),
        detection_limit=None,
        rows=_rows(verdict, chosen),
    )
    if not chosen:
        return verdict
    if not all(one.explains(way) and not _different(one, way) for one, way in chosen):
        return _contradicted(found, chosen)
    if any(count.lost for one, _ in chosen for count in one.counts):
        return replace(found, relation=Relation.CANNOT_TELL, certainty=Certainty.SUSPECTED, doubt=Doubt.PLACES)
    if any(one.below.uneven(way.direction) and way.rung != EQUAL for one, way in chosen):
        doubt, relation = Doubt.DOUBLE_ROUNDING, Relation.CANNOT_TELL
        return replace(found, relation=relation, certainty=Certainty.SUSPECTED, doubt=doubt, direction=Direction.NONE)
    if unread:
        return replace(found, detection_limit=verdict.detection_limit)
    return _confirmed(found, chosen)


def _different(one: Class, way: Way) -> bool:
    return any(one.differs(count, way) for count in one.counts)


def _confirmed(found: ComponentVerdict, chosen: Sequence[tuple[Class, Way]]) -> ComponentVerdict:
    """Nothing lies outside: the relation of the samples stands, and is named by what was found."""
    relation = _relation(found, chosen)
    limit = _limit(chosen) if relation in (Relation.OTHER_PRECISION, Relation.QUANTISED) else None
    largest = max(chosen, key=lambda pair: (pair[1].rung != EQUAL, pair[0].values))[1]
    return replace(
        found,
        relation=relation,
        certainty=found.certainty if relation == Relation.CANNOT_TELL else Certainty.ALL_VALUES,
        direction=_direction(way for _, way in chosen),
        rung=SIBLINGS if largest.rung in SAME_PARENT else largest.rung,
        distance=0.0,
        detection_limit=limit,
        doubt=found.doubt if relation == Relation.CANNOT_TELL else None if limit is None else Doubt.BELOW_NOISE,
    )


def _limit(chosen: Sequence[tuple[Class, Way]]) -> float | None:
    """Of two roundings whose parent is not at hand, the change that would not have been seen, if that is too large.

    Where one side has values of its own, each tensor has to show it; two quantised files only do all together.
    """
    siblings = [one for one, way in chosen if way.rung in SAME_PARENT]
    if any(one.patched() for one in siblings):
        return CHANGE
    values = sum(one.values for one, _ in chosen)
    floats = [count for one in siblings if {one.left, one.right} & FLOATS for count in one.counts]
    quantised = [one for one in siblings if not {one.left, one.right} & FLOATS]
    limit = apart(floats, values)
    if sum(one.values for one in quantised) > (1 - COVERED) * values:
        limit = max(limit, alike([count for one in quantised for count in one.counts]))
    return limit if limit > CHANGE else None


def _relation(found: ComponentVerdict, chosen: Sequence[tuple[Class, Way]]) -> Relation:
    if found.relation not in _SAME:
        return found.relation
    if found.relation == Relation.CANNOT_TELL:
        shares = sorted((found.share_left, found.share_right))
        if shares[1] < COVERED_FULLY or shares[0] < COVERED:
            return Relation.CANNOT_TELL
    if any(one.left not in FLOATS or one.right not in FLOATS for one, _ in chosen):
        return Relation.QUANTISED
    return Relation.SAME_WEIGHTS if all(way.rung == EQUAL for _, way in chosen) else Relation.OTHER_PRECISION


def _direction(ways: Iterable[Way]) -> Direction:
    """Of all ways that say one, the same one; and none where one of them has a third parent."""
    asked = [way for way in ways if way.rung != EQUAL]
    found = {way.direction for way in asked}
    return found.pop() if len(found) == 1 else Direction.NONE


def _contradicted(found: ComponentVerdict, chosen: Sequence[tuple[Class, Way]]) -> ComponentVerdict:
    """Something was changed, unless it is within what a second rounding does, which cannot be told from a change."""
    if all(one.explains(way) or _near(one) for one, way in chosen):
        doubt, relation, certainty = Doubt.DOUBLE_ROUNDING, Relation.CANNOT_TELL, Certainty.SUSPECTED
        return replace(found, relation=relation, certainty=certainty, doubt=doubt, direction=Direction.NONE)
    return replace(
        found,
        relation=Relation.DERIVED,
        certainty=Certainty.ALL_VALUES,
        direction=Direction.NONE,
        distance=_distance([count for one, _ in chosen for count in one.counts]),
        doubt=None,
    )


def _near(one: Class) -> bool:
    """Two roundings of one parent that miss each other in a few values, and nowhere by more than half a bf16 step.

    Of a parent that is at hand all that it may have gone through was tried, and nothing that ends in values of f16 goes
    through what is finer than they are, other than bf16, which its grid would show.
    """
    if one.fine or (one.left == one.right == "F16" and not one.passed) or not one.by_a_step():
        return False
    return one.totals[Way(SIBLINGS)] <= NEAR_SHARE * one.values and not one.concentrated()


def _distance(counts: Sequence[Count]) -> float | None:
    """Relative to the size of the weights, beyond what rounding adds; the tensors weigh by their values."""
    squares = power = 0.0
    for count in counts:
        squares += max(0.0, count.difference - count.noise / 12)
        power += count.power
    return float((squares / power) ** 0.5) if power > 0 else None


def _rows(verdict: ComponentVerdict, chosen: Sequence[tuple[Class, Way]]) -> tuple[Row, ...]:
    """The lines of the samples, those of the pairs that were read anew."""
    read = {
        (count.pair.left.name, count.pair.right.name): (one, count, way) for one, way in chosen for count in one.counts
    }
    rows = []
    for row in verdict.rows:
        found = read.pop((row.left, row.right), None)
        rows.append(row if found is None else _row(row, *found))
    rows += [_row(_plain(verdict, count.pair), one, count, way) for one, count, way in read.values()]
    return tuple(rows)


def _plain(verdict: ComponentVerdict, pair: Pair) -> Row:
    left, right = pair.left, pair.right
    return Row(
        verdict.left, left.name, right.name, left.dtype, right.dtype, left.shape, right.shape,
        TensorVerdict.NOT_COMPARED, pair.mapped, of=min(left.values, right.values),
    )  # fmt: skip


def _row(row: Row, one: Class, count: Count, way: Way) -> Row:
    outside = count.outside[way]
    return row._replace(
        verdict=_verdict(one, count, way),
        compared=count.compared,
        of=count.compared,
        outside=outside,
        largest=count.largest,
        typical=count.typical,
    )


def _verdict(one: Class, count: Count, way: Way) -> TensorVerdict:
    if count.lost:
        return TensorVerdict.NOT_COMPARED
    types = {count.pair.left.dtype, count.pair.right.dtype}
    if one.differs(count, way):
        return TensorVerdict.DIFFERENT
    if not types <= FLOATS:
        return TensorVerdict.QUANTISED
    return TensorVerdict.EQUAL if count.largest == 0 else TensorVerdict.ROUNDED
