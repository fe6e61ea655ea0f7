"""Bytes in, digests out. One file per family of algorithms; `DEFINITIONS` is the whole register.

The one read that feeds them all is `catalog.hashing.engine.digest_file`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.hashing.civitai import AUTOV1, AUTOV3, CRC32
from catalog.hashing.git import GIT_SHA1
from catalog.hashing.imo import IMOHASH
from catalog.hashing.whole import BLAKE3, SHA256, hashlib_definition

if TYPE_CHECKING:
    from catalog.hashing.base import Definition

DEFINITIONS: tuple[Definition, ...] = (BLAKE3, SHA256, AUTOV1, AUTOV3, CRC32, GIT_SHA1, IMOHASH)


def definition(name: str) -> Definition:
    """The algorithm of that name: one of ours, else one of hashlib's. Raises ValueError with the reason if neither."""
    for known in DEFINITIONS:
        if known.name == name:
            return known
    return hashlib_definition(name)


__all__ = ["DEFINITIONS", "definition"]
