"""Who has this digest, or one that begins with it: an indexed range for computed ones, a query for listed ones."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from django.db.models import Q

from catalog.hashing.notation import LEAST_DIGITS, begin_alike, crc32_other_order
from catalog.models import HashClaim, ModelHash
from catalog.queries.lookup.hits import Found
from catalog.storage.values import shown
from catalog.vocabulary import MODELSPEC, Algorithm

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

LISTED_BYTES = (4, 5, 6, 16, 20, 32)
"""The lengths at which others cut the digests that they list (HashClaim rows may be shorter than the query)."""
_LONGEST_BYTES = 64
_FOLDERS = {Algorithm.BLAKE3: Algorithm.INVOKE_BLAKE3, Algorithm.SHA256: Algorithm.INVOKE_SHA256}
"""InvokeAI writes `blake3:...` for files and folders alike."""
_LIMIT = 200
_MEANT = {MODELSPEC: (Algorithm.AUTOV3.value, MODELSPEC)}
"""What a listed digest is compared with where its name alone does not say it."""


def find_digest(digits: str, algorithm: str | None = None) -> list[Found]:
    """Matches of a whole digest or of its first digits (lower-case hexadecimal, at least 8), computed ones first."""
    named = Q()
    if algorithm is not None:
        named = Q(algorithm__in=[algorithm, *(folder for plain, folder in _FOLDERS.items() if plain == algorithm)])
    return [*_computed(digits, named), *_listed(digits, named)]


def _range(digits: str) -> tuple[bytes, bytes]:
    """Between these lies every digest, of whatever length, that begins with `digits` (an odd count is fine)."""
    return bytes.fromhex(digits + "0" * (len(digits) % 2)), bytes.fromhex(digits.ljust(2 * _LONGEST_BYTES, "f"))


def _crc32(digits: str) -> Q:
    """Civitai prints CRC-32 with its bytes reversed."""
    if len(digits) != LEAST_DIGITS:
        return Q()
    return Q(algorithm=Algorithm.CRC32, digest=bytes.fromhex(crc32_other_order(digits)))


def _computed(digits: str, named: Q) -> list[Found]:
    wanted = Q(digest__range=_range(digits)) | _crc32(digits)
    rows = ModelHash.objects.filter(named & wanted).values_list("variant", "algorithm", "digest", "file__name")
    return [
        Found(
            variant=variant,
            model=None,
            how=name,
            matched=len(digits),
            of=2 * len(digest),
            digest=bytes(digest).hex(),
            file=shown(bytes(file)) if file is not None else "",
        )
        for variant, name, digest, file in rows.order_by("digest", "algorithm")[:_LIMIT]
    ]


def _listed(digits: str, named: Q) -> list[Found]:
    cuts = [bytes.fromhex(digits[: 2 * size]) for size in LISTED_BYTES if 2 * size <= len(digits)]
    wanted = reduce(or_, (Q(digest=cut) for cut in cuts), Q(digest__range=_range(digits)) | _crc32(digits))
    rows = HashClaim.objects.filter(named & wanted, variant__isnull=False).values_list(
        "variant", "algorithm", "digest", "file__name"
    )
    stated = list(rows.order_by("digest", "algorithm")[:_LIMIT])
    known = _known({variant for variant, *_ in stated if variant is not None})
    found = []
    for variant, name, digest, file in stated:
        computed = [other for meant in _MEANT.get(name, (name,)) for other in known.get((variant, meant), ())]
        if any(begin_alike(bytes(digest), other) for other in computed):
            continue  # the computed one answers, or disproves what goes beyond the part that is listed
        found.append(
            Found(
                variant=variant,
                model=None,
                how=name,
                matched=min(len(digits), 2 * len(digest)),
                of=2 * len(digest),
                digest=bytes(digest).hex(),
                listed=True,
                differs=bool(computed),
                file=shown(bytes(file)) if file is not None else "",
            )
        )
    return found


def _known(variants: set[UUID]) -> Mapping[tuple[UUID, str], list[bytes]]:
    """What was computed of these variants, and of any of their files, by algorithm."""
    known: dict[tuple[UUID, str], list[bytes]] = {}
    if variants:
        rows = ModelHash.objects.filter(variant__in=variants).values_list("variant", "algorithm", "digest")
        for variant, algorithm, digest in rows:
            known.setdefault((variant, algorithm), []).append(bytes(digest))
    return known
