"""The quick id is the formula, written down a second time."""

from __future__ import annotations

from blake3 import blake3
from hypothesis import given
from hypothesis import strategies as st

from catalog.storage.quick import quick_id
from tests.builders import MemorySource

KIB = 1024


def _formula(content: bytes) -> bytes:
    size = len(content)
    middle = size // 2
    sampled = content[: 64 * KIB] + content[middle : middle + 64 * KIB] + content[-64 * KIB :]
    body = content if size <= 192 * KIB else sampled
    return blake3(b"isotope/quick/v1\0" + size.to_bytes(8, "little") + body).digest()


@given(
    size=st.one_of(st.integers(0, 300 * KIB), st.sampled_from([0, 1, 192 * KIB - 1, 192 * KIB, 192 * KIB + 1])),
    seed=st.binary(min_size=1, max_size=64),
)
def test_it_is_the_formula(size: int, seed: bytes) -> None:
    content = (seed * (size // len(seed) + 1))[:size]
    assert quick_id(MemorySource(content)) == _formula(content)


def test_the_windows_count_and_what_lies_between_does_not() -> None:
    content = bytearray(1024 * KIB)
    plain = quick_id(MemorySource(bytes(content)))
    content[200 * KIB] = 1
    assert quick_id(MemorySource(bytes(content))) == plain
    for place in (0, 64 * KIB - 1, 512 * KIB, 576 * KIB - 1, 960 * KIB, 1024 * KIB - 1):
        changed = bytearray(1024 * KIB)
        changed[place] = 1
        assert quick_id(MemorySource(bytes(changed))) != plain


def test_a_large_file_is_read_in_three_windows_only() -> None:
    source = MemorySource(b"", size=1 << 40)
    quick_id(source)
    assert source.bytes_read == 192 * KIB


def test_the_value_is_fixed_for_ever() -> None:
    assert quick_id(MemorySource(b"")).hex() == blake3(b"isotope/quick/v1\0" + bytes(8)).hexdigest()
