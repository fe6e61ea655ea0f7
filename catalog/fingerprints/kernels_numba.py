"""The loops over values, compiled. They hold no lock of the interpreter, so that digests run beside them."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import numpy as np

from catalog.fingerprints import tables
from catalog.fingerprints.base import Rung
from catalog.fingerprints.compiling import compiled, of_f16, to_f16
from catalog.fingerprints.kernels import NOT_BF16, NOT_F16, OUTLIERS, Cast, Settled, no_lanes
from catalog.fingerprints.tables import CODES

if TYPE_CHECKING:
    from typing import Any

    import numpy.typing as npt

    from catalog.fingerprints.codes import Bits, Codes
    from catalog.fingerprints.kernels import Counts, Full, Made, Together
    from catalog.fingerprints.tables import Source

_FEW = 32  # values that are asked at once whether one is to be counted apart
_STEP = 1 << 13  # values whose bin numbers are made before they are counted: 32 KiB

_U32, _U64 = np.uint32, np.uint64
_F16, _BF16, _FB, _BF, _FZ = (int(rung) for rung in (Rung.F16, Rung.BF16, Rung.FB, Rung.BF, Rung.FZ))
_E4M3, _E4M3_F16, _E4M3_BF16 = (int(rung) for rung in (Rung.E4M3, Rung.E4M3_F16, Rung.E4M3_BF16))
_E5M2, _E5M2_F16, _E5M2_BF16 = (int(rung) for rung in (Rung.E5M2, Rung.E5M2_F16, Rung.E5M2_BF16))


@compiled
def _codes(bits: Any, values: Any, f16: Any, bf16: Any, index: Any) -> Any:
    """Codes and bins of some values; whether some are none of f16, which low bits are set, how many are outliers."""
    inexact, low, outside = _U32(0), _U32(0), _U32(0)
    for at in range(bits.size):
        word, value = bits[at], values[at]
        nan = value != value  # noqa: PLR0124 # the test for a NaN that becomes one instruction
        sign = _U32(_U32(word >> _U32(16)) & _U32(0x8000))
        half = to_f16(value)
        kept, size = abs(of_f16(half)), abs(value)
        code = _U32(sign | _U32(0x7E00)) if nan else _U32(half)
        side = _U32(1) if kept < size else (_U32(2) if kept > size else _U32(0))
        rounded = _U32(_U32(word + _U32(0x7FFF) + _U32(_U32(word >> _U32(16)) & _U32(1))) >> _U32(16))
        f16[at] = code
        bf16[at] = _U32(sign | _U32(0x7FC0)) if nan else rounded
        beside = (side != _U32(0)) & (_U32(code & _U32(3)) == _U32(0))
        index[at] = _U32(_U32(49152) + _U32(side << _U32(14)) + _U32(code >> _U32(2))) if beside else code
        plain = _U32(code & _U32(0x7FFF))
        inexact = _U32(inexact | side)
        low = _U32(low | (_U32(0) if nan else _U32(word & _U32(0xFFFF))))
        outside = _U32(outside + (_U32(1) if (plain < _U32(0x0400)) | (plain >= _U32(0x7C00)) else _U32(0)))
    return inexact, low, outside


@compiled
def _exact(bits: Any) -> Any:
    """The sum of the words of f32 values: `tables.exact_words`."""
    total = _U64(0)
    for at in range(bits.size):
        word = bits[at]
        word = _U32(0) if word == _U32(0x80000000) else word
        word = _U32(0x7FC00000) if _U32(word & _U32(0x7FFFFFFF)) > _U32(0x7F800000) else word
        mixed = (_U64(word) + _U64(1)) * _U64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> _U64(32)
        mixed *= _U64(0xD6E8FEB86659FD93)
        mixed ^= mixed >> _U64(29)
        total += mixed
    return total


@compiled
def count_all(codes: Any, bins: Any) -> None:
    for at in range(codes.size):
        bins[codes[at]] += _U32(1)


@compiled
def _outside(f16: Any) -> Any:
    """How many codes are subnormal, infinite or no number."""
    found = np.uint16(0)
    for at in range(f16.size):
        # from the least normal number up to infinity, without its sign, the difference is less
        found += np.uint16(np.uint16(np.uint16(f16[at] & np.uint16(0x7FFF)) - np.uint16(0x0400)) >= np.uint16(0x7800))
    return found


@compiled
def _count_outliers(f16: Any, bf16: Any, outliers: Any, many: Any) -> None:
    """A few at a time, where most have none and are passed over at once; where there are many, without asking."""
    if many:
        for at in range(f16.size):
            plain = np.uint16(np.uint16(f16[at] & np.uint16(0x7FFF)) - np.uint16(0x0400))
            outliers[bf16[at]] += _U32(plain >= np.uint16(0x7800))
        return
    for first in range(0, f16.size, _FEW):
        last = min(first + _FEW, f16.size)
        if _outside(f16[first:last]):
            for at in range(first, last):
                plain = f16[at] & 0x7FFF
                if plain < 0x0400 or plain >= 0x7C00:
                    outliers[bf16[at]] += _U32(1)


@compiled
def cast_all(bits: Any, values: Any, bins: Any, outliers: Any, made: Any) -> Any:
    f16, bf16, index = made
    total, inexact, low, outside = _U64(0), _U32(0), _U32(0), 0
    for first in range(0, bits.size, _STEP):
        last = min(first + _STEP, bits.size)
        some, few, out = _codes(
            bits[first:last], values[first:last], f16[first:last], bf16[first:last], index[first:last]
        )
        total += _exact(bits[first:last])
        count_all(index[first:last], bins)
        if out:
            _count_outliers(f16[first:last], bf16[first:last], outliers, out * _FEW > last - first)
        inexact, low, outside = inexact | some, low | few, outside + out
    return total, inexact, low, outside


@compiled
def _reduce(bins: Any, seen: Any, source: Any, counts: Any, touched: Any) -> Any:
    """Empties the bins into the counts by f16, bf16 and both fp8 codes; how many codes those are, and `m32`.

    By fp8 only where the values are not told by their f16 or bf16 codes: those of F32.
    """
    moves, exact, inexact = source
    by_f16, by_bf16, by_e4m3, by_e5m2 = counts
    f16_used, bf16_used = 0, 0
    total, flags = _U64(0), 0
    for at in range(seen.size):
        number = seen[at]
        count = _U64(bins[number])
        if count == 0:
            continue
        bins[number] = 0
        code, other = moves[number, 0], moves[number, 1]
        if by_f16[code] == 0:
            touched[0, f16_used] = code
            f16_used += 1
        by_f16[code] += count
        if other != 0xFFFF:
            if by_bf16[other] == 0:
                touched[1, bf16_used] = other
                bf16_used += 1
            by_bf16[other] += count
        if exact.size:
            total += count * exact[number]
            flags |= inexact[number]
        else:
            by_e4m3[moves[number, 2]] += count
            by_e5m2[moves[number, 3]] += count
    return f16_used, bf16_used, total, flags


@compiled
def _reduce_outliers(outliers: Any, seen: Any, by_bf16: Any, touched: Any, used: Any) -> Any:
    for at in range(seen.size):
        code = seen[at]
        count = _U64(outliers[code])
        if count == 0:
            continue
        outliers[code] = 0
        size = code & 0x7FFF
        plain = 0x7FC0 if size > 0x7F80 else (0 if size == 0 else code)
        if by_bf16[plain] == 0:
            touched[1, used] = plain
            used += 1
        by_bf16[plain] += count
    return used


@compiled
def _of_f16_codes(counts: Any, codes: Any, shared: Any, kept: Any, small: Any, on_to_bf16: Any) -> Any:
    """Adds up the rungs that go by way of f16, and empties the counts; sums of the values and of their squares."""
    words, moves, value = shared
    lanes, found = kept
    total, squares, subnormal, zero = 0.0, 0.0, 0, _U64(0)
    first, second, flat_first, flat_second = _U64(0), _U64(0), _U64(0), _U64(0)
    for at in range(codes.size):
        code = codes[at]
        count = _U64(counts[code])
        counts[code] = 0
        first += count * words[code, 0]
        second += count * words[code, 1]
        if code & 0x7C00 == 0:
            subnormal += 1
            zero += count
            flat_first += count * words[code, 0]
            flat_second += count * words[code, 1]
        small[0, moves[code, 2]] += count
        small[1, moves[code, 3]] += count
        size = count * value[code]
        total += size
        squares += size * value[code]
        if on_to_bf16.size:
            on_to_bf16[moves[code, 1]] += count
    lanes[_F16, 0], lanes[_F16, 1] = first, second
    lanes[_FZ, 0] = first - flat_first + zero * words[0, 0]
    lanes[_FZ, 1] = second - flat_second + zero * words[0, 1]
    found[_F16], found[_FZ] = codes.size, codes.size - subnormal + min(subnormal, 1)
    return total, squares


@compiled
def _of_bf16_codes(counts: Any, codes: Any, shared: Any, kept: Any, small: Any, on_to_f16: Any) -> Any:
    """The same for the rungs that go by way of bf16."""
    words, moves, value = shared
    lanes, found = kept
    total, squares, first, second = 0.0, 0.0, _U64(0), _U64(0)
    for at in range(codes.size):
        code = codes[at]
        count = _U64(counts[code])
        counts[code] = 0
        first += count * words[code, 0]
        second += count * words[code, 1]
        small[2, moves[code, 1]] += count
        small[3, moves[code, 2]] += count
        size = count * value[code]
        total += size
        squares += size * value[code]
        if on_to_f16.size:
            on_to_f16[moves[code, 0]] += count
    lanes[_BF16, 0], lanes[_BF16, 1] = first, second
    found[_BF16] = codes.size
    return total, squares


@compiled
def _turned(codes: Any, moves: Any, column: Any, counts: Any, words: Any, lanes: Any) -> Any:
    """Adds up what codes were turned into, and empties the counts; how many codes there are."""
    found, first, second = 0, _U64(0), _U64(0)
    for at in range(codes.size):
        code = moves[codes[at], column]
        count = _U64(counts[code])
        if count:
            counts[code] = 0
            found += 1
            first += count * words[code, 0]
            second += count * words[code, 1]
    lanes[0], lanes[1] = first, second
    return found


@compiled
def _of_fp8_codes(counts: Any, shift: Any, words: Any, lanes: Any) -> Any:
    """Adds up one fp8 rung and empties its counts; how many codes there are."""
    found, first, second = 0, _U64(0), _U64(0)
    for at in range(counts.size):
        count = _U64(counts[at])
        if count:
            counts[at] = 0
            found += 1
            first += count * words[at << shift, 0]
            second += count * words[at << shift, 1]
    lanes[0], lanes[1] = first, second
    return found


@compiled
def _extremes(codes: Any, found: Any) -> None:
    """The two largest and the two smallest finite values of different bf16 codes."""
    most, more, less, least = np.int64(-CODES), np.int64(-CODES), np.int64(CODES), np.int64(CODES)
    for at in range(codes.size):
        code = np.int64(codes[at])
        if code & 0x7F80 == 0x7F80:
            continue
        order = -(code & 0x7FFF) if code & 0x8000 else code
        if order > most:
            most, more = order, most
        elif order > more:
            more = order
        if order < least:
            less, least = least, order
        elif order < less:
            less = order
    found[0], found[1], found[2], found[3] = most, more, least, less


@compiled
def settle_all(full: Any, source: Any, shared: Any, scratch: Any, kept: Any) -> Any:
    """All of it, in turn; sums by f16, sums by bf16, `m32` and flags."""
    bins, seen, outliers, seen_outliers = full
    words, words_bf16, moves, moves_bf16, values, values_bf16 = shared
    by_f16, by_bf16, by_e4m3, by_e5m2, small, touched, more = scratch
    lanes, found, extremes = kept
    f16_used, bf16_used, exact, flags = _reduce(bins, seen, source, (by_f16, by_bf16, by_e4m3, by_e5m2), touched)
    bf16_used = _reduce_outliers(outliers, seen_outliers, by_bf16, touched, bf16_used)
    f16, bf16 = touched[0, :f16_used], touched[1, :bf16_used]
    _extremes(bf16, extremes)
    f16_sums = _of_f16_codes(by_f16, f16, (words, moves, values), (lanes, found), small, more)
    found[_BF] = _turned(f16, moves, 1, more, words_bf16, lanes[_BF])
    bf16_sums = _of_bf16_codes(by_bf16, bf16, (words_bf16, moves_bf16, values_bf16), (lanes, found), small, more)
    found[_FB] = _turned(bf16, moves_bf16, 0, more, words, lanes[_FB])
    found[_E4M3_F16] = _of_fp8_codes(small[0], 7, words, lanes[_E4M3_F16])
    found[_E5M2_F16] = _of_fp8_codes(small[1], 8, words, lanes[_E5M2_F16])
    found[_E4M3_BF16] = _of_fp8_codes(small[2], 7, words, lanes[_E4M3_BF16])
    found[_E5M2_BF16] = _of_fp8_codes(small[3], 8, words, lanes[_E5M2_BF16])
    found[_E4M3] = _of_fp8_codes(by_e4m3, 7, words, lanes[_E4M3])
    found[_E5M2] = _of_fp8_codes(by_e5m2, 8, words, lanes[_E5M2])
    return f16_sums, bf16_sums, exact, flags


DIRECT, BY_F16, BY_BF16 = [_E4M3, _E5M2], [_E4M3_F16, _E5M2_F16], [_E4M3_BF16, _E5M2_BF16]


class Compiled:
    """See `kernels.Kernels`. Threads may share it: each has the room for its counts to itself."""

    name = "numba"

    def __init__(self) -> None:
        self._shared = tuple(tables.tables())

    def cast(self, bits: Bits, bins: Counts, outliers: Counts, made: Made) -> Cast:
        """Count f32 values by their f16 codes and sides."""
        values = bits.view(np.float32)
        total, inexact, low, outside = cast_all(bits, values, bins, outliers, tuple(made))
        return Cast(int(total), NOT_F16 * bool(inexact) | NOT_BF16 * bool(low) | OUTLIERS * bool(outside))

    def count(self, codes: Codes, bins: Counts) -> None:
        """Count 16-bit codes."""
        count_all(codes, bins)

    def count_bytes(self, codes: npt.NDArray[np.uint8], bins: Counts) -> None:
        """Count 8-bit codes."""
        count_all(codes, bins)

    def settle(self, source: Source, full: Full, *, by_f16: bool) -> Settled:
        """Move the counts to the f16 and bf16 codes, and those to every rung."""
        lanes, found, extremes = no_lanes(), np.zeros(len(Rung), np.int64), np.zeros(4, np.int64)
        of_f16, of_bf16, exact, flags = settle_all(
            tuple(full), tuple(source), self._shared, own_scratch(), (lanes, found, extremes)
        )
        if source.exact.size:  # of 16 bits: what is by way of f16, or of bf16, is direct
            own = BY_F16 if by_f16 else BY_BF16
            lanes[DIRECT], found[DIRECT] = lanes[own], found[own]
        total, squares = of_f16 if by_f16 else of_bf16
        ordered = extremes.tolist()
        ends = tuple(0x8000 - end if end < 0 else end for end in ordered) if abs(ordered[1]) < CODES else ()
        return Settled(lanes, tuple(found.tolist()), ends, total, squares, int(exact), int(flags))

    def many(self) -> Together:
        """Those over many small tensors at once."""
        from catalog.fingerprints import kernels_many  # noqa: PLC0415 # it is made of the loops above

        return kernels_many.Together()


_own = threading.local()


def own_scratch() -> tuple[npt.NDArray[Any], ...]:
    """What `settle_all` works in: of this thread alone, and empty."""
    found: tuple[npt.NDArray[Any], ...] | None = getattr(_own, "scratch", None)
    if found is None:
        found = _own.scratch = _scratch()
    return found


def _scratch() -> tuple[npt.NDArray[Any], ...]:
    """Counts by f16, bf16 and both fp8 codes, fp8 by way of f16 and bf16, codes in use, and further counts; zeros."""
    counts = [np.zeros(size, np.uint32) for size in (CODES, CODES, tables.E4M3_BINS, tables.E5M2_BINS)]
    small, touched = np.zeros((4, tables.E4M3_BINS), np.uint32), np.zeros((2, CODES), np.uint16)
    return *counts, small, touched, np.zeros(CODES, np.uint32)
