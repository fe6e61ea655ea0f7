"""What blocks that repeat tell: tensors of one kind lie alike in all of them, and none is missing in between."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from catalog.matching.pairing_sides import COUNTED
from catalog.matching.pairing_turned import turned

if TYPE_CHECKING:
    from collections.abc import Iterable

    from catalog.matching.pairing import Pairing
    from catalog.matching.pairing_sides import Side

    Kind = tuple[str, int]

_NUMBER = re.compile(r"\d+")


def unlike(found: Pairing) -> bool:
    """Is a square matrix turned, while one of its kind is not? A layout turns all of a kind, or none.

    Only under equal names: who gives names of its own may turn what it likes, and another shape says so itself.
    """
    ways: dict[Kind, set[bool]] = defaultdict(set)
    for link in found.links:
        left, right = found.left, found.right
        if link.parts or left.names[link.left] != right.names[link.right]:
            continue
        square = _square(left, link.left) and _square(right, link.right)
        if square and (link.transposed or not _symmetric(right, link.right)):
            ways[_kind(left, link.left)].add(link.transposed)
    return any(len(both) > 1 for both in ways.values())


def missing(found: Pairing) -> tuple[bool, bool]:
    """Has the left one (the right one) a large tensor in a block between others, of which the other side has none?

    So it is where layers or experts were taken out. Of the last ones that is not asked: exports leave out the last
    layer of a text encoder, and layers that only predict further tokens.
    """
    lefts, rights = found.met()
    return _between(found.left, found.lone_left, lefts), _between(found.right, found.lone_right, rights)


def _between(side: Side, lone: Iterable[int], met: Iterable[int]) -> bool:
    alone = [number for number in lone if side.sorts[number] in COUNTED]
    if not alone:
        return False
    last: dict[Kind, list[int]] = {}
    for number in met:
        kind, place = _kind(side, number), _place(side, number)
        last[kind] = max(place, last.get(kind, place))
    return any(_place(side, number) < last.get(_kind(side, number), []) for number in alone)


def _kind(side: Side, number: int) -> Kind:
    return _NUMBER.sub("#", side.tensors[number].name), side.sizes[number]


def _place(side: Side, number: int) -> list[int]:
    """The numbers in its name; as much as a name of sane length has."""
    return [int(digits[:18]) for digits in _NUMBER.findall(side.tensors[number].name)]


def _square(side: Side, number: int) -> bool:
    rows, columns = side.shape(number)
    return rows == columns


def _symmetric(side: Side, number: int) -> bool:
    """Of such a matrix nobody sees whether it was turned; nor of one without samples."""
    if not side.sampled(number):
        return True
    samples = side.samples[number]
    return bool(np.array_equal(turned(samples, side.grid(number)).values, samples.values, equal_nan=True))
