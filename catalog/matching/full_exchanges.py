"""Vectors of few different values that were put beside the wrong ones, as all of their values show.

A norm whose weights lie about one keeps two to eight codes in fp8: by its samples it may be a rounding of several
others. All values tell them apart, or else it does not matter which is which.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from catalog.fingerprints.base import Samples
from catalog.matching.full_faces import Face
from catalog.matching.full_streams import complete
from catalog.matching.full_ways import outside
from catalog.matching.pairing_assigning import assignment
from catalog.vocabulary import Mapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.matching.base import Pair
    from catalog.matching.full_streams import Side
    from catalog.matching.full_ways import Mask, Way

_LONGEST = 1 << 16
"""Values of a vector at most."""
_MOST = 200_000_000
"""Values compared in search of other partners: some seconds."""
_AT_ONCE = 1 << 22
"""Values of a group of vectors at most: three arrays of float64 of each side."""

_Kind: TypeAlias = "tuple[str, str, int, tuple[str, str]]"


class Seat(NamedTuple):
    """A pair, where its sides are read, and the way that explains the others of its types. `grids`: as `Face` has it.
    `wrong`: its values say that it is none.
    """

    pair: Pair
    left: Side
    right: Side
    way: Way
    grids: tuple[str, str]
    wrong: bool


def exchanged(seats: Sequence[Seat]) -> dict[int, int]:
    """By the number of a seat, that whose right side belongs beside its left one; empty unless no wrong one is left."""
    groups: dict[_Kind, list[int]] = defaultdict(list)
    for number, seat in enumerate(seats):
        if _may_be_another(seat):
            groups[seat.pair.left.dtype, seat.pair.right.dtype, seat.pair.left.values, seat.grids].append(number)
    found: dict[int, int] = {}
    solved, spent = 0, 0
    for numbers in groups.values():
        some = [seats[number] for number in numbers]
        wrong = sum(seat.wrong for seat in some)
        values = len(some) * some[0].pair.left.values
        spent += len(some) * values if wrong else 0
        if not wrong or values > _AT_ONCE or spent > _MOST:
            continue
        partners = _partners(some)
        if len(partners) == len(some):
            solved += wrong
            found |= {numbers[one]: numbers[other] for one, other in partners.items() if one != other}
    return found if solved == sum(seat.wrong for seat in seats) else {}


def _may_be_another(seat: Seat) -> bool:
    """A vector that was paired by its samples."""
    pair = seat.pair
    plain = pair.mapped in {Mapped.STRAIGHT, Mapped.RESHAPED} and not pair.transposed and not pair.shift
    vectors = all(min(one.rows, one.columns) == 1 for one in (pair.left, pair.right))
    same = pair.left.values == pair.right.values <= _LONGEST
    return plain and vectors and same and not pair.exact and not any(pair.heads)


def _partners(seats: Sequence[Seat]) -> dict[int, int]:
    """So that each left one is explained; those stay beside each other that can."""
    rights = [_all(seat.right) for seat in seats]
    together = [np.concatenate(columns) for columns in zip(*rights, strict=True)]
    candidates: list[tuple[int, int]] = []
    for number, seat in enumerate(seats):
        missed = _missed(seat, _all(seat.left), Samples(*together), len(seats))
        candidates += [(number, int(other)) for other in np.nonzero(~missed)[0]]
    candidates.sort(key=_moved)
    return assignment(candidates)


def _moved(pair: tuple[int, int]) -> bool:
    return pair[0] != pair[1]


def _all(side: Side) -> Samples:
    found = complete(side.tensor.dtype, side.rows(0, side.tensor.rows))
    return Samples(*(column.reshape(-1) for column in found))


def _missed(seat: Seat, left: Samples, rights: Samples, count: int) -> Mask:
    """Which of the right ones, laid end to end, do not explain it."""
    dtypes = seat.pair.left.dtype, seat.pair.right.dtype
    one = Face(Samples(*(np.tile(column, count) for column in left)), dtypes[0], seat.grids[0])
    missed = outside(seat.way, one, Face(rights, dtypes[1], seat.grids[1])).reshape(count, -1)
    return np.asarray(missed.any(axis=1))
