"""What the one read takes and gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from catalog.formats.base import TensorInfo
from catalog.vocabulary import Algorithm

STANDARD = frozenset(
    {Algorithm.BLAKE3, Algorithm.SHA256, Algorithm.AUTOV1, Algorithm.AUTOV3, Algorithm.CRC32, Algorithm.GIT_SHA1}
)
"""What is computed of every file unless a person says otherwise (git-sha1 only below 10 MiB)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to compute of one file in one read. `body` is where a safetensors file's tensor data begins, else None.

    `tensors` are the tensors of this file whose BLAKE3 digests are wanted, in any order.
    """

    algorithms: frozenset[str] = STANDARD
    body: int | None = None
    tensors: tuple[TensorInfo, ...] = ()


@dataclass(frozen=True, slots=True)
class FileDigests:
    """`digests`: algorithm -> raw digest bytes (crc32 4 big-endian bytes, autov1 4 bytes); digests of nothing are left out.

    `tensors`: tensor digests `td` 32 bytes each, in the order of `Plan.tensors`.
    """

    digests: Mapping[str, bytes]
    tensors: tuple[bytes, ...] = ()
    bytes_read: int = 0
    seconds: float = 0.0
