"""Listed hashes against computed ones, whichever came first: each contradiction is a finding while it stands."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from catalog.models import HashClaim, Location, LocationFile, ModelHash
from catalog.services.identity import listed, noticing
from catalog.vocabulary import FileRole, FindingCode, LocationState

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from uuid import UUID

    from catalog.services.findings import Raised


def check(*, location_ids: Collection[int]) -> None:
    """Compares all that is listed for these places with what was computed of them as they are now."""
    claims = list(HashClaim.objects.filter(location__in=list(location_ids)).order_by("location", "pk"))
    raised = _contradictions(claims) if claims else []
    noticing.replace(location_ids, raised, [FindingCode.CLAIM_DIFFERS])


def _contradictions(claims: Iterable[HashClaim]) -> list[Raised]:
    """Of a set, a claim without a file means its one file with weights."""
    by_place: dict[int, list[HashClaim]] = defaultdict(list)
    for claim in claims:
        by_place[claim.location_id].append(claim)
    read = Location.objects.filter(pk__in=list(by_place), state=LocationState.PRESENT, hashed_at__isnull=False)
    files = LocationFile.objects.filter(location__in=read).order_by("location", "position")
    rows: dict[int, list[LocationFile]] = defaultdict(list)
    for file in files:
        rows[file.location_id].append(file)
    computed = _computed({file.file_id for file in files if file.file_id is not None})
    found: list[Raised] = []
    for location, there in rows.items():
        meant: dict[UUID | None, list[HashClaim]] = defaultdict(list)
        for claim in by_place[location]:
            meant[_file_of(claim, there)].append(claim)
        for file_id, said in meant.items():
            if file_id is not None:
                found += listed.contradictions(said, computed.get(file_id, {}))
    return found


def _computed(files: Collection[UUID]) -> Mapping[UUID, dict[str, bytes]]:
    digests: dict[UUID, dict[str, bytes]] = defaultdict(dict)
    for row in ModelHash.objects.filter(file__in=list(files)):
        if row.file_id is not None:
            digests[row.file_id][row.algorithm] = bytes(row.digest)
    return digests


def _file_of(claim: HashClaim, files: Collection[LocationFile]) -> UUID | None:
    if claim.file_id is not None:
        return next((file.file_id for file in files if file.pk == claim.file_id), None)
    meant = [file for file in files if len(files) == 1 or file.role == FileRole.WEIGHTS]
    return meant[0].file_id if len(meant) == 1 else None
