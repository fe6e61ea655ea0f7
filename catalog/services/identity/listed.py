"""Listed hashes: what a header or a blob's name states of the file's bytes, and whether that proves true."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from catalog.formats.folders import HEADER
from catalog.hashing.notation import begin_alike
from catalog.services.findings import Raised
from catalog.services.identity.known import Listed
from catalog.vocabulary import MODELSPEC, Algorithm, ClaimSource, FindingCode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from uuid import UUID

    from catalog.formats.base import Json, Probe
    from catalog.models import HashClaim

_TRIED = f"{MODELSPEC} (of all tensors together, and of one after the other in the orders that are likely)"
_KOHYA = "sshs_model_hash"
LEGACY = "sshs_legacy_hash"
"""kohya's: AutoV1 of the file as it was before other metadata came in. Looked up, never compared."""
_LEAST_DIGITS = 12
_NOTHING = "e3b0c44298fc"  # SHA-256 of nothing, as repackaging tools write it
_EIGHT_DIGITS = re.compile(r"[0-9a-fA-F]{8}")
_HEX = re.compile(r"[0-9a-f]+")
_OLLAMA_BLOB = re.compile(rb"(?:.*/)?blobs/sha256-([0-9a-f]{64})")


def listed(probe: Probe, path: bytes) -> list[Listed]:
    """What a place lists of itself; one for each algorithm and source."""
    found = []
    for key, algorithm in ((_KOHYA, Algorithm.AUTOV3.value), (MODELSPEC, MODELSPEC)):
        digest = digest_of(stated(probe, key))
        if digest is not None:
            found.append(Listed(algorithm, digest, ClaimSource.HEADER))
    legacy = stated(probe, LEGACY)
    if isinstance(legacy, str) and _EIGHT_DIGITS.fullmatch(legacy) and not legacy.lower().startswith(_NOTHING[:8]):
        found.append(Listed(LEGACY, bytes.fromhex(legacy), ClaimSource.HEADER))
    blob = _OLLAMA_BLOB.fullmatch(path)
    if blob is not None:
        found.append(Listed(Algorithm.SHA256, bytes.fromhex(blob[1].decode()), ClaimSource.OLLAMA))
    return found


def stated(probe: Probe, key: str) -> Json:
    """A value of the header; of a set, of that of its first weight file."""
    inner = probe.metadata.get(HEADER)
    return (inner if isinstance(inner, dict) else probe.metadata).get(key)


def digest_of(text: Json) -> bytes | None:
    """Of a sound text of at least twelve digits, `0x` before it or not; an odd last digit is left out."""
    if not isinstance(text, str):
        return None
    digits = text.strip().lower().removeprefix("0x")
    if len(digits) < _LEAST_DIGITS or not _HEX.fullmatch(digits) or digits.startswith(_NOTHING):
        return None
    return bytes.fromhex(digits[: len(digits) // 2 * 2])[:64]


def contradictions(claims: Iterable[HashClaim], computed: Mapping[str, bytes], *, place: str = "") -> Iterator[Raised]:
    """A finding for each claim about one file that its computed digests disprove; `place` names a file of a set."""
    claims = list(claims)
    proven = any(_agrees(claim, computed) for claim in claims if claim.source == ClaimSource.HEADER)
    for claim in claims:
        if claim.algorithm == MODELSPEC and proven:
            continue  # then the other field proves the header's author right, and this is kohya's other definition
        digest = computed.get(_meant(claim)[0])
        if digest is not None and not _agrees(claim, computed):
            yield Raised(
                FindingCode.CLAIM_DIFFERS,
                {
                    "algorithm": _TRIED if claim.algorithm == MODELSPEC else Algorithm.label_of(claim.algorithm),
                    "listed": bytes(claim.digest).hex(),
                    "computed": digest.hex(),
                },
                location_id=claim.location_id,
                place=place,
            )


def _meant(claim: HashClaim) -> tuple[str, ...]:
    """The algorithms whose digest it may be, the likeliest first."""
    if claim.algorithm == MODELSPEC:
        return Algorithm.AUTOV3.value, MODELSPEC
    if claim.algorithm == Algorithm.AUTOV3 and claim.source == ClaimSource.A1111:
        return claim.algorithm, Algorithm.SHA256.value  # Forge keeps that of the whole file under the same heading
    return (claim.algorithm,)


def _agrees(claim: HashClaim, computed: Mapping[str, bytes]) -> bool:
    """Either may be cut short."""
    return any(begin_alike(computed.get(name, b""), bytes(claim.digest)) for name in _meant(claim))


def rows(location_id: int, variant_id: UUID, claims: Iterable[Listed]) -> list[tuple[object, ...]]:
    """Rows of `COLUMNS`."""
    return [
        (location_id, variant_id, claim.algorithm, claim.digest, claim.source.value, claim.file) for claim in claims
    ]


COLUMNS = ("location_id", "variant_id", "algorithm", "digest", "source", "file_id")
