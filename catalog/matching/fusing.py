"""Tensors that are fused in one file and apart in the other: q, k and v; gate and up; the parts of a projection."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from catalog.matching.pairing_sides import Match, Side


class Part(NamedTuple):
    """`part` is number `number` of `count` parts of `whole`: its rows (or `columns`) from `offset` on.

    `match` where keys over all values say so, else `score` is the correlation where samples coincide.
    """

    whole: int
    part: int
    offset: int
    number: int
    count: int
    columns: bool = False
    transposed: bool = False
    match: Match | None = None
    score: float = 1.0


def parts(left: Side, right: Side, lefts: list[int], rights: list[int], *, mirrored: bool) -> list[Part]:
    """Parts of the open tensors `lefts` among `rights`; `mirrored`: of `rights` among `lefts`."""
    return []


def coinciding(left: Side, right: Side, link: object) -> None:
    """The samples."""
    return
