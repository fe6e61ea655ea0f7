"""SHA-256 of two ranges side by side is what hashlib says of each."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from catalog.hashing import sha256
from catalog.hashing.base import Plan
from catalog.hashing.engine import digest_file
from catalog.hashing.sha256 import Sha256
from catalog.vocabulary import Algorithm

if TYPE_CHECKING:
    from catalog.hashing.sha256 import Loops
    from tests.hashing.conftest import Opener

NOISE = hashlib.shake_256(b"two ranges").digest(4000)


FOUND = sha256.loops()
MADE = [FOUND] if FOUND is not None else []
"""None where the processor has no SHA instructions."""


@pytest.mark.parametrize("loops", MADE, ids=["two"] * len(MADE))
@pytest.mark.parametrize("length", [0, 1, 55, 56, 63, 64, 65, 119, 120, 128, 1000, 4000])
def test_one_alone_is_as_hashlib_says(loops: Loops, length: int) -> None:
    hasher = Sha256(loops)
    hasher.update(memoryview(bytearray(NOISE[:length])))
    assert hasher.digest() == hasher.digest() == hashlib.sha256(NOISE[:length]).digest()


@pytest.mark.parametrize("loops", MADE, ids=["two"] * len(MADE))
@pytest.mark.parametrize("lead", [0, 1, 8, 63, 64, 65, 500])
@pytest.mark.parametrize("block", [1, 7, 64, 100, 1024, 5000])
def test_two_that_begin_apart_are_both_right(loops: Loops, lead: int, block: int) -> None:
    data = memoryview(bytearray(NOISE))
    whole, body = Sha256(loops), Sha256(loops)
    for at in range(0, len(data), block):
        whole.update_with(data[at : at + block], body, data[max(at, lead) : max(at + block, lead)])
    assert whole.digest() == hashlib.sha256(NOISE).digest()
    assert body.digest() == hashlib.sha256(NOISE[lead:]).digest()


@pytest.mark.parametrize("body", [8, 4096, 3 << 20])
def test_a_large_file_has_both_digests(opened: Opener, body: int) -> None:
    data = NOISE * (sha256.WORTH // len(NOISE) + 1)
    algorithms = frozenset({Algorithm.SHA256.value, Algorithm.AUTOV3.value, Algorithm.BLAKE3.value})
    found = digest_file(opened(data), Plan(algorithms, body)).digests
    assert found["sha256"] == hashlib.sha256(data).digest()
    assert found["autov3"] == hashlib.sha256(data[body:]).digest()
