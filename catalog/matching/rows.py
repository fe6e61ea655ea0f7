"""The evidence as a table: a line for every tensor of both sides, with what was found for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.matching.base import Row
from catalog.matching.limits import FLOATS
from catalog.vocabulary import Direction, Mapped, TensorVerdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalog.fingerprints.base import TensorPrint
    from catalog.matching.measuring import Deviation, Measured
    from catalog.matching.pairing import Pairing
    from catalog.matching.pairing_lesser import Like
    from catalog.matching.pairing_sides import Match, Side


def rows(found: Pairing, measured: Measured) -> tuple[Row, ...]:
    """In the order of the left side's tensors; what only the right one has comes last."""
    component = found.left.name
    placed = [*_linked(found, measured, component), *_others(found, component)]
    placed.sort(key=lambda each: each[0])
    lone = [_alone(component, found.left, number, mirrored=False) for number in found.lone_left]
    lone += [_alone(component, found.right, number, mirrored=True) for number in found.lone_right]
    return tuple(row for _, row in placed) + tuple(lone)


def _linked(found: Pairing, measured: Measured, component: str) -> Iterator[tuple[int, Row]]:
    """Of core tensors."""
    judged = {id(link): at for at, link in enumerate(measured.judged)}
    mute = {id(link) for link in measured.mute}
    for at, link in enumerate(found.links):
        place = judged.get(id(link))
        compared, outside = 0, 0
        if place is not None:
            compared = int(measured.judgement.compared[place])
            outside = int(measured.judgement.outside[place])
        row = _row(found, component, link.left, link.right)
        of = min(found.left.sizes[link.left], found.right.sizes[link.right])
        row = row._replace(mapped=link.mapped, part=link.part, parts=link.parts, of=of)
        if link.match is not None:
            yield link.left, _keyed(row, link.match, measured.deviations.get(at))
        elif id(link) in mute:
            yield link.left, row._replace(verdict=TensorVerdict.NOT_COMPARED)
        else:
            verdict = TensorVerdict.DIFFERENT if outside else _rounding(row)
            yield (
                link.left,
                _deviating(
                    row._replace(verdict=verdict, compared=compared, outside=outside), measured.deviations.get(at)
                ),
            )


def _others(found: Pairing, component: str) -> Iterator[tuple[int, Row]]:
    """Of all else that has a like, or should have."""
    for match in (*found.equal, *found.tied):
        row = _row(found, component, match.left, match.right)._replace(of=found.left.sizes[match.left])
        yield match.left, _keyed(row, match, None)
    for like in found.likes:
        yield like.left, _like(found, component, like)
    for like in found.unread:
        yield like.left, _row(found, component, like.left, like.right)._replace(of=found.left.sizes[like.left])
    for like in found.changed:
        row = _row(found, component, like.left, like.right)
        yield like.left, row._replace(verdict=TensorVerdict.DIFFERENT, of=found.left.sizes[like.left])


def _like(found: Pairing, component: str, like: Like) -> Row:
    row = _row(found, component, like.left, like.right)
    compared = len(found.left.tensors[like.left].samples.values)
    mapped = Mapped.SHIFTED if like.shift else Mapped.TRANSPOSED if like.transposed else row.mapped
    return row._replace(verdict=_rounding(row), mapped=mapped, compared=compared, of=found.left.sizes[like.left])


def _row(found: Pairing, component: str, left: int, right: int) -> Row:
    one, other = found.left.tensors[left], found.right.tensors[right]
    mapped = Mapped.STRAIGHT if one.shape == other.shape else Mapped.RESHAPED
    verdict = TensorVerdict.NOT_COMPARED
    return Row(component, one.name, other.name, one.dtype, other.dtype, one.shape, other.shape, verdict, mapped)


def _keyed(row: Row, match: Match, deviation: Deviation | None) -> Row:
    """A key is over all values."""
    if match.made is Direction.NONE:
        return row._replace(verdict=TensorVerdict.EQUAL, compared=row.of, largest=0.0, typical=0.0)
    return _deviating(row._replace(verdict=TensorVerdict.ROUNDED, compared=row.of), deviation)


def _deviating(row: Row, deviation: Deviation | None) -> Row:
    if deviation is None:
        return row
    return row._replace(largest=deviation.largest, typical=deviation.typical)


def _rounding(row: Row) -> TensorVerdict:
    both = {row.left_dtype, row.right_dtype}
    return TensorVerdict.ROUNDED if both <= FLOATS else TensorVerdict.QUANTISED


def _alone(component: str, side: Side, number: int, *, mirrored: bool) -> Row:
    tensor: TensorPrint = side.tensors[number]
    size = side.sizes[number]
    if mirrored:
        verdict = TensorVerdict.ONLY_RIGHT
        return Row(component, "", tensor.name, "", tensor.dtype, (), tensor.shape, verdict, of=size)
    verdict = TensorVerdict.ONLY_LEFT
    return Row(component, tensor.name, "", tensor.dtype, "", tensor.shape, (), verdict, of=size)
