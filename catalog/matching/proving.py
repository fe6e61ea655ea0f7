"""What digests alone prove of two variants: no value is looked at, so it is cheap enough for any transaction."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from catalog.matching import places
from catalog.matching.base import ComponentVerdict, Evidence
from catalog.matching.counted import weights
from catalog.matching.meetings import meet, row, turned
from catalog.matching.pairing_sides import plain_names
from catalog.matching.settings import stated
from catalog.vocabulary import Certainty, Direction, Doubt, Relation, SameModel

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from catalog.fingerprints.base import TensorPrint
    from catalog.matching.base import Subject
    from catalog.matching.meetings import Meeting, Meetings

_NAMED = frozenset({Relation.IDENTICAL, Relation.SAME_TENSORS})
"""Relations that hold names and shapes together: nothing can be in a wrong place."""


def prove(left: Subject, right: Subject) -> Evidence | None:
    """The relation that digests prove; None where they prove none.

    With REARRANGED they prove that equal tensors sit in other places. Where names are not comparable, the relation is
    told with `places` False, so that nothing joins by itself. LoRA alphas and settings count as in any comparison:
    see `settings.stated`.
    """
    relation = _of_the_whole(left, right)
    found = meet(weights(left), weights(right))
    if relation is None and (found is None or not found.complete):
        return None
    meetings = found.pairs() if found is not None else []
    if relation not in _NAMED and any(map(turned, meetings)):
        return None
    direction = _direction(meetings)
    if relation is None:
        relation = _of_tensors(meetings)
    if relation is Relation.SAME_WEIGHTS and _named_alike(left, right):
        relation = Relation.SAME_TENSORS
    placed = True if relation in _NAMED else _in_place(found, meetings)
    if placed is False:
        relation, direction = Relation.REARRANGED, Direction.NONE
    told = _evidence(relation, direction, meetings)
    return stated(replace(told, places=placed is True, doubt=Doubt.PLACES if placed is None else None), left, right)


def _of_the_whole(left: Subject, right: Subject) -> Relation | None:
    if left.content is not None and left.content == right.content:
        return Relation.IDENTICAL
    for algorithm, relation in (("tensors:v1", Relation.SAME_TENSORS), ("weights:v1", Relation.SAME_WEIGHTS)):
        digest = left.whole.get(algorithm)
        if digest is not None and digest == right.whole.get(algorithm):
            return relation
    return None


def _of_tensors(meetings: Iterable[Meeting]) -> Relation:
    equal = all(one.left.tensor.td == one.right.tensor.td for one in meetings if one.left and one.right)
    return Relation.SAME_WEIGHTS if equal else Relation.OTHER_PRECISION


_BUFFERS = frozenset({"I64", "BOOL"})
"""Types of what is no weight: exports drop and add position ids."""


def _named_alike(left: Subject, right: Subject) -> bool:
    """Whether both hold the same tensors under the same names, but for buffers that only one has."""
    one, other = (
        {tensor.name: (tensor.dtype, tensor.shape, tensor.td) for part in side.components for tensor in part.tensors}
        for side in (left, right)
    )
    if not one or any(one[name] != other[name] for name in one.keys() & other.keys()):
        return False
    return all(side[name][0] in _BUFFERS for side in (one, other) for name in one.keys() ^ other.keys() if name in side)


def _direction(meetings: Iterable[Meeting]) -> Direction:
    """What all roundings agree on."""
    told = {meeting.direction for meeting in meetings} - {Direction.NONE}
    return told.pop() if len(told) == 1 else Direction.NONE


def _in_place(found: Meetings | None, meetings: Sequence[Meeting]) -> bool | None:
    """Whether equal tensors sit at corresponding places, part by part; None where names do not show it."""
    if found is None:
        return None
    lefts, rights = found.names()
    if found.crossed(lefts.keys() & rights.keys()):
        return False
    pairs: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for one in meetings:
        if one.left and one.right:
            single = [(one.left.name, one.right.name)] if found.single(one.left.tensor) else []
            pairs[one.left.part, one.right.part] += single
    told = [_part_in_place(found, lefts[left], rights[right], named) for (left, right), named in sorted(pairs.items())]
    if False in told:
        return False
    return None if None in told or not told else True


def _part_in_place(
    found: Meetings, left: Mapping[str, TensorPrint], right: Mapping[str, TensorPrint], pairs: list[tuple[str, str]]
) -> bool | None:
    """Equal names settle it; else the rule that turns the names of the one into those of the other.

    A tensor that has no second one of its size cannot be in another's place.
    """
    for mine, others in ((left, right), (_plain(left), _plain(right))):
        common = mine.keys() & others.keys()
        if len(common) >= _NAMED_ALIKE * min(len(left), len(right)):
            return all(found.equal(mine[name], others[name]) for name in common)
    sizes = _numerous(left) | _numerous(right)
    asked = [(one, other) for one, other in pairs if left[one].values in sizes]
    if not asked:
        return True
    return places.check(asked, left, right, lambda one, other: found.equal(left[one], right[other]))


_NAMED_ALIKE = 0.9
"""With so many names in common both sides name alike, and a tensor's place is its name."""


def _plain(side: Mapping[str, TensorPrint]) -> dict[str, TensorPrint]:
    """By the names without what all of them begin with."""
    return dict(zip(plain_names(list(side), ""), side.values(), strict=True))


def _numerous(side: Mapping[str, TensorPrint]) -> set[int]:
    """Sizes that several tensors have."""
    counted = Counter(tensor.values for tensor in side.values())
    return {size for size, count in counted.items() if count > 1}


def _evidence(relation: Relation, direction: Direction, meetings: Sequence[Meeting]) -> Evidence:
    verdicts = _verdicts(relation, meetings)
    return Evidence(
        relation,
        Certainty.PROVEN,
        SameModel.NO if relation is Relation.REARRANGED else SameModel.YES,
        direction=direction,
        values_compared=sum(verdict.compared for verdict in verdicts),
        proven=1.0,
        by_key=1.0,
        components=verdicts,
    )


def _verdicts(relation: Relation, meetings: Sequence[Meeting]) -> tuple[ComponentVerdict, ...]:
    """One for each pair of parts that hold like tensors; a part of the one may meet several of the other."""
    grouped: dict[tuple[str, str], list[Meeting]] = defaultdict(list)
    home: dict[str, str] = {}
    for one in meetings:
        if one.left and one.right:
            grouped[one.left.part, one.right.part].append(one)
            home.setdefault(one.right.part, one.left.part)
    counterpart = dict(sorted(grouped))
    for one in meetings:
        if one.left and not one.right:
            grouped[one.left.part, counterpart.get(one.left.part, "")].append(one)
        elif one.right and not one.left:
            grouped[home.get(one.right.part, ""), one.right.part].append(one)
    return tuple(_verdict(relation, *key, grouped[key]) for key in sorted(grouped))


def _verdict(relation: Relation, left: str, right: str, meetings: Sequence[Meeting]) -> ComponentVerdict:
    rows = tuple(row(meeting) for meeting in meetings)
    values = (
        sum(one.left.tensor.values for one in meetings if one.left),
        sum(one.right.tensor.values for one in meetings if one.right),
    )
    return ComponentVerdict(
        left,
        right,
        relation,
        Certainty.PROVEN,
        values=values,
        share_left=1.0,
        share_right=1.0,
        proven=1.0,
        by_key=1.0,
        compared=sum(one.compared for one in rows),
        direction=_direction(meetings),
        rung="equal",
        rows=rows,
    )
