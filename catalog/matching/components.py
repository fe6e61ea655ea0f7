"""What two components are to one another, from their fingerprints alone.

Tensors are paired by value; then every sampled value must lie where rounding allows, every key over all values that
ought to be equal must be, and every tensor must sit in its place. Near is not the same: in doubt nothing is told.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from catalog.matching.base import ComponentVerdict, Pair
from catalog.matching.measuring import measure
from catalog.matching.pairing import pair
from catalog.matching.pairing_sides import Side
from catalog.matching.rows import rows
from catalog.matching.verdicts import decide
from catalog.vocabulary import Mapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalog.fingerprints.base import Fingerprint
    from catalog.matching.pairing import Pairing


def compare(left: Fingerprint, right: Fingerprint) -> tuple[ComponentVerdict, tuple[Pair, ...]]:
    """The verdict, with a row for every tensor of both; and the pairs that a comparison of all values goes through."""
    found = pair(Side(left), Side(right))
    measured = measure(found)
    verdict = decide(found, measured)
    return replace(verdict, rows=rows(found, measured)), tuple(_pairs(found))


def _pairs(found: Pairing) -> Iterator[Pair]:
    """Core tensors first, then the others; of tied ones each."""
    left, right = found.left.tensors, found.right.tensors
    for link in found.links:
        yield Pair(
            left[link.left],
            right[link.right],
            link.mapped,
            link.transposed,
            link.offset,
            exact=link.match is not None,
            score=link.score,
        )
    for match in (*found.equal, *found.tied):
        one, other = left[match.left], right[match.right]
        mapped = Mapped.STRAIGHT if one.shape == other.shape else Mapped.RESHAPED
        if match in found.unordered or match in found.disordered:
            mapped = Mapped.ANY_ORDER
        yield Pair(one, other, mapped, exact=True)
    for like in found.unread:
        yield Pair(left[like.left], right[like.right])
    for like in found.likes:
        mapped = Mapped.SHIFTED if like.shift else Mapped.TRANSPOSED if like.transposed else Mapped.STRAIGHT
        yield Pair(left[like.left], right[like.right], mapped, like.transposed, shift=like.shift)
