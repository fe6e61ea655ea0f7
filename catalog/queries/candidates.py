"""Whom a variant should be compared with: found by keys, without looking at all that there is.

Three things are asked, each by equality over an index. *Digests* of the whole and of its parts; *keys* over all values
of a component, which meet whatever layout or float type the values were stored in; *anchors*, the same keys of a few
small tensors that quantisers leave alone. A key that more than `POPULAR` components hold is taken through the oldest of
them, those that stand alone and those that do not apart: so one VAE in a hundred thousand checkpoints costs as much as
one in a hundred, and still meets the file that holds nothing else. Relatives that share their anchors by the thousand
are told apart by `catalog.queries.probes`.

Where the files are does not matter: what is remembered of a variant whose file is gone takes part.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from django.db import connection

from catalog.fingerprints.base import Key, KeyKind
from catalog.hashing.tensors import OF_NOTHING
from catalog.models import Component, ComponentKey
from catalog.vocabulary import Algorithm

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

POPULAR = 64
"""So many holders of a key are looked at one by one; of more, one stands for all."""
MOST = 32
"""So many candidates are worth a comparison in depth."""

ANCHORS = frozenset(
    {
        KeyKind.ANCHOR_CORE_F16,
        KeyKind.ANCHOR_CORE_BF16,
        KeyKind.ANCHOR_AUX_F16,
        KeyKind.ANCHOR_AUX_BF16,
        KeyKind.EXTREMES,
    }
)
"""Kinds that speak of single tensors."""
_TO_F16 = (
    KeyKind.FB,
    KeyKind.E4M3,
    KeyKind.E4M3_F16,
    KeyKind.E4M3_BF16,
    KeyKind.E5M2,
    KeyKind.E5M2_F16,
    KeyKind.E5M2_BF16,
)
"""What was rounded on the way is f16 in the end: these meet the f16 key of the side that was so rounded."""
MEETS: Mapping[KeyKind, tuple[KeyKind, ...]] = {
    **{kind: (kind,) for kind in (KeyKind.E, KeyKind.FZ, *ANCHORS)},
    **dict.fromkeys(_TO_F16, (KeyKind.F16,)),
    KeyKind.F16: (KeyKind.F16, *_TO_F16),
    KeyKind.BF16: (KeyKind.BF16, KeyKind.BF),
    KeyKind.BF: (KeyKind.BF16,),
}
"""Kind of a key -> kinds of stored keys that it may equal and mean something by it."""

_HOLDERS = """
SELECT found.component_id, asked.at, bool_or(NOT asked.anchor), count(DISTINCT asked.key) FILTER (WHERE asked.anchor)
FROM unnest(%(at)s::int[], %(keys)s::uuid[], %(kinds)s::smallint[], %(anchors)s::bool[]) asked(at, key, kind, anchor)
CROSS JOIN (VALUES (TRUE), (FALSE)) sort(alone)
CROSS JOIN LATERAL (
    SELECT component_id, count(*) OVER () AS holders, row_number() OVER (ORDER BY component_id) AS place
    FROM (
        SELECT component_id FROM catalog_componentkey held
        WHERE held.key = asked.key AND held.kind = asked.kind AND held.alone = sort.alone
          AND NOT held.component_id = ANY(%(own)s::bigint[])
        ORDER BY held.component_id LIMIT %(popular)s + 1
    ) oldest
) found
WHERE found.holders <= %(popular)s OR found.place = 1
GROUP BY found.component_id, asked.at
"""
"""Component and asked one: do they share a key over all values; how many anchors do they share?"""

_SAME_DIGEST = """
SELECT found.variant_id FROM unnest(%(digests)s::bytea[], %(algorithms)s::text[]) asked(digest, algorithm)
CROSS JOIN LATERAL (
    SELECT variant_id FROM catalog_modelhash
    WHERE digest = asked.digest AND algorithm = asked.algorithm AND file_id IS NULL AND NOT variant_id = %(variant)s
    LIMIT %(popular)s
) found
"""

_SAME_PART = """
SELECT asked.at, found.id FROM unnest(%(at)s::int[], %(digests)s::bytea[]) asked(at, digest)
CROSS JOIN LATERAL (
    SELECT id, count(*) OVER () AS holders, row_number() OVER (ORDER BY id) AS place FROM (
        SELECT id FROM catalog_component WHERE weights_digest = asked.digest AND NOT variant_id = %(variant)s
        LIMIT %(popular)s + 1
    ) holder
) found
WHERE found.holders <= %(popular)s OR found.place = 1
"""

_ROUNDED = (Algorithm.WEIGHTS_F16.value, Algorithm.WEIGHTS_BF16.value)
_SETS = (Algorithm.TENSORS.value, Algorithm.WEIGHTS.value, *_ROUNDED)


class Asked(NamedTuple):
    """A component that looks for its like: its number of core values, its keys, the digest of its weights.

    `component` is its row, 0 for one that has none.
    """

    values: int
    keys: tuple[Key, ...] = ()
    weights: bytes | None = None
    component: int = 0
    name: str = ""


class Met(NamedTuple):
    """A stored component that shares something with an asked one: all values, or some anchors."""

    component: int
    exact: bool
    anchors: int


class Rank(IntEnum):
    """Why a candidate is one, best first."""

    SAME_SET = 0
    SAME_VALUES = 1
    NEAREST = 2
    PART = 3
    RELATIVE = 4
    SMALL_PART = 5


_SHARE = {Rank.SAME_SET: 12, Rank.SAME_VALUES: 12, Rank.NEAREST: 12, Rank.PART: 8, Rank.RELATIVE: 8, Rank.SMALL_PART: 2}
"""So many places each rank may take before the others had theirs."""
_HALF = 0.5


@dataclass(slots=True)
class Candidate:
    """A variant to compare with. `share`: of the values of each side, those whose keys over all values meet.

    `anchors`: small tensors that are equal. `outside` is the share of a probe's values that rounding cannot explain,
    `distance` how far they lie; 1 and infinity where nobody looked.
    """

    variant: UUID
    rank: Rank = Rank.RELATIVE
    share: tuple[float, float] = (0.0, 0.0)
    anchors: int = 0
    outside: float = 1.0
    distance: float = float("inf")

    @property
    def order(self) -> tuple[float, ...]:
        """Smallest first."""
        low, high = sorted(self.share)
        return self.rank, -low, -high, self.outside, self.distance, -self.anchors


class Found(NamedTuple):
    """All that share something, by variant; and of each asked component, in their order, what it met."""

    candidates: dict[UUID, Candidate]
    met: tuple[tuple[Met, ...], ...]


def find(asked: Sequence[Asked], *, whole: Mapping[str, bytes], variant: UUID) -> Found:
    """All that share a digest, a key or an anchor with a variant of these components and these digests of the whole."""
    met = _met(asked, variant)
    ids = {one.component for some in met for one in some}
    rows = Component.objects.filter(pk__in=ids, variant__merged_into=None)
    homes = {pk: (owner, values) for pk, owner, values in rows.values_list("pk", "variant", "core_values")}
    found: dict[UUID, Candidate] = {owner: Candidate(owner) for owner, _ in homes.values()}
    for one in (one for some in met for one in some if one.component in homes):
        found[homes[one.component][0]].anchors += one.anchors
    _weigh(found, asked, met, homes)
    for owner in _same_set(whole, variant):
        found.setdefault(owner, Candidate(owner)).rank = Rank.SAME_SET
    return Found(found, met)


def best(candidates: Iterable[Candidate], *, most: int = MOST) -> list[Candidate]:
    """Those that are compared in depth, best first. No rank takes all places while others have somebody to offer."""
    ordered = sorted(candidates, key=lambda one: (one.order, one.variant))
    taken: dict[Rank, int] = defaultdict(int)
    first: list[Candidate] = []
    later: list[Candidate] = []
    for candidate in ordered:
        taken[candidate.rank] += 1
        (first if taken[candidate.rank] <= _SHARE[candidate.rank] else later).append(candidate)
    return sorted([*first, *later][:most], key=lambda one: (one.order, one.variant))


def asked_of(variant: UUID) -> list[Asked]:
    """The components of a variant that the catalogue knows, with their stored keys."""
    rows = Component.objects.filter(variant=variant).order_by("pk")
    keys: dict[int, list[Key]] = defaultdict(list)
    held = ComponentKey.objects.filter(component__variant=variant).values_list("component", "kind", "key")
    for component, kind, key in held:
        keys[component].append(Key(KeyKind(kind), key.bytes))
    return [
        Asked(values, tuple(keys[pk]), bytes(digest) if digest is not None else None, pk, name)
        for pk, values, digest, name in rows.values_list("pk", "core_values", "weights_digest", "name")
    ]


def _met(asked: Sequence[Asked], variant: UUID) -> tuple[tuple[Met, ...], ...]:
    """Of each asked component those that share a key with it, or the digest of their weights."""
    given = [
        (at, UUID(bytes=key.key), int(kind), key.kind in ANCHORS)
        for at, one in enumerate(asked)
        for key in one.keys
        for kind in MEETS.get(key.kind, ())
    ]
    at, keys, kinds, flags = ([row[column] for row in given] for column in range(4))
    limits = {"own": [one.component for one in asked if one.component], "popular": POPULAR}
    found: list[dict[int, Met]] = [{} for _ in asked]
    for component, number, exact, anchors in _rows(
        _HOLDERS, {"at": at, "keys": keys, "kinds": kinds, "anchors": flags} | limits
    ):
        found[number][component] = Met(component, exact, anchors)
    for number, component in _same_parts(asked, variant):
        known = found[number].get(component)
        found[number][component] = Met(component, True, known.anchors if known is not None else 0)  # noqa: FBT003
    return tuple(tuple(some.values()) for some in found)


def _same_parts(asked: Sequence[Asked], variant: UUID) -> list[tuple[int, int]]:
    parts = [(at, one.weights) for at, one in enumerate(asked) if one.weights not in {None, *OF_NOTHING}]
    given = {"at": [at for at, _ in parts], "digests": [digest for _, digest in parts]}
    return _rows(_SAME_PART, given | {"variant": variant, "popular": POPULAR})


def _rows(statement: str, given: Mapping[str, object]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, given)  # type: ignore[arg-type]  # lists become arrays
        return list(cursor.fetchall())


def _weigh(
    found: Mapping[UUID, Candidate],
    asked: Sequence[Asked],
    met: Sequence[Sequence[Met]],
    homes: Mapping[int, tuple[UUID, int]],
) -> None:
    """How much of each side the keys over all values speak of."""
    here: dict[UUID, set[int]] = defaultdict(set)
    there: dict[UUID, set[int]] = defaultdict(set)
    for at, some in enumerate(met):
        for one in some:
            if one.exact and one.component in homes:
                owner = homes[one.component][0]
                here[owner].add(at)
                there[owner].add(one.component)
    ours, theirs = sum(one.values for one in asked), _values(here)
    for owner, numbers in here.items():
        mine = sum(asked[at].values for at in numbers)
        other = sum(homes[component][1] for component in there[owner])
        found[owner].share = _part(mine, ours), _part(other, theirs.get(owner, 0))
        found[owner].rank = _rank(*found[owner].share)


def _part(some: int, of: int) -> float:
    """Nothing of nothing is all of it: components too small for a key, with equal digests."""
    return min(1.0, some / of) if of else 1.0


def _rank(here: float, there: float) -> Rank:
    if min(here, there) >= _HALF:
        return Rank.SAME_VALUES
    return Rank.PART if max(here, there) >= _HALF else Rank.SMALL_PART


def _values(variants: Collection[UUID]) -> dict[UUID, int]:
    found: dict[UUID, int] = defaultdict(int)
    rows = Component.objects.filter(variant__in=list(variants))
    for variant, values in rows.values_list("variant", "core_values"):
        found[variant] += values
    return found


def _same_set(whole: Mapping[str, bytes], variant: UUID) -> set[UUID]:
    """Those with the same tensors, and those one of which holds the other's weights rounded to fp16 or bf16."""
    given = [
        (digest, algorithm) for algorithm, digest in whole.items() if algorithm in _SETS and digest not in OF_NOTHING
    ]
    weights = Algorithm.WEIGHTS.value
    given += [(digest, weights) for digest, algorithm in given if algorithm in _ROUNDED]
    given += [(digest, other) for digest, algorithm in given if algorithm == weights for other in _ROUNDED]
    asked = {"digests": [digest for digest, _ in given], "algorithms": [algorithm for _, algorithm in given]}
    return {row[0] for row in _rows(_SAME_DIGEST, asked | {"variant": variant, "popular": POPULAR})}
