"""Which tensor of one component is which of the other: by value, names only break ties."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from catalog.matching import fusing, pairing_exact, pairing_lesser, pairing_samples
from catalog.matching.pairing_orders import orders
from catalog.matching.pairing_sides import COUNTED, Match, Side, Sort
from catalog.vocabulary import Mapped

if TYPE_CHECKING:
    from collections.abc import Iterable

    from catalog.matching.pairing_lesser import Like


class Link(NamedTuple):
    """Two core tensors, by their numbers, and how the one lies in the other (as `base.Pair` says).

    `match` where keys or digests join them, else `score` is their correlation. `part` of `parts` where one is a part.
    """

    left: int
    right: int
    mapped: Mapped = Mapped.STRAIGHT
    transposed: bool = False
    match: Match | None = None
    score: float = 1.0
    offset: int = 0
    part: int = 0
    parts: int = 0


@dataclass(slots=True)
class Pairing:
    """What was found. Numbers are those of the tensors of each side.

    `links`: core tensors and their parts. `equal`: all else that keys or digests join. `likes`: all else whose values
    fit. `changed`: tensors of either sort that have no like, though one of their size or name lacks its like too.
    `tied`: further copies of matched tensors. `lone_left`, `lone_right`: the rest. `disordered`: the same values in
    another order under the same name. `whole`: False where there was too much to compare each with each.
    """

    left: Side
    right: Side
    links: list[Link] = field(default_factory=list)
    equal: list[Match] = field(default_factory=list)
    likes: list[Like] = field(default_factory=list)
    changed: list[Like] = field(default_factory=list)
    tied: list[Match] = field(default_factory=list)
    lone_left: list[int] = field(default_factory=list)
    lone_right: list[int] = field(default_factory=list)
    disordered: list[Match] = field(default_factory=list)
    unordered: list[Match] = field(default_factory=list)
    whole: bool = True

    @property
    def exact(self) -> list[Match]:
        """All that keys or digests join, whole tensor to whole tensor."""
        linked = [link.match for link in self.links if link.match is not None and not link.parts]
        return linked + self.equal


def pair(left: Side, right: Side) -> Pairing:
    """The surest way first: digests, keys, samples of equal names, samples of all, fused parts."""
    found = Pairing(left, right)
    _exact(found)
    lefts, rights = _open(found, Sort.CORE)
    alike = pairing_samples.by_samples(left, right, lefts, rights)
    found.whole = alike.whole
    for each in alike.likenesses:
        found.links.append(_likeness(left, right, each))
    lefts, rights = _open(found, Sort.CORE, Sort.LESSER)
    _fused(found, lefts, rights)
    _lesser(found)
    _leftovers(found)
    return found


def _exact(found: Pairing) -> None:
    left, right = found.left, found.right
    matches = pairing_exact.exact(left, right)
    for match, order in zip(matches, orders(left, right, matches), strict=True):
        if order.mapped is Mapped.ANY_ORDER and left.tensors[match.left].shape == right.tensors[match.right].shape:
            same_name = left.names[match.left] == right.names[match.right]
            (found.disordered if same_name else found.unordered).append(match)
        if left.sorts[match.left] in COUNTED or right.sorts[match.right] in COUNTED:
            found.links.append(Link(match.left, match.right, order.mapped, order.transposed, match))
        else:
            found.equal.append(match)


def _likeness(left: Side, right: Side, each: pairing_samples.Likeness) -> Link:
    mapped = Mapped.TRANSPOSED if each.transposed else Mapped.STRAIGHT
    if not each.transposed and left.tensors[each.left].shape != right.tensors[each.right].shape:
        mapped = Mapped.RESHAPED
    return Link(each.left, each.right, mapped, each.transposed, score=each.score)


def _fused(found: Pairing, lefts: list[int], rights: list[int]) -> None:
    """Tensors of the one that are fused in the other, in both directions."""
    if not lefts or not rights:
        return
    for mirrored in (False, True):
        for part in fusing.parts(found.left, found.right, lefts, rights, mirrored=mirrored):
            link = Link(
                part.whole if not mirrored else part.part,
                part.part if not mirrored else part.whole,
                Mapped.COLUMNS if part.columns else Mapped.ROWS,
                part.transposed,
                part.match,
                part.score,
                part.offset,
                part.number,
                part.count,
            )
            found.links.append(link)
        lefts, rights = _open(found, Sort.CORE, Sort.LESSER)


def _lesser(found: Pairing) -> None:
    lefts, rights = _open(found, Sort.LESSER)
    found.likes, found.changed = pairing_lesser.by_values(found.left, found.right, lefts, rights)


def _leftovers(found: Pairing) -> None:
    """Copies of matched tensors, unless one of their size is open on the other side: then it was changed."""
    lefts, rights = _open(found, *Sort)
    found.changed += _counterparts(found, lefts, rights)
    gone_left, gone_right = _taken(found)
    lefts, rights = _without(lefts, gone_left), _without(rights, gone_right)
    matches = found.exact
    mine = pairing_exact.tied(found.left, found.right, matches, lefts, mirrored=False)
    others = pairing_exact.tied(found.left, found.right, matches, rights, mirrored=True)
    found.tied = mine + others
    found.lone_left = _without(lefts, {match.left for match in mine})
    found.lone_right = _without(rights, {match.right for match in others})


def _counterparts(found: Pairing, lefts: list[int], rights: list[int]) -> list[Like]:
    """Open tensors with values on both sides that share a name, or else a size; lesser ones are judged already."""
    left, right = found.left, found.right
    mine = [n for n in lefts if left.sorts[n] in (Sort.CORE, Sort.LESSER)]
    others = [n for n in rights if right.sorts[n] in (Sort.CORE, Sort.LESSER)]
    changed: list[Like] = []
    for trait in (lambda side, n: side.names[n], lambda side, n: side.sizes[n]):
        places: dict[object, list[int]] = {}
        for number in reversed(others):
            places.setdefault(trait(right, number), []).append(number)
        for number in mine:
            fit = places.get(trait(left, number))
            if fit and Sort.CORE in (left.sorts[number], right.sorts[fit[-1]]):
                changed.append(pairing_lesser.Like(number, fit.pop()))
        mine = _without(mine, {like.left for like in changed})
        others = _without(others, {like.right for like in changed})
    return changed


def _open(found: Pairing, *sorts: Sort) -> tuple[list[int], list[int]]:
    """Numbers of the tensors of these sorts that are in no pair yet."""
    taken_left, taken_right = _taken(found)
    return _without(found.left.of_sort(*sorts), taken_left), _without(found.right.of_sort(*sorts), taken_right)


def _taken(found: Pairing) -> tuple[set[int], set[int]]:
    every = (*found.links, *found.equal, *found.likes, *found.changed, *found.tied)
    return {each.left for each in every}, {each.right for each in every}


def _without(numbers: Iterable[int], taken: set[int]) -> list[int]:
    return [number for number in numbers if number not in taken]
