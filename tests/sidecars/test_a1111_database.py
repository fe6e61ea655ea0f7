"""Values of diskcache: read byte for byte, never unpickled."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.sidecars.a1111_database import read
from catalog.vocabulary import Algorithm

# protocol 5 of Python 3.11 writes {"mtime": 1700000000.25, "sha256": "ab" * 32} like this
VALUE = (
    b"\x80\x05\x95b\x00\x00\x00\x00\x00\x00\x00}\x94(\x8c\x05mtime\x94GA\xd9T\xfc@\x10\x00\x00\x8c\x06sha256\x94\x8c@"
    + b"ab" * 32
    + b"\x94u."
)
# and protocol 4 of a whole number
WHOLE = VALUE.replace(b"\x05\x95b", b"\x04\x95^").replace(b"GA\xd9T\xfc@\x10\x00\x00", b"J\x00\xf1Se")
# protocol 2 knows no short strings and no frames
OLD = b"\x80\x02}q\x00(X\x05\x00\x00\x00mtimeq\x01GA\xd9T\xfc@\x10\x00\x00X\x06\x00\x00\x00sha256q\x02X\x40\x00\x00\x00"
OLD += b"ab" * 32 + b"q\x03u."


@pytest.mark.parametrize(("value", "mtime"), [(VALUE, 1700000000.25), (WHOLE, 1700000000.0), (OLD, 1700000000.25)])
def test_a_sound_value_is_read(value: bytes, mtime: float) -> None:
    [line] = read([(b"lora/x", value, 4)], "hashes-addnet").cached

    assert (line.title, line.mtime, line.hash.algorithm, line.hash.digest) == (
        "lora/x",
        mtime,
        Algorithm.AUTOV3,
        b"\xab" * 32,
    )


@pytest.mark.parametrize(
    "row",
    [
        (b"x", VALUE, 1),
        (b"x", VALUE + b".", 4),
        (b"x", b"cos\nsystem\n(S'echo'\ntR.", 4),
        (b"x", VALUE.replace(b"ab" * 32, b"zz" * 32), 4),
        (b"x", VALUE.replace(struct.pack(">d", 1700000000.25), struct.pack(">d", float("nan"))), 4),
        (None, VALUE, 4),
        (b"x", None, 4),
        (b"x", "text", "4"),
    ],
)
def test_whatever_differs_is_passed_over(row: tuple[object, ...]) -> None:
    assert read([row]).cached == ()


@given(at=st.integers(0, len(VALUE) - 1), byte=st.integers(0, 255))
def test_no_byte_of_it_runs(at: int, byte: int) -> None:
    read([(b"x", VALUE[:at] + bytes([byte]) + VALUE[at + 1 :], 4)])
