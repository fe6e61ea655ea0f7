"""Biases of fused tensors that were not found as sums: each part is where the part of the weight is.

Fused biases are too short to be found by their samples. If they were left alone on both sides, a changed one would go
unseen.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from catalog.matching.fusing import Part
from catalog.matching.fusing_sums import met, together
from catalog.matching.pairing_sides import Sort

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from catalog.matching.pairing import Link
    from catalog.matching.pairing_sides import Side


class Fused(NamedTuple):
    """A fused tensor, by its number, and the numbers of its parts in their order."""

    whole: int
    parts: tuple[int, ...]


def fused(links: Iterable[Link], *, mirrored: bool) -> list[Fused]:
    """The fused tensors of the left (`mirrored`: of the right), of the links that parts have."""
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for link in links:
        if link.parts:
            whole, part = (link.right, link.left) if mirrored else (link.left, link.right)
            found[whole].append((link.part, part))
    return [Fused(whole, tuple(part for _, part in sorted(some))) for whole, some in found.items() if len(some) > 1]


def beside(whole: Side, part: Side, known: Sequence[Fused], wholes: list[int], pieces: list[int]) -> Iterator[Part]:
    """Of the open vectors `wholes` and `pieces`, those that lie beside fused tensors and their parts."""
    vectors, others = _by_layer(whole, wholes), _by_layer(part, pieces)
    for each in known:
        mine = vectors.get(_layer(whole, each.whole), [])
        theirs = [others.get(_layer(part, number), []) for number in each.parts]
        if len(mine) != 1 or any(len(some) != 1 for some in theirs):
            continue
        chosen = [some[0] for some in theirs]
        if len(set(chosen)) < len(chosen) or sum(part.sizes[n] for n in chosen) != whole.sizes[mine[0]]:
            continue
        total = met(whole, part, chosen, mine[0])
        matches = total.matches if total is not None else {}
        offset = 0
        for number, piece in enumerate(chosen, 1):
            yield Part(mine[0], piece, offset, number, len(chosen), columns=True, match=matches.get(piece))
            offset += part.sizes[piece]


def unmade(whole: Side, part: Side, wholes: list[int], pieces: list[int]) -> Iterator[tuple[int, int]]:
    """Lone tensors that neighbours on the other side may be the parts of: each with the first of those."""
    mine = [number for number in wholes if not whole.constant(number)]
    others = [number for number in pieces if not part.constant(number)]
    for number, chosen in together(whole, part, mine, others):
        yield number, chosen[0]


def _by_layer(side: Side, numbers: list[int]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for number in numbers:
        if side.sorts[number] is Sort.LESSER and len(side.axes[number]) == 1:
            found[_layer(side, number)].append(number)
    return found


def _layer(side: Side, number: int) -> str:
    """The name of the layer that a tensor belongs to."""
    return side.tensors[number].name.rpartition(".")[0]
