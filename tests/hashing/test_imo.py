"""imohash by the vectors of its first implementation."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from catalog.hashing.base import Plan
from catalog.hashing.engine import digest_file
from catalog.hashing.imo import murmur3

if TYPE_CHECKING:
    from tests.hashing.conftest import Opener


def stream(size: int) -> bytes:
    """imohash's test data: MD5 of A, AA, AAA ... one after the other."""
    parts = (hashlib.md5(b"A" * count, usedforsecurity=False).digest() for count in range(1, size // 16 + 2))
    return b"".join(parts)[:size]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (1, "01659e2ec0f3c75bf39e43a41adb5d4f"),
        (131072, "8080085a3d3af2cb4b3a957811cdf370"),
        (500000, "a0c21e44a0ba3bddee802a9d1c5332ca"),
    ],
)
def test_vectors_of_imohash(opened: Opener, size: int, expected: str) -> None:
    assert digest_file(opened(stream(size)), Plan(frozenset({"imohash"}))).digests["imohash"].hex() == expected


def test_murmur3_of_nothing_is_zero() -> None:
    assert murmur3(b"") == bytes(16)


def test_samples_are_the_same_however_the_file_is_cut(opened: Opener) -> None:
    data = hashlib.shake_256(b"").digest(3 << 20)
    sampled = data[:16384] + data[3 << 19 : (3 << 19) + 16384] + data[-16384:]
    found = digest_file(opened(data), Plan(frozenset({"imohash", "blake3"}))).digests["imohash"]
    assert found == bytes.fromhex("8080c001") + murmur3(sampled)[4:]
