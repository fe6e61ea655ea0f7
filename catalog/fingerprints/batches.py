"""Many small tensors of one file, counted at once: what a stream does for each, for all together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from blake3 import blake3

from catalog.fingerprints import kernels
from catalog.fingerprints.kernels import NOT_BF16, NOT_F16, SMALL
from catalog.fingerprints.streams import Values, codes_of_bytes, has_lanes, lend, take_back
from catalog.hashing.tensors import prefix

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from catalog.fingerprints.codes import Codes
    from catalog.fingerprints.kernels import Counted
    from catalog.formats.base import TensorInfo

_TYPES = frozenset({"F32", "F16", "BF16", "F8_E4M3", "F8_E5M2", "F8_E4M3FNUZ", "F8_E5M2FNUZ"})
_WORDS = frozenset({"F16", "BF16"})
_MANY = 0x8000
_COUNTED = 255
"""Of all rungs but f16 and bf16, more different values are not told apart."""


def fits(tensor: TensorInfo) -> bool:
    """Whether it is one of those that are counted together."""
    return tensor.dtype in _TYPES and tensor.stored is None and tensor.values <= SMALL and has_lanes(tensor)


def count(dtype: str, raw: bytearray, counts: Sequence[int]) -> list[Values] | None:
    """Of tensors of one type whose bytes lie one after the other, each of so many values. None: one by one, please."""
    many = kernels.kernels_for(sum(counts), len(counts)).many()
    if many is None:
        return None
    ends = np.cumsum(np.array(counts, np.int64))
    room = lend()
    twins: list[tuple[bytes, bytes]] = []
    if dtype == "F32":
        found, f16, bf16 = many.wide(np.frombuffer(raw, np.uint32), ends, room.bins, room.outliers)
        f16_digests, bf16_digests = _twins("F16", f16, counts), _twins("BF16", bf16, counts)
        twins = list(zip(f16_digests, bf16_digests, strict=True))
    else:
        bits = np.frombuffer(raw, np.uint16 if dtype in _WORDS else np.uint8)
        codes = bits.view(np.uint16) if dtype in _WORDS else codes_of_bytes(dtype)[bits]
        found = many.narrow(codes, ends, "BF16" if dtype == "BF16" else "F16", room.bins, room.outliers)
    take_back(room)
    return _values(found, np.array(counts, np.float64), _by_f16(dtype, found), twins)


def _by_f16(dtype: str, found: Counted) -> npt.NDArray[np.bool_]:
    """Of each tensor, whether sums come from the f16 codes, since these hold all values."""
    if dtype == "F32":
        exact: npt.NDArray[np.bool_] = found.inexact & NOT_F16 == 0
        return exact
    return np.full(len(found.m32), dtype != "BF16")


def _twins(dtype: str, codes: Codes, counts: Sequence[int]) -> list[bytes]:
    """td of each tensor in that type."""
    raw, found, at = codes.view(np.uint8).data, [], 0
    for values in counts:
        found.append(blake3(prefix(dtype, values) + raw[at : at + 2 * values]).digest())
        at += 2 * values
    return found


def _values(
    found: Counted,
    counts: npt.NDArray[np.float64],
    by_f16: npt.NDArray[np.bool_],
    twins: Sequence[tuple[bytes, bytes]],
) -> list[Values]:
    total, squares = (np.where(by_f16, found.sums[:, at], found.sums[:, at + 2]) for at in (0, 1))
    ends = np.where(found.extremes < 0, _MANY - found.extremes, found.extremes)
    known = np.abs(found.extremes[:, 1]) < 2 * _MANY
    found.codes[:, 2:] = np.minimum(found.codes[:, 2:], _COUNTED)  # small numbers take no memory of their own
    rows = zip(
        found.lanes,
        found.codes.tolist(),
        ends.tolist(),
        known.tolist(),
        found.m32.tolist(),
        found.inexact.tolist(),
        np.sqrt(squares / counts).tolist(),
        (total / counts).tolist(),
        twins or [(b"", b"")] * len(counts),
        strict=True,
    )
    return [
        Values(
            lanes, tuple(codes), tuple(ends) if known else (), m32, not inexact & NOT_F16, not inexact & NOT_BF16,
            rms, mean, *twin,
        )
        for lanes, codes, ends, known, m32, inexact, rms, mean, twin in rows
    ]  # fmt: skip
