"""Two variants beside one another: which of their components are the same, and what that makes of the whole."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from catalog.fingerprints.base import Fingerprint, Rung
from catalog.matching import components
from catalog.matching.concluding import JOIN, SAME, concluded, role
from catalog.matching.counted import comparable, core_values, ema_copy, parts
from catalog.matching.proving import prove
from catalog.vocabulary import Relation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.matching.base import ComponentVerdict, Evidence, Pair, Subject

__all__ = ["compare", "concluded", "paired", "parts"]

_EACH_WITH_EACH = 16
"""Up to so many pairs of components, all are compared in depth; of more only the likeliest of each component."""
_LIKELIEST = 3

Compared = tuple["ComponentVerdict", tuple["Pair", ...]]


def compare(left: Subject, right: Subject) -> Evidence:
    """What the left variant is to the right one, by digests if they prove it, else by keys and samples."""
    return prove(left, right) or concluded(left, right, [verdict for verdict, _ in paired(left, right)])


def paired(left: Subject, right: Subject) -> tuple[Compared, ...]:
    """The components of both that belong together, each in one pair at most, found by content and not by name.

    A file that holds in one component what the other has in several is compared with all of them as one, whose name
    is theirs with " + " between. Empty where fingerprints are missing, or of different versions.
    """
    lefts, rights = parts(left), parts(right)
    if not comparable(lefts, rights):
        return ()
    found = _assigned(lefts, rights)
    if min(len(lefts), len(rights)) == 1 < max(len(lefts), len(rights)):
        found = _as_one(lefts, rights, found) or found
    copies = (ema_copy(left), ema_copy(right))
    return (*_of_copies(copies, (lefts[0], rights[0]), found), *found)


def _of_copies(
    copies: tuple[Fingerprint | None, Fingerprint | None],
    primaries: tuple[Fingerprint, Fingerprint],
    found: list[Compared],
) -> list[Compared]:
    """The EMA copy of the one, where it is what the other has instead of the weights beside it; else nothing.

    Pruned checkpoints are often made of the copy. The pair that it takes the place of leaves `found`.
    """
    for side, copied in enumerate(copies):
        primary = primaries[1 - side]
        kept = [one for one in found if (one[0].right, one[0].left)[side] != primary.name]
        settled = any(one[0].relation in SAME and (one[0].right, one[0].left)[side] == primary.name for one in found)
        if copied is None or settled:
            continue
        pair = components.compare(copied, primary) if side == 0 else components.compare(primary, copied)
        if pair[0].relation in SAME:
            found[:] = kept
            return [pair]
    return []


class _Candidate(NamedTuple):
    likeness: float
    left: Fingerprint
    right: Fingerprint


def _assigned(lefts: Sequence[Fingerprint], rights: Sequence[Fingerprint]) -> list[Compared]:
    """Same ones first, as they are found; then of the others the one that has most in common."""
    taken: tuple[set[str], set[str]] = set(), set()
    same: list[Compared] = []
    others: list[Compared] = []
    for candidate in _candidates(lefts, rights):
        if candidate.left.name in taken[0] or candidate.right.name in taken[1]:
            continue
        found = components.compare(candidate.left, candidate.right)
        if found[0].relation in SAME:
            same.append(found)
            taken[0].add(found[0].left)
            taken[1].add(found[0].right)
        else:
            others.append(found)
    primaries = (lefts[0].name, rights[0].name)
    for found in sorted(others, key=lambda one: _rank(one[0], primaries)):
        if found[0].left in taken[0] or found[0].right in taken[1] or not _worth_showing(found[0], primaries):
            continue
        same.append(found)
        taken[0].add(found[0].left)
        taken[1].add(found[0].right)
    return same


_ORDER = (
    Relation.CONTAINS,
    Relation.PART_OF,
    Relation.REARRANGED,
    Relation.CANNOT_TELL,
    Relation.DERIVED,
    Relation.SHARES_PARTS,
    Relation.UNRELATED,
)


def _rank(verdict: ComponentVerdict, primaries: tuple[str, str]) -> tuple[int, int, float]:
    """Smaller is better: the relation, then a pair of like role, then what is shared."""
    likely = (verdict.left, verdict.right) == primaries or role(verdict.left) == role(verdict.right)
    return _ORDER.index(verdict.relation), 0 if likely else 1, -max(verdict.share_left, verdict.share_right)


def _worth_showing(verdict: ComponentVerdict, primaries: tuple[str, str]) -> bool:
    """Strangers, and what nothing can be told of, are a pair only where both have the same place in their model."""
    if verdict.relation not in {Relation.UNRELATED, Relation.CANNOT_TELL}:
        return True
    return (verdict.left, verdict.right) == primaries or role(verdict.left) == role(verdict.right)


def _candidates(lefts: Sequence[Fingerprint], rights: Sequence[Fingerprint]) -> list[_Candidate]:
    """Likeliest first."""
    marks = {id(part): _marks(part) for part in (*lefts, *rights)}
    found = [_Candidate(_likeness(one, other, marks), one, other) for one in lefts for other in rights]
    found.sort(key=lambda candidate: -candidate.likeness)
    if len(found) <= _EACH_WITH_EACH:
        return found
    tried: Counter[int] = Counter()
    kept = []
    for candidate in found:
        if min(tried[id(candidate.left)], tried[id(candidate.right)]) < _LIKELIEST:
            tried.update((id(candidate.left), id(candidate.right)))
            kept.append(candidate)
    return kept


class _Marks(NamedTuple):
    """What is cheap to compare of a component: its tensors by digest, by key and by size, with their values."""

    exact: dict[bytes, int]
    sizes: Counter[int]
    values: int


def _marks(part: Fingerprint) -> _Marks:
    exact = {tensor.td: tensor.values for tensor in part.tensors if tensor.td}
    for tensor in part.tensors:
        if tensor.lanes is not None:
            exact[tensor.lanes[Rung.F16].tobytes()] = tensor.values
    return _Marks(exact, Counter(tensor.values for tensor in part.tensors), max(1, core_values(part)))


def _likeness(left: Fingerprint, right: Fingerprint, marks: dict[int, _Marks]) -> float:
    """From 0 to some 4: shared tensors count most, then sizes in common, the whole size, the role's name."""
    one, other = marks[id(left)], marks[id(right)]
    least = min(one.values, other.values)
    shared = sum(one.exact[key] for key in one.exact.keys() & other.exact.keys())
    alike = sum(size * count for size, count in (one.sizes & other.sizes).items())
    return (
        2 * min(1.0, shared / least)
        + min(1.0, alike / least)
        + least / max(one.values, other.values)
        + (0.25 if role(left.name) == role(right.name) else 0.0)
        + (0.05 if left.name == right.name else 0.0)  # of two equal text encoders each is beside its namesake
    )


def _as_one(lefts: Sequence[Fingerprint], rights: Sequence[Fingerprint], found: Sequence[Compared]) -> list[Compared]:
    """All components of the side that has several as one, where the single one of the other holds more than one."""
    if not any(verdict.relation in {Relation.CONTAINS, Relation.PART_OF} for verdict, _ in found):
        return []
    left, right = _united(lefts), _united(rights)
    if left is None or right is None:
        return []
    whole = components.compare(left, right)
    return [whole] if whole[0].relation in SAME else []


def _united(several: Sequence[Fingerprint]) -> Fingerprint | None:
    """None where two of them use one name: a tensor is found by its name later on."""
    tensors = sorted((tensor for part in several for tensor in part.tensors), key=lambda tensor: tensor.name)
    if len({tensor.name for tensor in tensors}) < len(tensors):
        return None
    return Fingerprint(JOIN.join(part.name for part in several), tuple(tensors), several[0].version)
