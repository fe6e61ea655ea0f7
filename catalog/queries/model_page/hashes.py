"""The hashes of a variant as people read them: computed ones, with what others list of the same algorithm beside."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.hashing.notation import crc32_other_order
from catalog.vocabulary import AUTOV2_DIGITS, MODELSPEC, Algorithm, ClaimSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from catalog.models import HashClaim, ModelHash, VariantFile

_ORDER = {word: place for place, word in enumerate(Algorithm.values())}


@dataclass(frozen=True, slots=True)
class Listing:
    """What somebody else states. `agrees` is None where nothing can be compared with it."""

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
    def agreeing(self) -> str:
        """Who lists the same."""
        return ", ".join(dict.fromkeys(one.source for one in self.listings if one.agrees))

    @property
    def differing(self) -> tuple[Listing, ...]:
        """Those who list another one."""
        return tuple(one for one in self.listings if one.agrees is False)

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
    computed = {row.algorithm: bytes(row.digest).hex() for row in hashes}
    listed = _listed(claims, computed.get(Algorithm.AUTOV3, ""))
    lines: list[HashLine] = []
    for algorithm in sorted(computed, key=_place):
        lines += _computed(algorithm, computed[algorithm], sorted(listed.pop(algorithm, ())))
    for algorithm, stated in sorted(listed.items(), key=lambda pair: _place(pair[0])):
        rows = tuple(Listing(ClaimSource.label_of(source), digest, None) for source, digest in sorted(stated))
        lines.append(HashLine(Algorithm.label_of(algorithm), "", rows))
    return tuple(lines)


def claims_of(file: VariantFile | None, claims: Iterable[HashClaim]) -> list[HashClaim]:
    """Of a set, what is listed for one of its files; without a file, what is listed for the whole."""
    if file is None:
        return [claim for claim in claims if claim.file is None]
    name = bytes(file.name)
    return [claim for claim in claims if claim.file is not None and bytes(claim.file.name) == name]


def _place(algorithm: str) -> tuple[int, str]:
    return _ORDER.get(algorithm, len(_ORDER)), algorithm


def _listed(claims: Iterable[HashClaim], autov3: str) -> dict[str, set[tuple[str, str]]]:
    """Source and digest by algorithm. ModelSpec's field stands with AutoV3, unless the header's other field shows that
    its author meant another digest by it.
    """
    listed: dict[str, set[tuple[str, str]]] = defaultdict(set)
    specified: set[tuple[str, str]] = set()
    for claim in claims:
        stated = claim.source, bytes(claim.digest).hex()
        (specified if claim.algorithm == MODELSPEC else listed[claim.algorithm]).add(stated)
    proven = any(
        autov3.startswith(digest) for source, digest in listed[Algorithm.AUTOV3] if source == ClaimSource.HEADER
    )
    listed[Algorithm.AUTOV3] |= {pair for pair in specified if not proven or autov3.startswith(pair[1])}
    return {algorithm: stated for algorithm, stated in listed.items() if stated}


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
    """Either may be cut short."""
    agrees = {text: digest.startswith(text) or text.startswith(digest) for _, text in stated}
    return tuple(Listing(ClaimSource.label_of(source), text, agrees[text]) for source, text in stated)
