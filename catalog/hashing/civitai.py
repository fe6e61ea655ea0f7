"""The digests that Civitai and A1111 name models by.

AutoV1: A1111 and Forge `modules/sd_models.py: model_hash`. AutoV3: Forge `modules/hashes.py: addnet_hash_safetensors`,
the same as kohya's `sshs_model_hash` and ModelSpec's `hash_sha256`; Civitai keeps its first twelve digits.
CRC-32: Civitai's model-scanner `Tasks/HashTask.cs`. AutoV2 is the first ten digits of SHA-256 and has no code.
"""

from __future__ import annotations

import hashlib

from zlib_ng import zlib_ng

from catalog.hashing.base import Definition, Hasher, Target
from catalog.vocabulary import Algorithm

AUTOV1_START = 0x100000  # A1111 modules/sd_models.py: model_hash seeks there
AUTOV1_LENGTH = 0x10000  # and reads so much
AUTOV1_BYTES = 4  # eight digits are all that anybody keeps
SCANNER_HEADER_LIMIT = 16 << 20  # model-scanner Tasks/HashTask.cs: a longer header is taken for no header


class _AutoV1:
    """SHA-256 cut to its first 4 bytes."""

    __slots__ = ("_hasher",)

    def __init__(self) -> None:
        self._hasher = hashlib.sha256()

    def update(self, piece: memoryview, /) -> None:
        self._hasher.update(piece)

    def digest(self) -> bytes:
        return self._hasher.digest()[:AUTOV1_BYTES]


class _Crc32:
    """CRC-32 of zlib, kept as 4 big-endian bytes."""

    __slots__ = ("_value",)

    def __init__(self) -> None:
        self._value = 0

    def update(self, piece: memoryview, /) -> None:
        self._value = zlib_ng.crc32(piece, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


def _begin_autov1(target: Target) -> tuple[Hasher, int, int] | None:
    """64 KiB at 1 MiB, or what is left there; shorter files have none (A1111 says `e3b0c442` of each of them)."""
    if target.size <= AUTOV1_START:
        return None
    return _AutoV1(), AUTOV1_START, min(target.size, AUTOV1_START + AUTOV1_LENGTH)


def _begin_autov3(target: Target) -> tuple[Hasher, int, int] | None:
    """Everything after the header; a file whose body is not known, or empty, has none."""
    if target.body is None or target.body >= target.size:
        return None
    return hashlib.sha256(), target.body, target.size


def _begin_crc32(target: Target) -> tuple[Hasher, int, int]:
    return _Crc32(), 0, target.size


AUTOV1 = Definition(Algorithm.AUTOV1.value, _begin_autov1, light=True)
AUTOV3 = Definition(Algorithm.AUTOV3.value, _begin_autov3)
CRC32 = Definition(Algorithm.CRC32.value, _begin_crc32, light=True)


def scanner_body(head: bytes) -> int:
    """Where Civitai's scanner starts AutoV3 in a file of any format, given its first 8 bytes.

    It takes them for the length of a header, and skips only them where that length is absurd: so pickle and GGUF
    files have the SHA-256 of everything after 8 bytes. Give it as `Plan.body` to compute that on request.
    """
    header = int.from_bytes(head[:8], "little")
    return 8 + header if header < SCANNER_HEADER_LIMIT else 8
