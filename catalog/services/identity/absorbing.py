"""Two variants that proved to hold the same bytes become one: the younger id answers for the older from then on.

There is no condition and no undo. Everything that hangs on the loser moves to the survivor, or is united with what the
survivor has; ids of the loser and of its files stay as aliases.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.db.models.functions import Now

from catalog.models import (
    Component,
    ExternalId,
    FormerName,
    HashClaim,
    Location,
    LocationFile,
    ModelHash,
    TensorIndex,
    Variant,
    VariantFile,
)
from catalog.services import totals
from catalog.services.identity import absorbed_models, absorbed_relations

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias
    from uuid import UUID

    Pair: TypeAlias = tuple[Variant, Variant]
    Arrays: TypeAlias = dict[str, list[UUID]]

_SAME_FILES = """
SELECT mine.id, theirs.id FROM unnest(%(losers)s::uuid[], %(survivors)s::uuid[]) pair(loser, survivor)
JOIN catalog_variantfile mine ON mine.variant_id = pair.loser AND mine.merged_into_id IS NULL
JOIN catalog_variantfile theirs ON theirs.variant_id = pair.survivor AND theirs.merged_into_id IS NULL
WHERE theirs.name = mine.name OR NOT EXISTS (
    SELECT FROM catalog_variantfile further
    WHERE further.variant_id IN (pair.loser, pair.survivor) AND further.position > 0)
"""
"""A file by itself is the other whatever it is called; in a set, files are told apart by name."""

_HASHES = """
INSERT INTO catalog_modelhash (variant_id, file_id, algorithm, digest, computed_at)
SELECT DISTINCT ON (pair.survivor, files.new, old.algorithm)
       pair.survivor, files.new, old.algorithm, old.digest, old.computed_at
FROM unnest(%(losers)s::uuid[], %(survivors)s::uuid[]) pair(loser, survivor)
JOIN catalog_modelhash old ON old.variant_id = pair.loser
LEFT JOIN unnest(%(old)s::uuid[], %(new)s::uuid[]) files(old, new) ON files.old = old.file_id
WHERE old.file_id IS NULL OR files.new IS NOT NULL
ORDER BY pair.survivor, files.new, old.algorithm, old.computed_at
ON CONFLICT DO NOTHING
"""

_NAMES = """
INSERT INTO catalog_formername (variant_id, library_id, path, path_key, path_text, stem, first_seen, last_seen)
SELECT pair.survivor, library_id, (array_agg(path))[1], path_key, min(path_text), min(stem),
       min(first_seen), max(last_seen)
FROM unnest(%(losers)s::uuid[], %(survivors)s::uuid[]) pair(loser, survivor)
JOIN catalog_formername old ON old.variant_id = pair.loser
GROUP BY pair.survivor, library_id, path_key
ORDER BY pair.survivor, library_id, path_key
ON CONFLICT (variant_id, library_id, path_key) DO UPDATE
SET first_seen = least(catalog_formername.first_seen, excluded.first_seen),
    last_seen = greatest(catalog_formername.last_seen, excluded.last_seen)
"""

_EXTERNAL = """
INSERT INTO catalog_externalid (scheme, value, variant_id)
SELECT DISTINCT old.scheme, old.value, pair.survivor
FROM unnest(%(losers)s::uuid[], %(survivors)s::uuid[]) pair(loser, survivor)
JOIN catalog_externalid old ON old.variant_id = pair.loser
ORDER BY old.scheme, old.value, pair.survivor
ON CONFLICT DO NOTHING
"""

_MOVE = """
UPDATE {table} moved SET {column} = pair.new
FROM unnest(%(old)s::uuid[], %(new)s::uuid[]) pair(old, new) WHERE moved.{column} = pair.old
"""

_RETIRE = """
UPDATE catalog_variant retired SET merged_into_id = live.id, model_id = live.model_id, content = NULL
FROM unnest(%(losers)s::uuid[], %(survivors)s::uuid[]) pair(loser, survivor)
JOIN catalog_variant live ON live.id = pair.survivor
WHERE retired.id = pair.loser
"""

_RETIRE_FILES = """
UPDATE catalog_variantfile retired SET merged_into_id = pair.new
FROM unnest(%(old)s::uuid[], %(new)s::uuid[]) pair(old, new) WHERE retired.id = pair.old
"""


def absorb(*, survivor: Variant, loser: Variant) -> None:
    """Makes the loser an alias of the survivor, in the caller's transaction.

    Both rows are live and locked by the caller, in the order of their numbers; the survivor has the smaller one.
    """
    totals.stale(absorb_all(pairs=[(survivor, loser)]))


def absorb_all(*, pairs: Sequence[Pair]) -> set[int]:
    """Many (survivor, loser) at once. One survivor may take several; no survivor is the loser of another pair.

    Returns the libraries whose totals the caller has to call stale.
    """
    if not pairs:
        return set()
    with transaction.atomic():
        return _absorb(pairs)


def _absorb(pairs: Sequence[Pair]) -> set[int]:
    survivors, losers = [pair[0].pk for pair in pairs], [pair[1].pk for pair in pairs]
    both: Arrays = {"survivors": survivors, "losers": losers}
    files = _same_files(both)
    moved_files: Arrays = {"old": list(files), "new": list(files.values())}
    libraries = set(Location.objects.filter(variant__in=losers).values_list("library", flat=True))
    left = [(survivor, loser.model_id) for survivor, loser in pairs]
    absorbed_relations.move(pairs=pairs)
    _move_hashes(both, moved_files)
    _move_readings(pairs)
    _unite(_NAMES, FormerName, both)
    _unite(_EXTERNAL, ExternalId, both)
    moved_variants: Arrays = {"old": losers, "new": survivors}
    _move(HashClaim, "variant_id", moved_variants)
    _move(Location, "variant_id", moved_variants)
    _move(LocationFile, "file_id", moved_files)
    _retire(pairs, both, moved_variants, moved_files)
    absorbed_models.follow(left=left)
    return libraries


def _same_files(both: Arrays) -> dict[UUID, UUID]:
    """File of a loser -> the same file of its survivor."""
    with connection.cursor() as cursor:
        cursor.execute(_SAME_FILES, both)
        return dict(cursor.fetchall())


def _move_hashes(both: Arrays, files: Arrays) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_HASHES, both | files)
    ModelHash.objects.filter(variant__in=both["losers"]).delete()


def _move_readings(pairs: Sequence[Pair]) -> None:
    """Tensors and parts with their digests go along when only the loser was read to its end."""
    read = [(survivor.pk, loser.pk) for survivor, loser in pairs if loser.content and not survivor.content]
    better: Arrays = {"new": [pair[0] for pair in read], "old": [pair[1] for pair in read]}
    for table in (TensorIndex, Component):
        if read:
            table._default_manager.filter(variant__in=better["new"]).delete()
            _move(table, "variant_id", better)
        table._default_manager.filter(variant__in=[loser.pk for _, loser in pairs]).delete()


def _unite(statement: str, table: type[FormerName | ExternalId], both: Arrays) -> None:
    """What both have stays once."""
    with connection.cursor() as cursor:
        cursor.execute(statement, both)
    table._default_manager.filter(variant__in=both["losers"]).delete()


def _move(
    table: type[HashClaim | Location | LocationFile | TensorIndex | Component | Variant | VariantFile],
    column: str,
    moved: Arrays,
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_MOVE.format(table=table._meta.db_table, column=column), moved)


def _retire(
    pairs: Sequence[Pair],
    both: Arrays,
    variants: Arrays,
    files: Arrays,
) -> None:
    """The losers and their files become aliases, and so do their aliases; a content goes to the survivor."""
    _move(Variant, "merged_into_id", variants)
    _move(VariantFile, "merged_into_id", files)
    with connection.cursor() as cursor:
        cursor.execute(_RETIRE, both)
        cursor.execute(_RETIRE_FILES, files)
    for survivor, loser in pairs:
        if loser.content and not survivor.content:
            survivor.content, survivor.hashed_at = loser.content, loser.hashed_at
            Variant.objects.filter(pk=survivor.pk).update(content=loser.content, hashed_at=loser.hashed_at or Now())
        loser.content, loser.merged_into, loser.model_id = None, survivor, survivor.model_id
