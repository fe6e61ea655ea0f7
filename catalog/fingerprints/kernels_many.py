"""The compiled loops over many small tensors at once: a call for each would cost more than its values do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from catalog.fingerprints import tables
from catalog.fingerprints.base import Rung
from catalog.fingerprints.compiling import compiled
from catalog.fingerprints.kernels import NOT_BF16, NOT_F16, Counted
from catalog.fingerprints.kernels_numba import BY_BF16, BY_F16, DIRECT, cast_all, count_all, own_scratch, settle_all

if TYPE_CHECKING:
    from typing import Any

    from catalog.fingerprints.codes import Bits, Codes
    from catalog.fingerprints.kernels import Counts, Ends

_NO_CODES = np.zeros(0, np.uint16)


def _room(tensors: int) -> Counted:
    rungs = len(Rung)
    return Counted(
        np.zeros((tensors, rungs, 2), np.uint64),
        np.zeros((tensors, rungs), np.int64),
        np.zeros((tensors, 4), np.int64),
        np.zeros((tensors, 4)),
        np.zeros(tensors, np.uint64),
        np.zeros(tensors, np.int64),
    )


@compiled
def _keep(kept: Any, at: Any, of_f16: Any, of_bf16: Any) -> None:
    sums = kept[3]
    sums[at, 0], sums[at, 1] = of_f16
    sums[at, 2], sums[at, 3] = of_bf16


@compiled
def _narrow(codes: Any, ends: Any, source: Any, shared: Any, room: Any, kept: Any) -> None:
    bins, outliers, none, own = room
    start = 0
    for at in range(ends.size):
        stop = ends[at]
        part = codes[start:stop]
        count_all(part, bins)
        row = kept[0][at], kept[1][at], kept[2][at]
        of_f16, of_bf16, m32, flags = settle_all((bins, part, outliers, none), source, shared, own, row)
        _keep(kept, at, of_f16, of_bf16)
        kept[4][at], kept[5][at] = m32, flags
        start = stop


@compiled
def _wide(both: Any, made: Any, ends: Any, known: Any, room: Any, kept: Any) -> None:
    bits, values = both
    source, shared = known
    bins, outliers, none, own = room
    f16, bf16, index = made
    start = 0
    for at in range(ends.size):
        stop = ends[at]
        codes = f16[start:stop], bf16[start:stop], index[start:stop]
        m32, inexact, low, outside = cast_all(bits[start:stop], values[start:stop], bins, outliers, codes)
        row = kept[0][at], kept[1][at], kept[2][at]
        beside = codes[1] if outside else none
        of_f16, of_bf16, _, _ = settle_all((bins, codes[2], outliers, beside), source, shared, own, row)
        _keep(kept, at, of_f16, of_bf16)
        kept[4][at] = m32
        kept[5][at] = (NOT_F16 if inexact else 0) | (NOT_BF16 if low else 0)
        start = stop


class Together:
    """See `kernels.Together`."""

    def narrow(self, codes: Codes, ends: Ends, source: str, bins: Counts, outliers: Counts) -> Counted:
        """Of 16-bit codes of one source."""
        kept, room = _room(ends.size), (bins, outliers, _NO_CODES, own_scratch())
        _narrow(codes, ends, tuple(tables.source(source)), tuple(tables.tables()), room, tuple(kept))
        own = BY_BF16 if source == "BF16" else BY_F16  # of 16 bits: what is by way of its own type is direct
        kept.lanes[:, DIRECT], kept.codes[:, DIRECT] = kept.lanes[:, own], kept.codes[:, own]
        return kept

    def wide(self, bits: Bits, ends: Ends, bins: Counts, outliers: Counts) -> tuple[Counted, Codes, Codes]:
        """Of f32 values; besides, all f16 and bf16 codes."""
        kept, room = _room(ends.size), (bins, outliers, _NO_CODES, own_scratch())
        f16, bf16 = np.empty(bits.size, np.uint16), np.empty(bits.size, np.uint16)
        index = np.empty(bits.size, np.uint32)
        known = tuple(tables.source("F32")), tuple(tables.tables())
        _wide((bits, bits.view(np.float32)), (f16, bf16, index), ends, known, room, tuple(kept))
        return kept, f16, bf16
