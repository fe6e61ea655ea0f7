"""Every consumer sees every byte once and in order, and what it raises comes out."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.hashing.conveyor import Consume, Conveyor

TEXT = bytes(range(256)) * 4


def carry(consumers: list[Consume], start: int, stop: int, *, block: int, depth: int) -> None:
    with Conveyor(consumers, start, stop, block=block, depth=depth) as conveyor:
        for offset in range(start, stop, block):
            room = conveyor.room()
            room[:] = TEXT[offset : offset + len(room)]
            conveyor.send()


class Copy:
    """Keeps what it is given and where it was said to lie."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.offsets: list[int] = []

    def take(self, block: memoryview, offset: int) -> None:
        self.data += block
        self.offsets.append(offset)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5), st.integers(0, 200), st.integers(1, 800), st.integers(1, 300), st.integers(1, 9))
def test_every_consumer_sees_every_byte_in_order(count: int, start: int, length: int, block: int, depth: int) -> None:
    copies = [Copy() for _ in range(count)]
    carry([copy.take for copy in copies], start, start + length, block=block, depth=depth)
    for copy in copies:
        assert copy.data == TEXT[start : start + length]
        assert copy.offsets == list(range(start, start + length, block))


@pytest.mark.parametrize("at", [0, 64, 192, 960])
@pytest.mark.parametrize("depth", [1, 3])
def test_what_a_consumer_raises_comes_out_and_every_thread_ends(at: int, depth: int) -> None:
    before = set(threading.enumerate())

    def fail(block: memoryview, offset: int) -> None:
        if offset == at:
            raise LookupError(str(at))

    with pytest.raises(LookupError, match=str(at)):
        carry([Copy().take, fail, Copy().take], 0, len(TEXT), block=64, depth=depth)
    assert set(threading.enumerate()) == before


def test_what_the_reader_raises_comes_out_and_the_rest_is_dropped() -> None:
    copy = Copy()

    def read() -> None:
        with Conveyor([copy.take], 0, 1024, block=64, depth=4) as conveyor:
            conveyor.room()
            conveyor.send()
            raise KeyError

    with pytest.raises(KeyError):
        read()
    assert len(copy.data) <= 64


def test_a_conveyor_that_carries_nothing_ends() -> None:
    copy = Copy()
    with Conveyor([copy.take], 0, 1024, block=64, depth=4):
        pass
    assert not copy.data
