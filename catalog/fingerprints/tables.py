"""The random words that codes stand for, and what becomes of a counted code on each rung.

A tensor's values are counted by a code; the counts are then moved to the f16 and bf16 codes of the same values, and
from there to all other roundings. A 16-bit type is counted by its own bits. F32 is counted by its f16 code and, where
that is a place at which coarser roundings turn, by the side of it on which the value lies: so one histogram gives
f16, bf16 and both fp8 types directly. Only values that f16 holds as subnormal or infinite are counted by bf16, too.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from blake3 import blake3

from catalog.fingerprints import codes

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy.typing as npt

    from catalog.fingerprints.codes import Bits, Codes

    Words: TypeAlias = npt.NDArray[np.uint64]
    Flags: TypeAlias = npt.NDArray[np.uint8]

CODES = 1 << 16
SIDES = CODES >> 2
"""Codes that end in two zero bits have two bins more: for values above them and for values below, by magnitude."""
BINS = CODES + 2 * SIDES
"""Bins of F32."""
ELSEWHERE = 0xFFFF
"""In place of a bf16 code: the values of this bin are counted by bf16 beside it. No code is this one."""
LEAST, INFINITE = 0x0400, 0x7C00
"""f16 codes from the least normal number up to infinity tell the bf16 code, with the side."""
E4M3_SHIFT, E5M2_SHIFT = 7, 8
"""The last bits of an fp8 number's f16 code, all zero: without them it numbers one of few bins."""
E4M3_BINS, E5M2_BINS = CODES >> E4M3_SHIFT, CODES >> E5M2_SHIFT


class Source(NamedTuple):
    """One way to count, by bin. What is needed of a bin lies side by side, since each look elsewhere costs a wait.

    `moves`: the f16 and the bf16 code of its values, both plain, and their F8_E4M3 and F8_E5M2 codes, shifted. `exact`
    words add up to `m32`, and `inexact` says whether f16 (1) and bf16 (2) do not hold them: there are none of both for
    F32, whose bins do not tell.
    """

    moves: Codes
    exact: Words
    inexact: Flags


class Tables(NamedTuple):
    """`words_*`: shape (65536, 2). `value_*`: of a plain code. `moves_*`: what becomes of it on further rungs.

    `moves_f16`: the code without subnormals, the bf16 code, both fp8 codes. `moves_bf16`: the f16 code and both.
    """

    words_f16: Words
    words_bf16: Words
    moves_f16: Codes
    moves_bf16: Codes
    value_f16: npt.NDArray[np.float64]
    value_bf16: npt.NDArray[np.float64]


@lru_cache(maxsize=1)
def tables() -> Tables:
    """What all types share."""
    every = _every()
    f16, bf16 = codes.f16_bits(every), codes.bf16_bits(every)
    return Tables(
        words(b"f16"),
        words(b"bf16"),
        _beside(codes.flushed(every), codes.plain_bf16(codes.bf16_codes(f16)), *_fp8(f16)),
        _beside(codes.plain_f16(codes.f16_codes(bf16)), *_fp8(bf16)),
        _finite(f16),
        _finite(bf16),
    )


@lru_cache(maxsize=2)
def words(name: bytes) -> Words:
    """The 65536 x 2 words of one table: the output of BLAKE3 as u64le."""
    stream = blake3(b"isotope/multiset/v1/" + name).digest(length=CODES * 16)
    return np.frombuffer(stream, "<u8").reshape(CODES, 2)


@lru_cache(maxsize=3)
def source(dtype: str) -> Source:
    """How `F16`, `BF16` or `F32` is counted."""
    if dtype == "F32":
        return _f32()
    every = _every()
    own = codes.f16_bits(every) if dtype == "F16" else codes.bf16_bits(every)
    if dtype == "F16":
        to_f16, to_bf16 = codes.plain_f16(every), codes.plain_bf16(codes.bf16_codes(own))
    else:
        to_f16, to_bf16 = codes.plain_f16(codes.f16_codes(own)), codes.plain_bf16(every)
    kept = plain_bits(own)
    inexact = (kept != plain_bits(codes.f16_bits(to_f16))) + 2 * (kept != plain_bits(codes.bf16_bits(to_bf16)))
    return Source(_beside(to_f16, to_bf16, *_fp8(own)), exact_words(own), inexact.astype(np.uint8))


def exact_words(bits: Bits) -> Words:
    """The word of each f32 value, given by its bits: what `m32` is the sum of."""
    return mixed(plain_bits(bits).astype(np.uint64))


def mixed(words: Words) -> Words:
    """Each word as one that looks like chance."""
    found = (words + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    found ^= found >> np.uint64(32)
    found *= np.uint64(0xD6E8FEB86659FD93)
    found ^= found >> np.uint64(29)
    return found


def plain_bits(bits: Bits) -> Bits:
    """f32 bits with one zero and one NaN."""
    nan = (bits & 0x7FFFFFFF) > 0x7F800000
    return np.where(nan, np.uint32(0x7FC00000), np.where(bits == 0x80000000, np.uint32(0), bits))


def _every() -> Codes:
    return np.arange(CODES, dtype=np.uint16)


def _f32() -> Source:
    """Each bin stands for one of its values: of those beside a code, the f32 number next to it."""
    own = codes.f16_bits(_every())
    beside = own[::4].view(np.float32)
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        above = np.nextafter(beside, np.copysign(np.float32(np.inf), beside))
        below = np.nextafter(beside, np.float32(0))
    chosen = np.concatenate([own, above.view(np.uint32), below.view(np.uint32)])
    code = np.concatenate([_every(), _every()[::4], _every()[::4]])
    size = code & 0x7FFF
    to_bf16 = codes.plain_bf16(codes.bf16_codes(chosen))
    to_bf16[(size < LEAST) | (size >= INFINITE)] = ELSEWHERE
    moves = _beside(codes.plain_f16(code), to_bf16, *_fp8(chosen))
    return Source(moves, np.zeros(0, np.uint64), np.zeros(0, np.uint8))


def _beside(*columns: Codes) -> Codes:
    return np.ascontiguousarray(np.stack(columns, axis=1))


def _fp8(bits: Bits) -> tuple[Codes, Codes]:
    values = codes.values_of(bits)
    return codes.e4m3_codes(values) >> np.uint16(E4M3_SHIFT), codes.e5m2_codes(values) >> np.uint16(E5M2_SHIFT)


def _finite(bits: Bits) -> npt.NDArray[np.float64]:
    """The values; 0 for those that are no number or infinite."""
    values = codes.values_of(bits)
    return np.where(np.isfinite(values), values, 0.0)
