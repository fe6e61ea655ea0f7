"""The rules that make a verdict of what was paired and measured."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from catalog.fingerprints.base import CODES
from catalog.matching import places, repeated, thresholds
from catalog.matching.base import ComponentVerdict
from catalog.matching.hypotheses import Fit
from catalog.matching.limits import FLOATS
from catalog.matching.pairing_exact import FLUSHED
from catalog.matching.pairing_lesser import MOVED
from catalog.matching.pairing_sides import COUNTED, Side, Sort
from catalog.matching.suspicion import suspected
from catalog.vocabulary import Certainty, Direction, Doubt, Relation

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from catalog.matching.measuring import Measured
    from catalog.matching.pairing import Link, Pairing
    from catalog.matching.pairing_sides import Match


def decide(found: Pairing, measured: Measured) -> ComponentVerdict:
    """Without its rows."""
    return _Rules(found, measured).verdict()


class _Rules:
    """Of one comparison."""

    def __init__(self, found: Pairing, measured: Measured) -> None:
        self.found = found
        self.measured = measured
        self.fit = measured.judgement.fit
        self.tiny = not any(sort in COUNTED for side in (found.left, found.right) for sort in side.sorts)
        lefts, rights = found.met()
        self.left_values = self._total(found.left, {match.left for match in found.tied} - lefts)
        self.right_values = self._total(found.right, {match.right for match in found.tied} - rights)

    def verdict(self) -> ComponentVerdict:
        """The first rule that applies."""
        if self.tiny:
            return self._of_tiny()
        if not self.found.links:
            return self._strangers()
        if self.covered:
            return self._of_covered()
        return self._of_part()

    # What was found, in numbers

    def _total(self, side: Side, copies: set[int]) -> int:
        return sum(
            size
            for number, (size, sort) in enumerate(zip(side.sizes, side.sorts, strict=True))
            if number not in copies and (sort in COUNTED or (self.tiny and sort is not Sort.NONE))
        )

    @cached_property
    def links(self) -> list[Link]:
        """Those that keys or samples decide."""
        mute = {id(link) for link in self.measured.mute}
        return [link for link in self.found.links if id(link) not in mute]

    def _share(self, links: Iterable[Link], total: int) -> float:
        """What the links cover of `total` values; parts of tensors that are not counted do not count."""
        left, right = self.found.left, self.found.right
        counted = sum(
            min(left.sizes[link.left], right.sizes[link.right])
            for link in links
            if left.sorts[link.left] in COUNTED or right.sorts[link.right] in COUNTED
        )
        return min(1.0, counted / total) if total else 0.0

    @cached_property
    def shares(self) -> tuple[float, float]:
        """Of the core values of each side that found their like."""
        return self._share(self.links, self.left_values), self._share(self.links, self.right_values)

    @cached_property
    def related(self) -> tuple[float, float]:
        """The same with what only correlates."""
        return self._share(self.found.links, self.left_values), self._share(self.found.links, self.right_values)

    @property
    def covered(self) -> bool:
        """Is each the whole of the other, but for a little that one has more?"""
        return _covers(self.related)

    @cached_property
    def exact(self) -> bool:
        """Do keys over all values join all core tensors?"""
        return all(link.match is not None for link in self.found.links)

    @property
    def changed(self) -> bool:
        """Did something lose its like?"""
        return bool(self.found.changed)

    # Whole components

    def _of_covered(self) -> ComponentVerdict:
        if self.changed or self.fit is Fit.APART:
            return self._moved() if self._may_be_importance() else self._derived()
        told = self._in_place()
        if told is False or self.found.disordered or repeated.unlike(self.found):
            return self._told(Relation.REARRANGED, self._certainty(), places=False)
        doubt = self._doubt()
        if doubt is not None:
            return self._cannot_tell(doubt)
        more = repeated.missing(self.found)
        if all(more):
            return self._derived()
        if any(more):
            return self._told(
                Relation.CONTAINS if more[0] else Relation.PART_OF, self._certainty(), places=told is True
            )
        unplaced = told is None or bool(self.found.unordered)
        return self._told(
            self._sameness(), self._certainty(), places=not unplaced, doubt=Doubt.PLACES if unplaced else None
        )

    def _doubt(self) -> Doubt | None:
        """What speaks against calling them the same."""
        if not self.found.whole:
            return Doubt.TOO_MANY
        if self.found.unread or (self.measured.mute and not _covers(self.shares)):
            return Doubt.NO_INTERVAL
        if suspected(self.found, self.measured):
            return Doubt.OFF_SAMPLE
        if self.fit is Fit.NEAR or any(like.near for like in self.found.likes):
            return Doubt.DOUBLE_ROUNDING
        if not self.exact and len(self.found.links) < thresholds.FEWEST_CORE:
            return Doubt.TOO_SMALL
        return None

    def _in_place(self) -> bool | None:
        """As `places.check`, of all tensors that could stand in one another's place."""
        left, right = self.found.left, self.found.right
        sizes = _numerous(left) | _numerous(right)
        numbers = [(link.left, link.right) for link in self.found.links if not link.parts and _alone(link.match)]
        numbers += [(match.left, match.right) for match in self.found.equal if _alone(match)]
        numbers += [
            (like.left, like.right)
            for like in self.found.likes
            if min(left.codes(like.left), right.codes(like.right)) >= CODES  # of fewer values several fit
        ]
        pairs = [
            (left.tensors[one].name, right.tensors[other].name) for one, other in numbers if left.sizes[one] in sizes
        ]
        fused = [
            self._named(link)
            for link in self.found.links
            if link.parts and Sort.CORE in (left.sorts[link.left], right.sorts[link.right])
        ]
        if not pairs and not fused:
            return True
        lefts = [one.name for one in left.tensors] + [one for one, _ in fused]
        rights = [one.name for one in right.tensors] + [other for _, other in fused]
        return places.check(pairs + fused, lefts, rights, _Equal(self.found))

    def _named(self, link: Link) -> tuple[str, str]:
        """The names of a part and of its place in the whole, as if that were a tensor of its own."""
        left, right = self.found.left.tensors[link.left].name, self.found.right.tensors[link.right].name
        place = f".part {'abcdefghijklmnopqrstuvwxyz'[(link.part - 1) % 26]}"
        if self.found.left.sizes[link.left] > self.found.right.sizes[link.right]:
            return left + place, right
        return left, right + place

    def _sameness(self) -> Relation:
        """How they are the same."""
        left, right = self.found.left.tensors, self.found.right.tensors
        sampled = [link for link in self.found.links if link.match is None]
        if any({left[link.left].dtype, right[link.right].dtype} - FLOATS for link in sampled):
            return Relation.QUANTISED
        matches = [link.match for link in self.found.links if link.match is not None]
        made = any(match.made is not Direction.NONE for match in (*matches, *self.found.equal))
        rounded = any(not like.shift for like in self.found.likes)
        return Relation.OTHER_PRECISION if sampled or made or rounded else Relation.SAME_WEIGHTS

    def _certainty(self) -> Certainty:
        """What the relation of what was found rests on."""
        if any(link.match is None for link in self.found.links):
            return Certainty.SAMPLES
        return Certainty.PROVEN if self._proven() else Certainty.KEYS

    def _proven(self) -> bool:
        """Is every weight tensor of both sides met by digest?"""
        found = self.found
        matches = [*(link.match for link in found.links), *found.equal, *found.tied]
        proven = all(match is not None and match.proven for match in matches)
        alone = [found.left.sorts[n] for n in found.lone_left] + [found.right.sorts[n] for n in found.lone_right]
        open_ = found.likes or found.changed or found.unread
        return proven and not open_ and all(sort is Sort.NONE for sort in alone)

    def _may_be_importance(self) -> bool:
        """Is what contradicts no more than a quantiser's importance matrix moves?"""
        if self.changed:
            return False
        left, right = self.found.left.tensors, self.found.right.tensors
        judgement = self.measured.judgement
        outside = compared = 0
        for link, out, count in zip(self.measured.judged, judgement.outside, judgement.compared, strict=True):
            if {left[link.left].dtype, right[link.right].dtype} & MOVED:
                outside, compared = outside + int(out), compared + int(count)
            elif out:
                return False
        return 0 < outside <= thresholds.IMPORTANCE_SHARE * compared

    def _moved(self) -> ComponentVerdict:
        return self._cannot_tell(Doubt.BELOW_NOISE)

    # Parts, versions, strangers

    def _of_part(self) -> ComponentVerdict:
        """One has more than the other, or both have."""
        few = len(self.found.links) < thresholds.FEWEST_CORE
        sound = not self.changed and self.fit is not Fit.APART and self._doubt() is None
        smaller, larger = sorted(self.shares)
        if sound and larger >= thresholds.COVERED_FULLY and smaller < thresholds.COVERED:
            inside = Relation.CONTAINS if self.shares[1] > self.shares[0] else Relation.PART_OF
            return self._told(inside, self._certainty(), places=self._in_place() is True)
        if not self.found.whole or (self._unread() and not self.changed):
            return self._cannot_tell(Doubt.NO_INTERVAL if self.found.whole else Doubt.TOO_MANY)
        if max(self.related) >= thresholds.DERIVED_SHARE and not few:
            return self._derived()
        close = self.measured.distance is not None and self.measured.distance < thresholds.SHARED_DISTANCE
        if max(self.related) >= thresholds.SHARED_VALUES and not few and (self.exact or close):
            return self._told(Relation.SHARES_PARTS, self._certainty())
        return self._strangers()

    def _derived(self) -> ComponentVerdict:
        return self._told(Relation.DERIVED, Certainty.KEYS if self.exact else Certainty.SAMPLES)

    def _strangers(self) -> ComponentVerdict:
        if not self.found.whole or (self._unread() and not self.changed):
            return self._cannot_tell(Doubt.NO_INTERVAL if self.found.whole else Doubt.TOO_MANY)
        return self._told(Relation.UNRELATED, Certainty.SAMPLES)

    def _unread(self) -> bool:
        """Is much of either side without values, so that nothing could be found of it?"""
        unread = self.found.unread
        for side, lone, total in (
            (self.found.left, [*self.found.lone_left, *(like.left for like in unread)], self.left_values),
            (self.found.right, [*self.found.lone_right, *(like.right for like in unread)], self.right_values),
        ):
            opaque = sum(side.sizes[number] for number in lone if side.sorts[number] is Sort.OPAQUE)
            if total and opaque > (1 - thresholds.COVERED) * total:
                return True
        return False

    def _of_tiny(self) -> ComponentVerdict:
        """Of components without a core tensor: only keys tell anything, and only of tensors with many values."""
        left, right = self.found.left, self.found.right
        shares = tuple(
            sum(side.sizes[number] for number in numbers) / total if total else 0.0
            for side, numbers, total in (
                (left, {match.left for match in self.found.equal}, self.left_values),
                (right, {match.right for match in self.found.equal}, self.right_values),
            )
        )
        rich = any(
            max(left.tensors[m.left].codes_f16, left.tensors[m.left].codes_bf16) >= CODES for m in self.found.equal
        )
        if not self.found.whole:
            return self._cannot_tell(Doubt.TOO_MANY)
        if self.changed:
            return self._told(Relation.UNRELATED, Certainty.SAMPLES)
        doubt = self._doubt_of_tiny()
        if doubt is not None:
            return self._cannot_tell(doubt)
        if not rich or self.found.likes or not _covers((shares[0], shares[1])):
            return self._cannot_tell(Doubt.TOO_SMALL)
        told = self._in_place()
        if told is False or self.found.disordered:
            return self._told(Relation.REARRANGED, self._certainty(), places=False)
        return self._told(
            self._sameness(), self._certainty(), places=told is True, doubt=None if told else Doubt.PLACES
        )

    def _doubt_of_tiny(self) -> Doubt | None:
        if self.found.unread:
            return Doubt.NO_INTERVAL
        if suspected(self.found, self.measured):
            return Doubt.OFF_SAMPLE
        return Doubt.DOUBLE_ROUNDING if any(like.near for like in self.found.likes) else None

    # The verdict

    def _cannot_tell(self, doubt: Doubt) -> ComponentVerdict:
        readable = doubt not in (Doubt.NO_INTERVAL, Doubt.TOO_SMALL, Doubt.TOO_MANY)
        return self._told(Relation.CANNOT_TELL, Certainty.SUSPECTED, doubt=doubt, full=readable)

    def _told(
        self,
        relation: Relation,
        certainty: Certainty,
        *,
        places: bool = True,
        doubt: Doubt | None = None,
        full: bool | None = None,
    ) -> ComponentVerdict:
        judgement = self.measured.judgement
        smaller = min(self.left_values, self.right_values)
        proven = [link for link in self.found.links if link.match is not None and link.match.proven]
        keyed = [link for link in self.found.links if link.match is not None and link.match.rung != FLUSHED]
        return ComponentVerdict(
            left=self.found.left.name,
            right=self.found.right.name,
            relation=relation,
            certainty=certainty,
            values=(self.left_values, self.right_values),
            share_left=self.shares[0],
            share_right=self.shares[1],
            proven=self._share(proven, smaller),
            by_key=self._share(keyed, smaller),
            compared=int(judgement.compared.sum()),
            outside=int(judgement.outside.sum()),
            detection_limit=self.measured.limit,
            distance=self.measured.distance,
            direction=self._direction(relation),
            rung=self._rung(),
            doubt=doubt,
            places=places,
            full=certainty in (Certainty.KEYS, Certainty.SAMPLES) if full is None else full,
        )

    def _direction(self, relation: Relation) -> Direction:
        """That which all roundings agree on."""
        if relation in (Relation.UNRELATED, Relation.DERIVED, Relation.CANNOT_TELL):
            return Direction.NONE
        matches = [link.match for link in self.found.links if link.match is not None]
        found = {match.made for match in (*matches, *self.found.equal)} - {Direction.NONE}
        sampled = {Fit.LEFT_ROUNDED: Direction.RIGHT_FROM_LEFT, Fit.RIGHT_ROUNDED: Direction.LEFT_FROM_RIGHT}
        if self.measured.judged:
            found.add(sampled.get(self.fit, Direction.NONE))
        return found.pop() if len(found) == 1 else Direction.NONE

    def _rung(self) -> str:
        """That of most of the values."""
        if self.measured.judged:
            return self.measured.judgement.rung
        words: dict[str, int] = {}
        for link in self.found.links:
            if link.match is not None:
                words[link.match.rung] = words.get(link.match.rung, 0) + self.found.left.sizes[link.left]
        return max(words, key=lambda word: words[word], default="")


def _covers(shares: tuple[float, float]) -> bool:
    return min(shares) >= thresholds.COVERED and max(shares) >= thresholds.COVERED_FULLY


def _numerous(side: Side) -> set[int]:
    """Sizes that several tensors of a side have: one of its own size cannot be in another's place."""
    seen: set[int] = set()
    again: set[int] = set()
    for size, sort in zip(side.sizes, side.sorts, strict=True):
        if sort is not Sort.NONE:
            (again if size in seen else seen).add(size)
    return again


def _alone(match: Match | None) -> bool:
    """Is there no second tensor of these values?"""
    return match is None or match.alone


class _Equal:
    """Do the left tensor and the right tensor of these names hold equal values?"""

    def __init__(self, found: Pairing) -> None:
        self.left = found.left
        self.numbers = {tensor.name: number for number, tensor in enumerate(found.left.tensors)}
        others = {number: tensor.name for number, tensor in enumerate(found.right.tensors)}
        self.likes = {others[match.right]: match.left for match in (*found.equal, *found.tied)}
        self.likes |= {others[link.right]: link.left for link in found.links}

    def __call__(self, left: str, right: str) -> bool:
        like = self.likes.get(right)
        return like is not None and bool(self._keys(like) & self._keys(self.numbers[left]))

    def _keys(self, number: int) -> set[Hashable]:
        return {*self.left.own[number], self.left.tensors[number].td} - {b""}
