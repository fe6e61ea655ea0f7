"""Variants that digests prove to hold the same weights: equal tensors, other names, or an exact rounding.

A digest over a whole set of tensors finds them, the digests of the tensors prove it. A variant whose bytes are gone
keeps both, so it takes part.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from django.db import connection

from catalog.errors import MISTAKES
from catalog.hashing.tensors import OF_NOTHING
from catalog.matching.proving import prove
from catalog.models import ModelHash
from catalog.services.matching import storing, subjects
from catalog.services.matching.storing import Found
from catalog.services.matching.subjects import UNSOUND
from catalog.vocabulary import Algorithm

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from uuid import UUID

    from catalog.matching.base import Evidence, Subject
    from catalog.models import Match

log = logging.getLogger(__name__)

FINDERS = [
    Algorithm.TENSORS.value,
    Algorithm.WEIGHTS.value,
    Algorithm.WEIGHTS_F16.value,
    Algorithm.WEIGHTS_BF16.value,
]
"""Digests over all tensors of a variant: any of the one may be any of the other."""

_SHARED = """
SELECT digest FROM catalog_modelhash
WHERE digest = ANY(%(digests)s) AND algorithm = ANY(%(finders)s) AND file_id IS NULL
GROUP BY digest HAVING count(DISTINCT variant_id) > 1
"""

# One for each model and digest, the soundest and oldest: there may be many copies of a model with other headers.
# Tensors without values prove nothing.
_TWINS = """
SELECT DISTINCT ON (ours.variant_id, v.model_id, theirs.algorithm, theirs.digest) ours.variant_id, theirs.variant_id
FROM catalog_modelhash ours
JOIN catalog_modelhash theirs ON theirs.digest = ours.digest AND theirs.algorithm = ANY(%(finders)s)
  AND theirs.file_id IS NULL AND theirs.variant_id <> ours.variant_id
JOIN catalog_variant v ON v.id = theirs.variant_id AND v.merged_into_id IS NULL
JOIN catalog_variant o ON o.id = ours.variant_id AND o.merged_into_id IS NULL
WHERE ours.variant_id = ANY(%(variants)s) AND ours.digest = ANY(%(digests)s) AND ours.file_id IS NULL
  AND ours.algorithm = ANY(%(finders)s)
  AND (v.parameters > 0 OR NOT EXISTS (SELECT FROM catalog_tensorindex WHERE variant_id = v.id))
  AND (o.parameters > 0 OR NOT EXISTS (SELECT FROM catalog_tensorindex WHERE variant_id = o.id))
ORDER BY ours.variant_id, v.model_id, theirs.algorithm, theirs.digest, v.outcome = ANY(%(unsound)s), v.number
"""


def digests_of(variants: Collection[UUID]) -> set[bytes]:
    """By which others can be found."""
    rows = ModelHash.objects.filter(variant__in=variants, file=None, algorithm__in=FINDERS)
    return {bytes(digest) for digest in rows.values_list("digest", flat=True)} - OF_NOTHING


def find(variants: Collection[UUID], digests: Collection[bytes]) -> Mapping[UUID, list[UUID]]:
    """Of each variant, others that have one of its digests; of each model one for each digest at most."""
    asked = _rows(_SHARED, digests=list(digests), finders=FINDERS) if digests else []
    shared = [bytes(digest) for (digest,) in asked]
    if not shared:
        return {}
    found: dict[UUID, dict[UUID, None]] = defaultdict(dict)
    twins = _rows(_TWINS, variants=list(variants), digests=shared, finders=FINDERS, unsound=list(UNSOUND))
    for ours, theirs in twins:
        found[ours][theirs] = None
    return {ours: list(theirs) for ours, theirs in found.items()}


def _rows(statement: str, **given: Sequence[UUID] | Sequence[bytes] | Sequence[str]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, given)  # type: ignore[arg-type]  # django-stubs knows no lists, psycopg does
        return list(cursor.fetchall())


def keep_proven(found: Mapping[UUID, Iterable[UUID]]) -> list[Match]:
    """Keeps what digests prove of these pairs. The caller holds their models."""
    return storing.keep_all(_proven(found))


def _proven(found: Mapping[UUID, Iterable[UUID]]) -> Iterator[Found]:
    """One pair after the other: fingerprints are large, and a batch may have many."""
    shelf = subjects.Shelf()
    for ours, others in found.items():
        for theirs in others:
            left, right = shelf.get(ours), shelf.get(theirs)
            evidence = _evidence(left, right) if left is not None and right is not None else None
            if evidence is not None:
                yield Found(ours, theirs, evidence)


def _evidence(left: Subject, right: Subject) -> Evidence | None:
    """A pair that nobody foresaw must not keep a file from being catalogued."""
    try:
        return prove(left, right)
    except MISTAKES:
        log.exception("%s and %s could not be proven to be one", left.label, right.label)
        return None
