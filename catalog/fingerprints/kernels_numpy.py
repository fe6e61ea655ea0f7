"""The loops over values in NumPy: slower, and what the compiled ones are held against."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from catalog.fingerprints import codes as rounding
from catalog.fingerprints import tables
from catalog.fingerprints.base import Rung
from catalog.fingerprints.kernels import NOT_BF16, NOT_F16, OUTLIERS, Cast, Settled, no_lanes

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy.typing as npt

    from catalog.fingerprints.codes import Bits, Codes
    from catalog.fingerprints.kernels import Counts, Full, Made, Seen
    from catalog.fingerprints.tables import Source, Words

    Many: TypeAlias = npt.NDArray[np.uint64]


class Plain:
    """See `kernels.Kernels`."""

    name = "numpy"

    def cast(self, bits: Bits, bins: Counts, outliers: Counts, made: Made) -> Cast:
        """Count f32 values by their f16 codes and sides."""
        f16, bf16 = rounding.f16_codes(bits), rounding.bf16_codes(bits)
        index, exact = _bins(bits, f16)
        made.f16[: bits.size], made.bf16[: bits.size], made.numbers[: bits.size] = f16, bf16, index
        np.add.at(bins, index, 1)
        size = f16 & 0x7FFF
        outside = (size < tables.LEAST) | (size >= tables.INFINITE)
        np.add.at(outliers, bf16[outside], 1)
        flags = (0 if exact else NOT_F16) | OUTLIERS * bool(outside.any())
        if (tables.plain_bits(bits) & 0xFFFF).any():
            flags |= NOT_BF16
        return Cast(int(tables.exact_words(bits).sum(dtype=np.uint64)), flags)

    def count(self, codes: Codes, bins: Counts) -> None:
        """Count 16-bit codes."""
        np.add.at(bins, codes, 1)

    def count_bytes(self, codes: npt.NDArray[np.uint8], bins: Counts) -> None:
        """Count 8-bit codes."""
        bins[:256] += np.bincount(codes, minlength=256).astype(np.uint32)

    def settle(self, source: Source, full: Full, *, by_f16: bool) -> Settled:
        """Move the counts to the f16 and bf16 codes, and those to every rung."""
        numbers, counts = _taken(full.bins, full.seen)
        outside, more = _taken(full.outliers, full.seen_outliers)
        moves = source.moves[numbers]
        to_f16 = _moved(moves[:, 0], counts, tables.CODES)
        to_bf16 = _moved(moves[:, 1], counts, tables.CODES)
        to_bf16[tables.ELSEWHERE] = 0
        to_bf16 += _moved(rounding.plain_bf16(outside.astype(np.uint16)), more, tables.CODES)
        to_e4m3 = _moved(moves[:, 2], counts, tables.E4M3_BINS)
        to_e5m2 = _moved(moves[:, 3], counts, tables.E5M2_BINS)
        settled = _ladder(to_f16, to_bf16, to_e4m3, to_e5m2)
        if by_f16:
            values = tables.tables().value_f16
            settled = settled._replace(total=_sum(to_f16, values), squares=_sum(to_f16, values**2))
        if not source.exact.size:
            return settled
        flags = int(np.bitwise_or.reduce(source.inexact[numbers]))
        m32 = int((counts * source.exact[numbers]).sum(dtype=np.uint64))
        return settled._replace(m32=m32, flags=flags)

    def many(self) -> None:
        """Each tensor by itself."""
        return


def _bins(bits: Bits, f16: Codes) -> tuple[npt.NDArray[np.uint32], bool]:
    """The bin of each value, and whether f16 holds all of them exactly."""
    value, kept = np.abs(rounding.values_of(bits)), np.abs(rounding.values_of(rounding.f16_bits(f16)))
    above, below = kept < value, kept > value
    side = above.astype(np.uint32) + 2 * below.astype(np.uint32)
    beside = (side != 0) & (f16 & 3 == 0)
    code = f16.astype(np.uint32)
    index = np.where(beside, tables.CODES - tables.SIDES + side * tables.SIDES + (code >> 2), code)
    return index.astype(np.uint32), not side.any()


def _taken(bins: Counts, seen: Seen) -> tuple[npt.NDArray[np.intp], Many]:
    """Which bins hold something, and how much; they are empty afterwards."""
    numbers = np.flatnonzero(bins) if seen.size >= bins.size else np.unique(seen).astype(np.intp)
    counts = bins[numbers].astype(np.uint64)
    bins[numbers] = 0
    return numbers[counts > 0], counts[counts > 0]


def _moved(to: Codes, counts: Many, size: int) -> Many:
    found = np.zeros(size, np.uint64)
    np.add.at(found, to, counts)
    return found


def _ladder(by_f16: Many, by_bf16: Many, by_e4m3: Many, by_e5m2: Many) -> Settled:
    shared, lanes = tables.tables(), no_lanes()
    of_f16, of_bf16 = shared.moves_f16.T, shared.moves_bf16.T
    words, e4m3, e5m2 = shared.words_f16, tables.E4M3_SHIFT, tables.E5M2_SHIFT
    small, smaller = words[:: 1 << e4m3], words[:: 1 << e5m2]

    def moved(counts: Many, to: Codes, size: int = tables.CODES) -> Many:
        used = np.flatnonzero(counts)
        return _moved(to[used], counts[used], size)

    rungs: dict[Rung, tuple[Many, Words]] = {
        Rung.F16: (by_f16, words),
        Rung.BF16: (by_bf16, shared.words_bf16),
        Rung.FB: (moved(by_bf16, of_bf16[0]), words),
        Rung.BF: (moved(by_f16, of_f16[1]), shared.words_bf16),
        Rung.FZ: (moved(by_f16, of_f16[0]), words),
        Rung.E4M3: (by_e4m3, small),
        Rung.E4M3_F16: (moved(by_f16, of_f16[2], tables.E4M3_BINS), small),
        Rung.E4M3_BF16: (moved(by_bf16, of_bf16[1], tables.E4M3_BINS), small),
        Rung.E5M2: (by_e5m2, smaller),
        Rung.E5M2_F16: (moved(by_f16, of_f16[3], tables.E5M2_BINS), smaller),
        Rung.E5M2_BF16: (moved(by_bf16, of_bf16[2], tables.E5M2_BINS), smaller),
    }
    for rung, (counts, table) in rungs.items():
        used = np.flatnonzero(counts)
        lanes[rung] = (counts[used, None] * table[used]).sum(axis=0, dtype=np.uint64)
    found = tuple(int(np.count_nonzero(rungs[rung][0])) for rung in Rung)
    values = shared.value_bf16
    return Settled(lanes, found, _extremes(by_bf16), _sum(by_bf16, values), _sum(by_bf16, values**2))


def _extremes(by_bf16: Many) -> tuple[int, ...]:
    used = np.flatnonzero(by_bf16)
    used = used[used & 0x7F80 != 0x7F80]
    ordered = used[np.argsort(np.where(used & 0x8000, -(used & 0x7FFF), used))]
    largest, smallest = ordered[::-1][:2], ordered[:2]
    return (*map(int, largest), *map(int, smallest)) if used.size >= 2 else ()


def _sum(counts: Many, values: npt.NDArray[np.float64]) -> float:
    return float(counts.astype(np.float64) @ values)
