"""Others take part in the one read, and change no digest."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from catalog.formats.base import Stored, TensorInfo
from catalog.hashing.base import Plan
from catalog.hashing.engine import THREADS_FROM, digest_file

if TYPE_CHECKING:
    from tests.hashing.conftest import Opener

NOISE = hashlib.shake_256(b"lanes").digest(THREADS_FROM + 300_001)


class _Ear:
    """A lane that keeps all it hears of a range."""

    def __init__(self, start: int, stop: int) -> None:
        self.start, self.stop = start, stop
        self.heard = bytearray()
        self.next = -1
        self.values: list[bytes] = []

    def take(self, block: memoryview, offset: int) -> None:
        assert self.next in {-1, offset}
        self.next = offset + len(block)
        self.heard += block[max(0, self.start - offset) : max(0, self.stop - offset)]

    def stored(self, tensor: TensorInfo) -> _Ear | None:
        return self if tensor.name != "deaf" else None

    def update(self, data: memoryview, /) -> None:
        self.values.append(bytes(data))

    def close(self) -> None:
        self.values.append(b"|")


@pytest.mark.parametrize("size", [5000, len(NOISE)])
@pytest.mark.parametrize("algorithms", [frozenset({"sha256"}), frozenset({"blake3"}), frozenset()])
def test_a_lane_hears_its_range_in_order_and_the_digests_are_as_ever(
    opened: Opener, size: int, algorithms: frozenset[str]
) -> None:
    ear, late = _Ear(7, size - 3), _Ear(size - 1, size)
    found = digest_file(opened(NOISE[:size]), Plan(algorithms, lanes=(ear, late)))
    assert bytes(ear.heard) == NOISE[7 : size - 3]
    assert bytes(late.heard) == NOISE[size - 1 : size]
    assert found.digests == digest_file(opened(NOISE[:size]), Plan(algorithms)).digests


def test_values_that_do_not_lie_plainly_reach_the_lane_once_in_their_order(opened: Opener) -> None:
    turned = TensorInfo("w", "U8", (3, 2), 0, 6, 0, Stored(strides=(1, 3)))
    tensors = (turned, turned._replace(name="tied"), TensorInfo("plain", "U8", (6,), 0, 6))
    ear = _Ear(0, 0)
    found = digest_file(opened(b"abcdef"), Plan(frozenset(), tensors=tensors, lanes=(ear,)))
    assert b"".join(ear.values) == b"adbecf|"
    assert found.tensors == digest_file(opened(b"abcdef"), Plan(frozenset(), tensors=tensors)).tensors
    deaf = (turned._replace(name="deaf"),)
    assert digest_file(opened(b"abcdef"), Plan(tensors=deaf, lanes=(ear,))).tensors == found.tensors[:1]
