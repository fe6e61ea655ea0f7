"""Variants on disk that are one model: in other containers, under other names, in other precisions."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import F, Q

from catalog.models import DuplicateGroup, DuplicateMember, Location, Match, Variant
from catalog.services.grouping.clusters import Clusters, Edge, Tie
from catalog.services.identity import rejections
from catalog.services.identity.chains import EQUAL, LIKE, Bonds
from catalog.services.matching.subjects import UNSOUND
from catalog.vocabulary import Certainty, GroupSort, LocationState, Obstacle, Relation

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from uuid import UUID

    from django.db.models import QuerySet

_SURE = (Certainty.PROVEN.value, Certainty.ALL_VALUES.value)
_OTHER_MODELS = frozenset({Obstacle.KINDS.value, Obstacle.SETTINGS.value})
"""What makes equal weights another model."""

_COLUMNS = ("number", "bits", "outcome", "size", "content", "settings")

_FILES = """
SELECT DISTINCT hash.digest, hash.variant_id, file.size
FROM catalog_modelhash own
JOIN catalog_modelhash hash ON hash.digest = own.digest AND hash.algorithm = 'blake3' AND hash.file_id IS NOT NULL
JOIN catalog_variantfile file ON file.id = hash.file_id
WHERE own.variant_id = ANY(%(variants)s) AND own.file_id IS NOT NULL AND own.algorithm = 'blake3'
  AND EXISTS (SELECT FROM catalog_location place WHERE place.variant_id = hash.variant_id AND place.state = 'present')
"""


@dataclass(frozen=True, slots=True)
class _Group:
    """The kept variant, and what each one on disk is to it, that one too."""

    kept: UUID
    ties: Mapping[UUID, Tie]


def refresh(seeds: Collection[UUID]) -> None:
    """Groups these variants anew, with all that is like them or was in a group with one."""
    reached = _reached(seeds)
    rows = Variant.objects.filter(pk__in=reached, merged_into=None).only(*_COLUMNS)
    variants = {row.pk: row for row in rows}
    _write(list(_groups(variants)), variants, reached)


def _reached(seeds: Collection[UUID]) -> set[UUID]:
    """By relations that make groups, and by the groups as they stand."""
    found, fresh = set(seeds), set(seeds)
    while fresh:
        ends = _making_groups(Q(left__in=fresh) | Q(right__in=fresh)).values_list("left", "right")
        grouped = DuplicateMember.objects.filter(file=None, variant__in=fresh).values("group")
        beside = DuplicateMember.objects.filter(file=None, group__in=grouped).values_list("variant", flat=True)
        fresh = ({pk for pair in ends for pk in pair} | set(beside)) - found
        found |= fresh
    return found


def _making_groups(about: Q) -> QuerySet[Match]:
    """Relations that are proven or compared in full, and lesser ones of two that were accepted to be one model."""
    sure = Q(relation__in=EQUAL | {Relation.OTHER_PRECISION.value}, certainty__in=_SURE)
    accepted = Q(relation__in=LIKE, left__model=F("right__model")) & ~Q(certainty=Certainty.SUSPECTED)
    return Match.objects.filter(about, sure | accepted)


def _groups(variants: Mapping[UUID, Variant]) -> Iterator[_Group]:
    edges = list(_edges(variants))
    ids = {pk for edge in edges for pk in (edge.left, edge.right)}
    if not ids:
        return
    there = _on_disk(ids)
    numbers = {pk: variants[pk].number for pk in ids}
    clusters = Clusters(numbers, rejections.pairs_among([variants[pk] for pk in ids]), Bonds.among(ids))
    for cluster in sorted(clusters.add(edges), key=lambda group: min(numbers[pk] for pk in group)):
        members = cluster & there
        if len(members) > 1:
            kept = min(members, key=lambda pk: _rank(variants[pk]))
            ties = clusters.to(kept, cluster)
            yield _Group(kept, {pk: ties[pk] for pk in sorted(members, key=numbers.__getitem__)})


def _edges(variants: Mapping[UUID, Variant]) -> Iterator[Edge]:
    rows = _making_groups(Q(left__in=variants, right__in=variants)).select_related("left", "right")
    for row in rows.only("relation", "certainty", "evidence", "left__model", "right__model"):
        accepted = row.left.model_id == row.right.model_id
        if accepted or not _means_another(row):
            yield Edge(row.left_id, row.right_id, Tie(Relation(row.relation), Certainty(row.certainty)), accepted)


def _means_another(row: Match) -> bool:
    """Equal weights in another model, or in doubt whether at the same places."""
    told = row.evidence
    placed = row.relation == Relation.SAME_TENSORS or told.get("places", False)
    return told.get("obstacle") in _OTHER_MODELS or bool(told.get("settings")) or not placed


def _on_disk(ids: Collection[UUID]) -> set[UUID]:
    places = Location.objects.filter(variant__in=ids, state=LocationState.PRESENT)
    return {pk for pk in places.values_list("variant", flat=True) if pk is not None}


def _rank(variant: Variant) -> tuple[bool, int, int]:
    """The one to keep comes first: sound, of the most bits, since the others can be made of it, and the oldest."""
    return variant.outcome in UNSOUND, -variant.bits, variant.number


def _write(groups: Sequence[_Group], variants: Mapping[UUID, Variant], reached: Collection[UUID]) -> None:
    """Each group keeps the row of the one that most of it was in; rows that nobody keeps go."""
    there = DuplicateMember.objects.filter(file=None, variant__in=reached)
    homes = dict(there.values_list("variant", "group"))
    known = DuplicateGroup.objects.in_bulk(set(homes.values()))
    DuplicateMember.objects.filter(group__in=known).delete()
    files = _files({pk for group in groups for pk in group.ties})
    members = []
    for group in groups:
        row = _heir([homes[pk] for pk in group.ties if pk in homes], known)
        _fill(row, group, files)
        row.save()
        members += [_member(row, group, variants[pk], tie) for pk, tie in group.ties.items()]
    DuplicateGroup.objects.filter(pk__in=known).delete()
    DuplicateMember.objects.bulk_create(members)


def _heir(homes: Iterable[int], known: dict[int, DuplicateGroup]) -> DuplicateGroup:
    for pk, _ in Counter(homes).most_common():
        if pk in known:
            return known.pop(pk)
    return DuplicateGroup(sort=GroupSort.MODEL.value)


def _fill(row: DuplicateGroup, group: _Group, files: Mapping[bytes, tuple[int, set[UUID]]]) -> None:
    """The weakest of the ties, and the bytes, each file once; what others need as well is not to be gained."""
    weakest = max((tie for pk, tie in group.ties.items() if pk != group.kept), key=lambda tie: tie.weakness)
    row.relation, row.certainty = weakest.relation.value, weakest.certainty.value
    others = group.ties.keys() - {group.kept}
    ours = [(size, owners) for size, owners in files.values() if owners & group.ties.keys()]
    row.bytes = sum(size for size, _ in ours)
    row.reclaimable = sum(size for size, owners in ours if owners <= others)


def _files(variants: Collection[UUID]) -> Mapping[bytes, tuple[int, set[UUID]]]:
    """By digest the size of a file, and all variants on disk that have it."""
    owners: dict[bytes, set[UUID]] = defaultdict(set)
    sizes: dict[bytes, int] = {}
    if variants:
        with connection.cursor() as cursor:
            cursor.execute(_FILES, {"variants": list(variants)})
            for digest, variant, size in cursor.fetchall():
                owners[bytes(digest)].add(variant)
                sizes[bytes(digest)] = size
    return {digest: (size, owners[digest]) for digest, size in sizes.items()}


def _member(row: DuplicateGroup, group: _Group, variant: Variant, tie: Tie) -> DuplicateMember:
    return DuplicateMember(
        group=row,
        variant=variant,
        kept=variant.pk == group.kept,
        relation=tie.relation.value,
        certainty=tie.certainty.value,
        size=variant.size,
    )
