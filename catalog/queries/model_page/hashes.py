"""The hashes of a variant as people read them: computed ones, with what others list of the same algorithm beside."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.hashing.notation import crc32_other_order
from catalog.vocabulary import AUTOV2_DIGITS, Algorithm, ClaimSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from catalog.models import HashClaim, ModelHash

_ORDER = {word: place for place, word in enumerate(Algorithm.values())}


@dataclass(frozen=True, slots=True)
class Listing:
    """What somebody else states. `agrees` is None where nothing was computed to compare it with."""

    source: str
    digest: str
    agrees: bool | None


@dataclass(frozen=True, slots=True)
class HashLine:
    """One digest, computed here; or (digest empty) one that is only listed."""

    label: str
    digest: str
    listings: tuple[Listing, ...] = ()
    note: str = ""

    @property
    def sources(self) -> str:
        """Who lists it: `by Civitai, in a sidecar`."""
        return ", ".join(dict.fromkeys(listing.source for listing in self.listings))

    @property
    def agrees(self) -> bool | None:
        """False when one listing differs, True when some agree, None without any to compare."""
        said = {listing.agrees for listing in self.listings} - {None}
        return None if not said else False not in said


@dataclass(frozen=True, slots=True)
class FileLines:
    """One file of a variant with its digests."""

    name: str
    size: int
    role: str
    lines: tuple[HashLine, ...]


def lines_of(hashes: Iterable[ModelHash], claims: Iterable[HashClaim] = ()) -> tuple[HashLine, ...]:
    """Digests of one file or one set, in the order of the vocabulary, and the listed ones that have no computed one."""
    listed: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for claim in claims:
        listed[claim.algorithm].add((claim.source, bytes(claim.digest).hex()))
    lines: list[HashLine] = []
    for row in sorted(hashes, key=lambda row: (_ORDER.get(row.algorithm, len(_ORDER)), row.algorithm)):
        lines += _computed(row.algorithm, bytes(row.digest).hex(), sorted(listed.pop(row.algorithm, ())))
    for algorithm, stated in sorted(listed.items()):
        rows = tuple(Listing(ClaimSource.label_of(source), digest, None) for source, digest in sorted(stated))
        lines.append(HashLine(Algorithm.label_of(algorithm), "", rows))
    return tuple(lines)


def _computed(algorithm: str, digest: str, stated: Sequence[tuple[str, str]]) -> list[HashLine]:
    """A digest and, after it, what it is called elsewhere; a short listing stands beside the short form."""
    short = [pair for pair in stated if algorithm == Algorithm.SHA256 and len(pair[1]) <= AUTOV2_DIGITS]
    whole = [pair for pair in stated if pair not in short]
    lines = [HashLine(Algorithm.label_of(algorithm), digest, _listings(digest, whole))]
    if algorithm == Algorithm.SHA256:
        lines.append(HashLine("AutoV2", digest[:AUTOV2_DIGITS], _listings(digest, short), "start of SHA-256"))
    if algorithm == Algorithm.CRC32:
        lines.append(HashLine("CRC-32, Civitai", crc32_other_order(digest).upper(), (), "as Civitai prints it"))
    return lines


def _listings(digest: str, stated: Sequence[tuple[str, str]]) -> tuple[Listing, ...]:
    return tuple(Listing(ClaimSource.label_of(source), text, digest.startswith(text)) for source, text in stated)
