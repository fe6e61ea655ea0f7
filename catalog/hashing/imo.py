"""imohash: three samples of a file and its length. Quick, and no proof of anything.

Source: kalafut/py-imohash `imohash/imohash.py`, with MurmurHash3 x64-128 (Austin Appleby, public domain) below it.
"""

from __future__ import annotations

from catalog.hashing.base import Definition, Hasher, Target
from catalog.vocabulary import Algorithm

SAMPLE = 16 * 1024
THRESHOLD = 128 * 1024  # smaller files are taken whole

_MASK = (1 << 64) - 1
_C1 = 0x87C37B91114253D5  # MurmurHash3_x64_128: the constants of the mixing steps
_C2 = 0x4CF5AD432745937F


class _ImoHash:
    """Gathers the samples as the bytes pass by."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._at = 0
        self._samples = tuple((start, stop, bytearray()) for start, stop in _spans(size))

    def update(self, piece: memoryview, /) -> None:
        end = self._at + len(piece)
        for start, stop, sample in self._samples:
            if start < end and stop > self._at:
                sample.extend(piece[max(0, start - self._at) : stop - self._at])
        self._at = end

    def digest(self) -> bytes:
        data = b"".join(sample for _, _, sample in self._samples)
        length = _varint(self._size)
        return length + murmur3(data)[len(length) :]


def _spans(size: int) -> tuple[tuple[int, int], ...]:
    if size < THRESHOLD:
        return ((0, size),)
    middle = size // 2
    return (0, SAMPLE), (middle, middle + SAMPLE), (size - SAMPLE, size)


def _varint(number: int) -> bytes:
    """Unsigned LEB128: seven bits a byte, the lowest first."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def murmur3(data: bytes) -> bytes:
    """MurmurHash3 x64-128 with seed 0: both halves big-endian, 16 bytes."""
    h1 = h2 = 0
    whole = len(data) & ~15
    for at in range(0, whole, 16):
        h1 = _rotate(h1 ^ _mix1(int.from_bytes(data[at : at + 8], "little")), 27) + h2
        h1 = (h1 * 5 + 0x52DCE729) & _MASK
        h2 = _rotate(h2 ^ _mix2(int.from_bytes(data[at + 8 : at + 16], "little")), 31) + h1
        h2 = (h2 * 5 + 0x38495AB5) & _MASK
    h1 ^= _mix1(int.from_bytes(data[whole : whole + 8], "little"))
    h2 ^= _mix2(int.from_bytes(data[whole + 8 :], "little"))
    h1, h2 = h1 ^ len(data), h2 ^ len(data)
    h1 = h1 + h2 & _MASK
    h2 = h2 + h1 & _MASK
    h1, h2 = _finish(h1), _finish(h2)
    h1 = h1 + h2 & _MASK
    h2 = h2 + h1 & _MASK
    return h1.to_bytes(8, "big") + h2.to_bytes(8, "big")


def _rotate(number: int, bits: int) -> int:
    return (number << bits | number >> 64 - bits) & _MASK


def _mix1(word: int) -> int:
    return _rotate(word * _C1 & _MASK, 31) * _C2 & _MASK


def _mix2(word: int) -> int:
    return _rotate(word * _C2 & _MASK, 33) * _C1 & _MASK


def _finish(number: int) -> int:
    number = (number ^ number >> 33) * 0xFF51AFD7ED558CCD & _MASK
    number = (number ^ number >> 33) * 0xC4CEB9FE1A85EC53 & _MASK
    return number ^ number >> 33


def _begin(target: Target) -> tuple[Hasher, int, int]:
    return _ImoHash(target.size), 0, target.size


IMOHASH = Definition(Algorithm.IMOHASH.value, _begin, light=True)
