"""Which tensor of one component is which of the other: by value, names only break ties."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from catalog.fingerprints.base import CODES
from catalog.matching import fusing, pairing_beside, pairing_exact, pairing_lesser, pairing_samples, thresholds
from catalog.matching.pairing_lesser import Like
from catalog.matching.pairing_orders import orders
from catalog.matching.pairing_scales import in_scale
from catalog.matching.pairing_sides import COUNTED, Match, Side, Sort
from catalog.vocabulary import Direction, Mapped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


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
    `unread`: namesakes that may or may not be the same, since the values of one cannot be read. `tied`: further copies
    of matched tensors. `lone_left`, `lone_right`: the rest. `disordered`: the same values in another order under the
    same name. `whole`: False where there was too much to compare each with each.
    """

    left: Side
    right: Side
    links: list[Link] = field(default_factory=list)
    equal: list[Match] = field(default_factory=list)
    likes: list[Like] = field(default_factory=list)
    changed: list[Like] = field(default_factory=list)
    unread: list[Like] = field(default_factory=list)
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

    def met(self) -> tuple[set[int], set[int]]:
        """Numbers of all tensors that are joined to another by keys or samples."""
        pairs = [(link.left, link.right) for link in self.links]
        pairs += [(match.left, match.right) for match in self.equal]
        return {left for left, _ in pairs}, {right for _, right in pairs}

    def taken(self) -> tuple[set[int], set[int]]:
        """Numbers of all tensors that are in any list but the last two."""
        lefts, rights = self.met()
        for like in (*self.likes, *self.changed, *self.unread):
            lefts.add(like.left)
            rights.add(like.right)
        for match in self.tied:
            lefts.add(match.left)
            rights.add(match.right)
        return lefts, rights


def pair(left: Side, right: Side) -> Pairing:
    """The surest way first: digests, keys, samples of equal names, samples of all, fused parts, constants."""
    found = Pairing(left, right)
    _exact(found, _distinctive(left, right), _distinctive(right, left))
    lefts, rights = _open(found, Sort.CORE)
    alike = pairing_samples.by_samples(left, right, lefts, rights)
    found.whole = alike.whole
    for each in alike.likenesses:
        found.links.append(_likeness(left, right, each))
    _fused(found)
    _beside(found)
    lefts, rights = _open(found, Sort.CORE, Sort.LESSER)
    _exact(found, [n for n in lefts if left.constant(n)], [n for n in rights if right.constant(n)])
    _lesser(found)
    _leftovers(found)
    return found


def _distinctive(side: Side, other: Side) -> list[int]:
    """All weights but constants whose name the other side does not have: any of them fits, so fused ones come first."""
    names = set(other.names)
    return [
        number
        for number, sort in enumerate(side.sorts)
        if sort is not Sort.NONE and (not side.constant(number) or side.names[number] in names)
    ]


def _exact(found: Pairing, lefts: list[int], rights: list[int]) -> None:
    if not lefts or not rights:
        return
    left, right = found.left, found.right
    matches, changed = in_scale(left, right, pairing_exact.exact(left, right, lefts, rights))
    found.changed += [Like(match.left, match.right) for match in changed]
    for match, order in zip(matches, orders(left, right, matches), strict=True):
        if _ambiguous(left, right, match):
            continue
        if order.mapped is Mapped.ANY_ORDER and left.tensors[match.left].shape == right.tensors[match.right].shape:
            same_name = left.names[match.left] == right.names[match.right]
            (found.disordered if same_name else found.unordered).append(match)
        if left.sorts[match.left] in COUNTED or right.sorts[match.right] in COUNTED:
            found.links.append(Link(match.left, match.right, order.mapped, order.transposed, match))
        else:
            found.equal.append(match)


def _ambiguous(left: Side, right: Side, match: Match) -> bool:
    """Norms that fp8 leaves two or three values of: others have as many of each. Their values tell which is which."""
    few = min(left.codes(match.left), right.codes(match.right)) < CODES
    return few and not left.constant(match.left) and "f8" in match.rung


def _likeness(left: Side, right: Side, each: pairing_samples.Likeness) -> Link:
    mapped = Mapped.TRANSPOSED if each.transposed else Mapped.STRAIGHT
    if not each.transposed and left.tensors[each.left].shape != right.tensors[each.right].shape:
        mapped = Mapped.RESHAPED
    return Link(each.left, each.right, mapped, each.transposed, score=each.score)


def _fused(found: Pairing) -> None:
    """Tensors of the one that are fused in the other, in both directions."""
    if not found.links and len(found.equal) < thresholds.SHARED_TENSORS:
        return
    _parts(found, fusing.summed)
    if _share_of_links(found) >= thresholds.FUSED_SHARE:
        _parts(found, fusing.filled)


def _parts(found: Pairing, way: Callable[[Side, Side, list[int], list[int]], list[fusing.Part]]) -> None:
    """Whole tensors of the left made of parts of the right, and the other way round."""
    for mirrored in (False, True):
        lefts, rights = _open(found, Sort.CORE, Sort.LESSER)
        if lefts and rights:
            sides = (found.right, found.left, rights, lefts) if mirrored else (found.left, found.right, lefts, rights)
            found.links += [_part(part, mirrored=mirrored) for part in way(*sides)]


def _beside(found: Pairing) -> None:
    """Biases of fused tensors that do not add up: their samples, or all values, tell."""
    for mirrored in (False, True):
        known = pairing_beside.fused(found.links, mirrored=mirrored)
        lefts, rights = _open(found, Sort.LESSER)
        if known and lefts and rights:
            sides = (
                (found.right, found.left, known, rights, lefts)
                if mirrored
                else (found.left, found.right, known, lefts, rights)
            )
            found.links += [_part(part, mirrored=mirrored) for part in pairing_beside.beside(*sides)]


def _share_of_links(found: Pairing) -> float:
    """Of the core values of the better covered side, what is paired."""
    shares = []
    for side, numbers in (
        (found.left, {link.left for link in found.links}),
        (found.right, {link.right for link in found.links}),
    ):
        total = sum(side.sizes[number] for number in side.of_sort(*COUNTED))
        shares.append(sum(side.sizes[number] for number in numbers) / total if total else 0.0)
    return max(shares)


_TURNED = {
    Direction.NONE: Direction.NONE,
    Direction.LEFT_FROM_RIGHT: Direction.RIGHT_FROM_LEFT,
    Direction.RIGHT_FROM_LEFT: Direction.LEFT_FROM_RIGHT,
}


def _part(part: fusing.Part, *, mirrored: bool) -> Link:
    """`mirrored`: the whole is on the right. Then its shape is the one that a turned part has to be turned back to."""
    left, right = (part.part, part.whole) if mirrored else (part.whole, part.part)
    match = part.match
    if match is not None and mirrored:
        match = match._replace(left=left, right=right, made=_TURNED[match.made])
    columns = part.columns != (mirrored and part.transposed)
    mapped = Mapped.COLUMNS if columns else Mapped.ROWS
    return Link(left, right, mapped, part.transposed, match, part.score, part.offset, part.number, part.parts)


def _lesser(found: Pairing) -> None:
    """Scales are no values of their own: what they make of the codes is compared, not they."""
    lefts, rights = _open(found, Sort.LESSER)
    lefts, rights = _without(lefts, found.left.of_scales), _without(rights, found.right.of_scales)
    values = pairing_lesser.by_values(found.left, found.right, lefts, rights)
    found.likes, found.changed = values.likes, found.changed + values.changed
    found.whole &= values.whole


def _leftovers(found: Pairing) -> None:
    """Copies of matched tensors, unless one of their size is open on the other side: then it was changed."""
    lefts, rights = _open(found, *Sort)
    found.changed += _counterparts(found, lefts, rights)
    _unmade(found)
    _mute(found)
    gone_left, gone_right = found.taken()
    lefts, rights = _without(lefts, gone_left), _without(rights, gone_right)
    matches = found.exact
    mine = pairing_exact.tied(found.left, found.right, matches, lefts, mirrored=False)
    others = pairing_exact.tied(found.left, found.right, matches, rights, mirrored=True)
    found.tied = mine + others
    found.lone_left = _without(lefts, {match.left for match in mine})
    found.lone_right = _without(rights, {match.right for match in others})


def _unmade(found: Pairing) -> None:
    """What is fused on one side and not made of what the other one has: a part of it was changed, or nothing tells."""
    if _share_of_links(found) < thresholds.COVERED:
        return
    for mirrored in (False, True):
        for sort, told in ((Sort.CORE, found.changed), (Sort.LESSER, found.unread)):
            lefts, rights = _open(found, sort)
            lefts, rights = _without(lefts, found.left.of_scales), _without(rights, found.right.of_scales)
            if not lefts or not rights:
                continue
            if mirrored:
                pairs = pairing_beside.unmade(found.right, found.left, rights, lefts)
                told += [Like(part, whole) for whole, part in pairs]
            else:
                told += [Like(*pair) for pair in pairing_beside.unmade(found.left, found.right, lefts, rights)]


def _mute(found: Pairing) -> None:
    """Namesakes whose values cannot both be read. Of one type of plain numbers other bytes are other values."""
    left, right = found.left, found.right
    lefts, rights = _open(found, Sort.LESSER, Sort.OPAQUE)
    named = {right.names[n]: n for n in rights if n not in right.of_scales}
    for number in (n for n in lefts if n not in left.of_scales):
        other = named.pop(left.names[number], None)
        if other is None or (_readable(left, number) and _readable(right, other)):
            continue
        types = {left.tensors[number].dtype, right.tensors[other].dtype}
        plain = left.sorts[number] is Sort.LESSER and len(types) == 1 and types <= _PLAIN
        (found.changed if plain else found.unread).append(Like(number, other))


def _readable(side: Side, number: int) -> bool:
    return len(side.tensors[number].samples.values) > 0


_PLAIN = frozenset({"I8", "U8", "I16", "U16", "I32", "U32", "U64", "C64", "C128"})
"""Types whose bytes are their values, of which long vectors have no samples. Large ones may be a quantiser's codes."""


def _counterparts(found: Pairing, lefts: list[int], rights: list[int]) -> list[Like]:
    """Open tensors with values on both sides that share a name, or else a size; lesser ones are judged already."""
    left, right = found.left, found.right
    mine = [n for n in lefts if left.sorts[n] in (Sort.CORE, Sort.LESSER)]
    others = [n for n in rights if right.sorts[n] in (Sort.CORE, Sort.LESSER)]
    changed: list[Like] = []
    for trait in (_name, _size):
        places: dict[object, list[int]] = {}
        for number in reversed(others):
            places.setdefault(trait(right, number), []).append(number)
        for number in mine:
            fit = places.get(trait(left, number))
            if fit and Sort.CORE in (left.sorts[number], right.sorts[fit[-1]]):
                changed.append(Like(number, fit.pop()))
        mine = _without(mine, {like.left for like in changed})
        others = _without(others, {like.right for like in changed})
    return changed


def _name(side: Side, number: int) -> object:
    return side.names[number]


def _size(side: Side, number: int) -> object:
    return side.sizes[number]


def _open(found: Pairing, *sorts: Sort) -> tuple[list[int], list[int]]:
    """Numbers of the tensors of these sorts that are in no pair yet."""
    taken_left, taken_right = found.taken()
    return _without(found.left.of_sort(*sorts), taken_left), _without(found.right.of_sort(*sorts), taken_right)


def _without(numbers: Iterable[int], taken: set[int]) -> list[int]:
    return [number for number in numbers if number not in taken]
