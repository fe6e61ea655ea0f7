"""Digests of all bytes of a file: BLAKE3 and whatever hashlib offers.

BLAKE3: unkeyed, 256 bits (BLAKE3 specification, 2020); InvokeAI and ComfyUI write it `blake3:<hex>`.
SHA-256: FIPS 180-4; AutoV2 is its first ten digits, and an LFS file at Hugging Face is named by it.
"""

from __future__ import annotations

import hashlib
from functools import cache, partial
from typing import TYPE_CHECKING

from blake3 import blake3

from catalog.hashing.base import Definition, Hasher, Target
from catalog.vocabulary import Algorithm

if TYPE_CHECKING:
    from collections.abc import Callable


def _begin_blake3(target: Target) -> tuple[Hasher, int, int]:
    # The pool of threads belongs to the process and does not outlive a fork, so a parent must not digest before it
    # forks. With other digests in the same read the cores are busy already, and one thread costs less.
    threads = blake3.AUTO if target.alone else 1
    return blake3(max_threads=threads), 0, target.size


BLAKE3 = Definition(Algorithm.BLAKE3.value, _begin_blake3, light=True)


@cache
def hashlib_definition(name: str) -> Definition:
    """Any algorithm of hashlib by its own name (`md5`, `sha512`, `sha3_256`). Raises ValueError for others."""
    if name.startswith("shake_"):
        raise ValueError(f"{name} has no fixed length, so it names no digest: choose another algorithm")
    if name not in hashlib.algorithms_available:
        raise ValueError(f"{name!r} is not a digest of a file: {', '.join(sorted(_offered()))} are available")

    # a constructor of its own is ten times as quick as looking the name up in OpenSSL for every file
    make: Callable[..., Hasher] = getattr(hashlib, name, None) or partial(hashlib.new, name)

    def begin(target: Target) -> tuple[Hasher, int, int]:
        return make(usedforsecurity=False), 0, target.size

    return Definition(name, begin)


def _offered() -> set[str]:
    return {name for name in hashlib.algorithms_available if not name.startswith("shake_")}


SHA256 = hashlib_definition(Algorithm.SHA256.value)
