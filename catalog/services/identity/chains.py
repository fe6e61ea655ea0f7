"""What the members of some models are to one another, and whether joining them would tell a lie.

Two that round to one and the same third need not be equal: each lost, in rounding, what told them apart. So where two
members both round to a third, they must hold the same values, or one must be a rounding of the other.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db.models import Q

from catalog.fingerprints.base import KeyKind
from catalog.models import ComponentKey, Match, ModelHash
from catalog.vocabulary import Algorithm, Certainty, Direction, Relation

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from uuid import UUID

EQUAL = frozenset({Relation.SAME_TENSORS.value, Relation.SAME_WEIGHTS.value})
LIKE = EQUAL | {Relation.OTHER_PRECISION.value, Relation.QUANTISED.value}
"""Relations of variants that are, or may be, one model."""

_CERTAIN = frozenset({Certainty.PROVEN.value, Certainty.ALL_VALUES.value, Certainty.KEYS.value})
_ROUNDED = (Algorithm.WEIGHTS_F16.value, Algorithm.WEIGHTS_BF16.value)


@dataclass(slots=True)
class Bonds:
    """`equal` hold the same values, both ways round; `rounded` names, of each, those that are roundings of it.

    `like` are the neighbours by any relation of one model, surely or not.
    """

    equal: dict[UUID, set[UUID]] = field(default_factory=lambda: defaultdict(set))
    rounded: dict[UUID, set[UUID]] = field(default_factory=lambda: defaultdict(set))
    like: dict[UUID, set[UUID]] = field(default_factory=lambda: defaultdict(set))

    @classmethod
    def among(cls, ids: Collection[UUID]) -> Bonds:
        """All that is known of variants and their neighbours, in three statements."""
        bonds = cls()
        rows = Match.objects.filter(Q(left__in=ids) | Q(right__in=ids), relation__in=LIKE)
        for match in rows.only("left", "right", "relation", "certainty", "direction"):
            bonds.add(match)
        bonds._add_digests(ids)
        bonds._add_keys(ids)
        return bonds

    def add(self, match: Match) -> None:
        """What one relation says."""
        left, right = match.left_id, match.right_id
        if match.relation not in LIKE:
            return
        self._link(self.like, left, right)
        if match.certainty not in _CERTAIN:
            return
        if match.relation in EQUAL:
            self._link(self.equal, left, right)
        elif match.relation == Relation.OTHER_PRECISION:
            both_ways = match.certainty == Certainty.PROVEN and match.direction == Direction.NONE
            if both_ways or match.direction == Direction.LEFT_FROM_RIGHT:
                self.rounded[right].add(left)
            if both_ways or match.direction == Direction.RIGHT_FROM_LEFT:
                self.rounded[left].add(right)

    def kin(self, of: UUID, within: Collection[UUID]) -> set[UUID]:
        """Of `within`, those that are like it, or like one that is."""
        return _reached(of, self.like, set(within))

    def _add_digests(self, ids: Collection[UUID]) -> None:
        weights: dict[bytes, set[UUID]] = defaultdict(set)
        rounded: dict[bytes, set[UUID]] = defaultdict(set)
        rows = ModelHash.objects.filter(variant__in=ids, file=None, algorithm__in=(Algorithm.WEIGHTS, *_ROUNDED))
        for variant, algorithm, digest in rows.values_list("variant", "algorithm", "digest"):
            (weights if algorithm == Algorithm.WEIGHTS else rounded)[bytes(digest)].add(variant)
        for digest, owners in weights.items():
            self._all_equal(owners)
            for parent in rounded.get(digest, set()) - owners:
                self.rounded[parent] |= owners

    def _add_keys(self, ids: Collection[UUID]) -> None:
        """Equal exact keys of all components, of one version: the same values, in whatever layout."""
        keys: dict[tuple[UUID, int], set[UUID]] = defaultdict(set)
        rows = ComponentKey.objects.filter(component__variant__in=ids, kind=KeyKind.E)
        for variant, version, key in rows.values_list("component__variant", "component__version", "key"):
            keys[variant, version].add(key)
        owners: dict[tuple[int, frozenset[UUID]], set[UUID]] = defaultdict(set)
        for (variant, version), found in keys.items():
            owners[version, frozenset(found)].add(variant)
        for equal in owners.values():
            self._all_equal(equal)

    def _all_equal(self, ids: Iterable[UUID]) -> None:
        first, *others = sorted(ids)
        for other in others:
            self._link(self.equal, first, other)

    @staticmethod
    def _link(links: dict[UUID, set[UUID]], left: UUID, right: UUID) -> None:
        links[left].add(right)
        links[right].add(left)


def lies(ours: Collection[UUID], theirs: Collection[UUID], bonds: Bonds) -> bool:
    """Would two that are not the same round to one third, if the two groups were one?

    Two of one group were accepted before, and are not asked again.
    """
    both = {*ours, *theirs}
    classes = _classes(both, bonds.equal)
    roundings = _between(classes, bonds.rounded, both)
    sides = [{classes[pk] for pk in group} for group in (ours, theirs)]
    parents: dict[UUID, set[UUID]] = defaultdict(set)
    for parent, children in roundings.items():
        for child in children:
            parents[child].add(parent)
    return any(
        _apart(one, other, roundings) and not any({one, other} <= side for side in sides)
        for found in parents.values()
        for one in found
        for other in found
        if one < other
    )


def _classes(ids: Collection[UUID], equal: Mapping[UUID, Collection[UUID]]) -> dict[UUID, UUID]:
    """Of each, the smallest of all that hold the same values."""
    found: dict[UUID, UUID] = {}
    for pk in sorted(ids):
        if pk not in found:
            found |= dict.fromkeys(_reached(pk, equal, set(ids)), pk)
    return found


def _between(
    classes: Mapping[UUID, UUID], rounded: Mapping[UUID, Collection[UUID]], ids: Collection[UUID]
) -> dict[UUID, set[UUID]]:
    """Which class is rounded to which others."""
    found: dict[UUID, set[UUID]] = defaultdict(set)
    for pk in ids:
        found[classes[pk]] |= {classes[child] for child in rounded.get(pk, ()) if child in classes}
    return {parent: children - {parent} for parent, children in found.items()}


def _apart(one: UUID, other: UUID, roundings: Mapping[UUID, Collection[UUID]]) -> bool:
    """Neither is a rounding of the other."""
    return other not in _reached(one, roundings) and one not in _reached(other, roundings)


def _reached(start: UUID, links: Mapping[UUID, Collection[UUID]], within: set[UUID] | None = None) -> set[UUID]:
    """All that one comes to by the links, itself too."""
    found, left = {start}, [start]
    while left:
        for follower in links.get(left.pop(), ()):
            if follower not in found and (within is None or follower in within):
                found.add(follower)
                left.append(follower)
    return found
