"""The name git gives to a file: SHA-1 of "blob ", the length in decimal, NUL, and the bytes (git-hash-object).

Hugging Face names files that are not in LFS by it, as their ETag and as their blob in the cache.
"""

from __future__ import annotations

import hashlib

from catalog.hashing.base import Definition, Hasher, Target
from catalog.vocabulary import Algorithm

LIMIT = 10 << 20  # Hugging Face keeps larger files in LFS, by SHA-256


def _begin(target: Target) -> tuple[Hasher, int, int] | None:
    if target.size >= LIMIT:
        return None
    return hashlib.sha1(b"blob %d\0" % target.size, usedforsecurity=False), 0, target.size


GIT_SHA1 = Definition(Algorithm.GIT_SHA1.value, _begin)
