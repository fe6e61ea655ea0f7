"""Files with the same bytes at several places. Hard links are one place: there is nothing to gain by them."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from django.db import connection

from catalog.models import DuplicateGroup, DuplicateMember
from catalog.vocabulary import Certainty, FileRole, GroupSort, Relation

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from uuid import UUID

_DIGESTS = """
SELECT digest FROM catalog_modelhash
WHERE variant_id = ANY(%(variants)s) AND file_id IS NOT NULL AND algorithm = 'blake3'
UNION
SELECT grouped.digest FROM catalog_duplicatemember member JOIN catalog_duplicategroup grouped
  ON grouped.id = member.group_id AND grouped.digest IS NOT NULL
WHERE member.variant_id = ANY(%(variants)s)
"""

_PLACES = """
SELECT hash.digest, hash.variant_id, file.id, file.size, file.role, lib.queue, file.dev, file.ino
FROM catalog_modelhash hash
JOIN catalog_locationfile file ON file.file_id = hash.file_id
JOIN catalog_location place ON place.id = file.location_id AND place.state = 'present' AND place.hashed_at IS NOT NULL
JOIN catalog_library lib ON lib.id = place.library_id
WHERE hash.digest = ANY(%(digests)s) AND hash.algorithm = 'blake3' AND hash.file_id IS NOT NULL
ORDER BY hash.digest, file.id
"""


class _Copy(NamedTuple):
    """One file at one place. Devices are told apart on one host only."""

    digest: bytes
    variant: UUID
    file: int
    size: int
    role: str
    queue: str
    dev: int
    ino: int

    @property
    def inode(self) -> tuple[str, int, int]:
        return self.queue, self.dev, self.ino


def refresh(variants: Collection[UUID]) -> set[UUID]:
    """Groups the files of these variants anew; brings back all variants that have one of their weight files."""
    digests = _digests(variants)
    if not digests:
        return set()
    found = _copies(digests)
    groups = {digest: copies for digest, copies in found.items() if len({one.inode for one in copies}) > 1}
    known = {bytes(row.digest or b""): row for row in DuplicateGroup.objects.filter(digest__in=digests)}
    DuplicateGroup.objects.filter(pk__in=[row.pk for digest, row in known.items() if digest not in groups]).delete()
    _write(groups, known)
    return {one.variant for copies in found.values() for one in copies if one.role == FileRole.WEIGHTS}


def _digests(variants: Collection[UUID]) -> list[bytes]:
    with connection.cursor() as cursor:
        cursor.execute(_DIGESTS, {"variants": list(variants)})
        return [bytes(digest) for (digest,) in cursor.fetchall()]


def _copies(digests: Sequence[bytes]) -> Mapping[bytes, list[_Copy]]:
    found: dict[bytes, list[_Copy]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(_PLACES, {"digests": list(digests)})
        for digest, *rest in cursor.fetchall():
            found[bytes(digest)].append(_Copy(bytes(digest), *rest))
    return found


def _write(groups: Mapping[bytes, Sequence[_Copy]], known: Mapping[bytes, DuplicateGroup]) -> None:
    """Rows that are there already as they should be are left alone."""
    rows = {digest: known.get(digest) or _new(digest) for digest in groups}
    changed = [row for digest, row in rows.items() if _count(row, groups[digest])]
    DuplicateGroup.objects.bulk_create(row for row in changed if row.pk is None)
    there = {row.pk for row in known.values()}
    DuplicateGroup.objects.bulk_update((row for row in changed if row.pk in there), ["bytes", "reclaimable"])
    wanted = [_member(rows[digest], one, copies[0]) for digest, copies in groups.items() for one in copies]
    _replace(wanted, {row.pk for row in rows.values()})


def _new(digest: bytes) -> DuplicateGroup:
    return DuplicateGroup(
        sort=GroupSort.IDENTICAL.value,
        digest=digest,
        relation=Relation.IDENTICAL.value,
        certainty=Certainty.PROVEN.value,
        bytes=0,
        reclaimable=0,
    )


def _count(row: DuplicateGroup, copies: Sequence[_Copy]) -> bool:
    """Sets the bytes; True if that is news."""
    size, inodes = copies[0].size, len({one.inode for one in copies})
    before = row.bytes, row.reclaimable
    row.bytes, row.reclaimable = size * inodes, size * (inodes - 1)
    return row.pk is None or before != (row.bytes, row.reclaimable)


def _member(group: DuplicateGroup, one: _Copy, kept: _Copy) -> DuplicateMember:
    return DuplicateMember(
        group=group,
        variant_id=one.variant,
        file_id=one.file,
        kept=one.file == kept.file,
        relation=Relation.IDENTICAL.value,
        certainty=Certainty.PROVEN.value,
        size=one.size,
    )


def _replace(wanted: Iterable[DuplicateMember], groups: Collection[int]) -> None:
    there = {_key(row): row.pk for row in DuplicateMember.objects.filter(group__in=groups)}
    fresh = {_key(row): row for row in wanted}
    DuplicateMember.objects.filter(pk__in=[pk for key, pk in there.items() if key not in fresh]).delete()
    DuplicateMember.objects.bulk_create(row for key, row in fresh.items() if key not in there)


def _key(row: DuplicateMember) -> tuple[object, ...]:
    return row.group_id, row.variant_id, row.file_id, row.kept, row.relation, row.certainty, row.size
