"""Weights of equal codes count as equal only in equal scales."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from catalog.matching.pairing_sides import Match, Side


def in_scale(left: Side, right: Side, matches: list[Match]) -> tuple[list[Match], list[Match]]:
    """The matches without weights of equal codes whose scales differ; and, of these, those that were changed.

    Nobody quantises two files to the same codes in two scales. Where the scales are of two types, the one may be the
    other rounded: then the values are compared.
    """
    if not left.scales and not right.scales:
        return matches, []
    pairs = {(match.left, match.right) for match in matches}
    kept, changed = [], []
    for match in matches:
        mine, others = left.scales.get(match.left, ()), right.scales.get(match.right, ())
        scales = list(zip(mine, others, strict=False))
        if len(mine) == len(others) and pairs.issuperset(scales):
            kept.append(match)
        elif len(mine) == len(others) and match.proven and all(_of_one_type(left, right, *pair) for pair in scales):
            changed.append(match)
    return kept, changed


def _of_one_type(left: Side, right: Side, one: int, other: int) -> bool:
    return left.tensors[one].dtype == right.tensors[other].dtype
