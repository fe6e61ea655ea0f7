"""Which variants belong together: the strongest relations first, never across a rejection or a chain that lies."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from catalog.services.identity.chains import lies
from catalog.vocabulary import Certainty, Relation

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from uuid import UUID

    from catalog.services.identity.chains import Bonds

_RELATIONS = tuple(Relation)
_CERTAINTIES = tuple(Certainty)


class Tie(NamedTuple):
    """What one variant is to another, and how sure that is."""

    relation: Relation
    certainty: Certainty

    @property
    def weakness(self) -> tuple[int, int]:
        """Smaller is stronger."""
        return _RELATIONS.index(self.relation), _CERTAINTIES.index(self.certainty)

    def through(self, other: Tie) -> Tie:
        """What is left of two, one after the other: the weaker of each."""
        return Tie(
            max(self.relation, other.relation, key=_RELATIONS.index),
            max(self.certainty, other.certainty, key=_CERTAINTIES.index),
        )


class Edge(NamedTuple):
    """A relation that makes a group. `accepted`: the two are one model already."""

    left: UUID
    right: UUID
    tie: Tie
    accepted: bool


class Clusters:
    """Groups of variants, joined edge by edge."""

    def __init__(self, numbers: Mapping[UUID, int], apart: Collection[frozenset[UUID]], bonds: Bonds) -> None:
        """`numbers` of all variants; `apart` are pairs that were decided to be not the same."""
        self._numbers, self._apart, self._bonds = numbers, apart, bonds
        self._group = {pk: {pk} for pk in numbers}
        self._ties: dict[UUID, dict[UUID, Tie]] = defaultdict(dict)

    def add(self, edges: Iterable[Edge]) -> list[set[UUID]]:
        """The groups of more than one."""
        for edge in sorted(edges, key=self._turn):
            left, right = self._group[edge.left], self._group[edge.right]
            self._tie(edge)
            if left is not right and self._may_join(left, right, edge):
                left |= right
                for pk in right:
                    self._group[pk] = left
        groups = {id(group): group for group in self._group.values() if len(group) > 1}
        return list(groups.values())

    def to(self, kept: UUID, group: Collection[UUID]) -> dict[UUID, Tie]:
        """What each of a group is to the kept one: as it was found, else over the fewest others."""
        found = {kept: Tie(Relation.IDENTICAL, Certainty.PROVEN)}
        left = [kept]
        for pk in left:
            for other, tie in sorted(self._ties[pk].items(), key=lambda item: (item[1].weakness, item[0])):
                if other in group and other not in found:
                    found[other] = found[pk].through(tie)
                    left.append(other)
        return found

    def _turn(self, edge: Edge) -> tuple[bool, tuple[int, int], list[int]]:
        return not edge.accepted, edge.tie.weakness, sorted(self._numbers[pk] for pk in (edge.left, edge.right))

    def _tie(self, edge: Edge) -> None:
        self._ties[edge.left][edge.right] = self._ties[edge.right][edge.left] = edge.tie

    def _may_join(self, left: set[UUID], right: set[UUID], edge: Edge) -> bool:
        if self._apart and any(frozenset({one, other}) in self._apart for one in left for other in right):
            return False
        return edge.accepted or not lies(left, right, self._bonds)
