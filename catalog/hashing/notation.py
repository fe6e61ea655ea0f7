"""How digests are written: for people, for Civitai, for InvokeAI; and reading whatever is met in the wild."""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

from catalog.vocabulary import AUTOV2_DIGITS, Algorithm

LEAST_DIGITS = 8
"""Shorter prefixes fit too many files."""

LONGEST = 1024
"""Longer texts are no digest, and take long to match."""

MOST_DIGITS = 128
"""Those of SHA-512."""

# the type of hash and its digits: civitai, enum ModelHashType and its trigger truncate_autov3_hash
_CIVITAI: dict[str, tuple[str, int]] = {
    Algorithm.SHA256: ("SHA256", 64),
    Algorithm.BLAKE3: ("BLAKE3", 64),
    Algorithm.AUTOV1: ("AutoV1", 8),
    Algorithm.AUTOV3: ("AutoV3", 12),
    Algorithm.CRC32: ("CRC32", 8),
}
_OF_NOTHING = (
    hashlib.sha256().hexdigest(),
    "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",  # BLAKE3; InvokeAI's of a folder of .gguf too
    hashlib.sha1(usedforsecurity=False).hexdigest(),
    hashlib.md5(usedforsecurity=False).hexdigest(),
    hashlib.sha512().hexdigest(),
)
_OTHER_NAMES: dict[str, str] = {
    "sha-256": Algorithm.SHA256.value,
    "sha2-256": Algorithm.SHA256.value,  # openssl dgst, from 3.0 on
    "sha2-512": "sha512",
    "autov2": Algorithm.SHA256.value,
    "blake3_single": Algorithm.BLAKE3.value,  # InvokeAI's settings
    "blake3_multi": Algorithm.BLAKE3.value,
    "crc-32": Algorithm.CRC32.value,
}
_NAMES = {**{name: name for name in [*hashlib.algorithms_guaranteed, *Algorithm.values()]}, **_OTHER_NAMES}

_BARE = re.compile(r"(?:0x)?([0-9a-f]+)")
_NAMED = re.compile(r"(.*?)[\s:=-]+(?:0x)?([0-9a-f]+)")
_BSD = re.compile(r"([a-z0-9_-]+) ?\(.*\) ?= ?([0-9a-f]+)", re.DOTALL)  # openssl dgst, b3sum --tag
_GNU = re.compile(r"\\?([0-9a-f]{32,128}) [ *].+", re.DOTALL)  # sha256sum, b3sum


class Notation(NamedTuple):
    """A digest as somebody wrote it: lower-case digits, at least 8, and the algorithm where they named one."""

    algorithm: str | None
    digits: str


def parse(text: str) -> Notation | None:
    """What digest a text is meant to be, or None.

    >>> parse("sha256-6CE0161689")
    Notation(algorithm='sha256', digits='6ce0161689')
    >>> parse("0xE2C0A71510B5")
    Notation(algorithm=None, digits='e2c0a71510b5')
    """
    if len(text) > LONGEST:
        return None
    cleaned = text.strip().strip("\"'`[]<>").strip().lower()
    for pattern in (_BARE, _GNU):
        bare = pattern.fullmatch(cleaned)
        if bare:
            return _notation(None, bare.group(1))
    for pattern in (_BSD, _NAMED):
        named = pattern.fullmatch(cleaned)
        if named and named.group(1) in _NAMES:
            return _notation(_NAMES[named.group(1)], named.group(2))
    return None


def _notation(algorithm: str | None, digits: str) -> Notation | None:
    return Notation(algorithm, digits) if LEAST_DIGITS <= len(digits) <= MOST_DIGITS else None


def printed(digest: bytes) -> str:
    """For people: lower-case hex; crc32 in the order of zlib's value."""
    return digest.hex()


def civitai(algorithm: str, digest: bytes) -> dict[str, str]:
    """The entries of Civitai's `hashes` that a digest stands for: none, one, or two (SHA-256 gives AutoV2 too)."""
    if algorithm not in _CIVITAI:
        return {}
    if algorithm == Algorithm.CRC32:
        digest = digest[::-1]
    name, length = _CIVITAI[algorithm]
    digits = digest.hex().upper()
    entries = {name: digits[:length]}
    if algorithm == Algorithm.SHA256:
        entries["AutoV2"] = digits[:AUTOV2_DIGITS]
    return entries


def invokeai(algorithm: str, digest: bytes) -> str:
    """As InvokeAI stores it: `blake3:ce3f...`, the same for a folder by that algorithm."""
    return f"{algorithm.removeprefix('invoke-dir:')}:{digest.hex()}"


def crc32_other_order(digits: str) -> str:
    """The same CRC-32 with its four bytes the other way round: Civitai's notation from zlib's, and back."""
    return bytes.fromhex(digits)[::-1].hex()


def begin_alike(one: bytes, other: bytes) -> bool:
    """Whether two digests agree as far as both go: either may be cut short, and one of no bytes agrees with none."""
    length = min(len(one), len(other))
    return length > 0 and one[:length] == other[:length]


def of_nothing(digits: str) -> bool:
    """Whether lower-case digits are those of a digest of no bytes, which names no file."""
    return len(digits) >= LEAST_DIGITS and any(whole.startswith(digits) for whole in _OF_NOTHING)
