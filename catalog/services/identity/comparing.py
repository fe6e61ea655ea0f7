"""Listed hashes against computed ones: of a set, file by file; a contradiction is a finding until it goes away."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from catalog.models import HashClaim, Location, LocationFile, ModelHash
from catalog.services.identity import listed, noticing
from catalog.storage.values import shown
from catalog.vocabulary import ClaimSource, FileRole, FindingCode, LocationState

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from uuid import UUID

    from catalog.services.findings import Raised

_INVOKE_FOLDER = "invoke-dir:"


class Computed(NamedTuple):
    """The digests of a place by algorithm: of each file, by the number of its row, and of what a claim without a
    file can mean: the single file, the one file with weights, the set."""

    files: Mapping[int, Mapping[str, bytes]]
    meant: Mapping[str, bytes]
    names: Mapping[int, str]


def computed(
    files: Sequence[LocationFile], digests: Sequence[Mapping[str, bytes]], whole: Mapping[str, bytes], *, single: bool
) -> Computed:
    """`digests` are those of the files, in their order; `whole` are those of the set."""
    pairs = list(zip(files, digests, strict=True))
    weights = [found for row, found in pairs if single or row.role == FileRole.WEIGHTS]
    one = weights[0] if len(weights) == 1 else {}
    return Computed(
        {row.pk: found for row, found in pairs}, {**whole, **one}, {row.pk: shown(bytes(row.path)) for row in files}
    )


def replace(claims: Iterable[HashClaim], places: Mapping[int, Computed]) -> None:
    """What contradicts now is a finding, and nothing else is, of the locations that are in `places`."""
    by_file: dict[tuple[int, int | None], list[HashClaim]] = defaultdict(list)
    for claim in claims:
        if not _may_be_stale(claim):
            by_file[claim.location_id, claim.file_id].append(claim)
    raised: list[Raised] = []
    for (location, file), group in by_file.items():
        place = places[location]
        digests, name = (place.meant, "") if file is None else (place.files.get(file, {}), place.names.get(file, ""))
        raised += listed.contradictions(group, digests, place=name)
    noticing.replace(list(places), raised, [FindingCode.CLAIM_DIFFERS])


def _may_be_stale(claim: HashClaim) -> bool:
    """When InvokeAI converts a model to a folder, its record keeps the digest of the file that it came from."""
    return claim.source == ClaimSource.INVOKEAI and claim.algorithm.startswith(_INVOKE_FOLDER)


def compare(ids: Collection[int]) -> None:
    """The same from the rows alone, of those of the locations whose bytes were read to their end."""
    rows = Location.objects.filter(
        pk__in=ids, hashed_at__isnull=False, state=LocationState.PRESENT, variant__isnull=False
    )
    places = {row.pk: row for row in rows}
    if not places:
        return
    files: dict[int, list[LocationFile]] = defaultdict(list)
    for file in LocationFile.objects.filter(location__in=places).order_by("location", "position"):
        files[file.location_id].append(file)
    of_file, of_set = _digests({row.variant_id for row in rows if row.variant_id is not None})
    replace(
        HashClaim.objects.filter(location__in=places),
        {
            pk: computed(
                files[pk],
                [of_file.get(file.file_id, {}) if file.file_id else {} for file in files[pk]],
                of_set.get(row.variant_id, {}) if row.variant_id else {},
                single=not row.set_name,
            )
            for pk, row in places.items()
        },
    )


def _digests(variants: Collection[UUID]) -> tuple[dict[UUID, dict[str, bytes]], dict[UUID, dict[str, bytes]]]:
    """By file, and of whole sets by variant."""
    of_file: dict[UUID, dict[str, bytes]] = defaultdict(dict)
    of_set: dict[UUID, dict[str, bytes]] = defaultdict(dict)
    rows = ModelHash.objects.filter(variant__in=variants)
    for variant, file, algorithm, digest in rows.values_list("variant", "file", "algorithm", "digest"):
        (of_set[variant] if file is None else of_file[file])[algorithm] = bytes(digest)
    return of_file, of_set
