"""Weights quantised as ggml does it: the types of the K family and IQ4 here, the older ones by the gguf package.

What matters for recognition is kept: the scales are rounded for storing, and then every weight goes to the nearest
level of the stored scales (the K family), or of those before they were rounded (IQ4). They are chosen more simply.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from gguf import GGMLQuantizationType
from gguf.quants import quantize

from catalog.formats.ggml import TYPES
from tests.builders import Packed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

_NL = np.array([-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113], np.float32)
_ONE = np.float32(1)
_SIZES = {block.name: block for block in TYPES.values()}


def quantise(array: npt.NDArray[np.generic], kind: str, *, tight: float = 1.0) -> Packed:
    """The array in that type of GGUF, its last dimension a multiple of the type's block.

    `tight` below 1 makes the scales of the K family and of IQ4 so much smaller, so that large weights are cut off, as
    they are where ggml weighs one against the others.
    """
    values = np.ascontiguousarray(array, np.float32)
    own = _OWN.get(kind)
    if own is None:
        raw = quantize(values, GGMLQuantizationType[kind]).tobytes()
    else:
        raw = own(values.reshape(-1, _SIZES[kind].values), np.float32(tight)).tobytes()
    return Packed(kind, array.shape, raw)


def tuned(array: npt.NDArray[np.generic], kind: str, importance: Floats) -> Packed:
    """Q4_0 or Q5_0 with an importance matrix: one weight above 0 for each column.

    The levels are those of the best of nineteen scales, and the stored scale is fitted to them afterwards
    (make_qx_quants), so that a weight may be far from its level.
    """
    half = 8 if kind == "Q4_0" else 16
    blocks = np.ascontiguousarray(array, np.float32).reshape(-1, 32)
    weight = np.broadcast_to(importance, array.shape).reshape(-1, 32) * np.sqrt(blocks**2 + (blocks**2).mean())
    largest = _furthest(blocks)
    best, scale, levels = np.full(len(blocks), -1.0), np.zeros(len(blocks)), np.zeros(blocks.shape, np.int64)
    for step in range(-9, 10):
        found = np.clip(np.rint(blocks * (-(half + 0.1 * step) / largest)), -half, half - 1).astype(np.int64)
        across, own = (weight * blocks * found).sum(axis=1), np.maximum((weight * found**2).sum(axis=1), 1e-30)
        better = across**2 / own > best
        best[better], scale[better], levels[better] = (across**2 / own)[better], (across / own)[better], found[better]
    return Packed(kind, array.shape, _packed_old(levels + half, scale, five=half == 16).tobytes())


def _packed_old(codes: npt.NDArray[np.int64], scale: npt.NDArray[np.float64], *, five: bool) -> Bytes:
    low = (codes & 15).astype(np.uint8)
    parts = [_halves(scale[:, None]), low[:, :16] | low[:, 16:] << 4]
    if five:
        parts.insert(1, np.packbits((codes >> 4).astype(np.uint8), axis=1, bitorder="little"))
    return np.concatenate(parts, axis=1)


def _furthest(groups: Floats) -> Floats:
    """Of each group the value of the largest size, with its sign; never zero."""
    found = np.take_along_axis(groups, np.abs(groups).argmax(axis=-1)[..., None], axis=-1)
    return np.where(found == 0, np.float32(1e-30), found)


def _halves(scale: npt.NDArray[np.floating]) -> Bytes:
    """As F16, byte by byte: (n, 1) becomes (n, 2)."""
    return np.ascontiguousarray(scale).astype("<f2").view(np.uint8)


def _stored(scale: npt.NDArray[np.floating]) -> Floats:
    return scale.astype(np.float16).astype(np.float32)


def _shared(codes: npt.NDArray[np.integer] | Floats, run: int, bits: int) -> Bytes:
    """Codes of `bits` bits side by side in bytes, as the K family does: a run of each, then the next above it."""
    parts = codes.astype(np.uint8).reshape(len(codes), -1, 8 // bits, run)
    shifted = parts << (np.arange(8 // bits, dtype=np.uint8) * np.uint8(bits))[:, None]
    merged: Bytes = np.bitwise_or.reduce(shifted, axis=2)
    return merged.reshape(len(codes), -1)


def _offset(blocks: Floats, tight: np.float32, length: int, top: int, most: int) -> tuple[Floats, ...]:
    """Scales and minima of groups: those of the whole block, the small integers, and the codes."""
    groups = blocks.reshape(len(blocks), -1, length)
    low = np.minimum(groups.min(axis=2), 0)
    scale = (groups.max(axis=2) - low) / np.float32(top) * tight
    whole, least = (_stored(part.max(axis=1, keepdims=True) / np.float32(most)) for part in (scale, -low))
    sizes = [
        np.clip(np.rint(part / np.where(unit == 0, _ONE, unit)), 0, most)
        for part, unit in ((scale, whole), (-low, least))
    ]
    step, shift = whole * sizes[0], least * sizes[1]
    codes = np.clip(np.rint((groups + shift[..., None]) / np.where(step == 0, _ONE, step)[..., None]), 0, top)
    return whole, least, sizes[0], sizes[1], codes.reshape(blocks.shape)


def _q2_k(blocks: Floats, tight: np.float32) -> Bytes:
    whole, least, scales, minima, codes = _offset(blocks, tight, 16, 3, 15)
    sizes = scales.astype(np.uint8) | minima.astype(np.uint8) << 4
    return np.concatenate([sizes, _shared(codes, 32, 2), _halves(whole), _halves(least)], axis=1)


def _six(scales: Floats, minima: Floats) -> Bytes:
    """Eight scales and minima of six bits in twelve bytes."""
    first, second = scales.astype(np.uint8), minima.astype(np.uint8)
    parts = [part[:, :4] | part[:, 4:] >> 4 << 6 for part in (first, second)]
    return np.concatenate([*parts, first[:, 4:] & 15 | (second[:, 4:] & 15) << 4], axis=1)


def _q4_k(blocks: Floats, tight: np.float32) -> Bytes:
    whole, least, scales, minima, codes = _offset(blocks, tight, 32, 15, 63)
    parts = [_halves(whole), _halves(least), _six(scales, minima), _shared(codes, 32, 4)]
    return np.concatenate(parts, axis=1)


def _q5_k(blocks: Floats, tight: np.float32) -> Bytes:
    whole, least, scales, minima, codes = _offset(blocks, tight, 32, 31, 63)
    small = codes.astype(np.uint8)
    high, low = _shared(small >> 4, 32, 1), _shared(small & 15, 32, 4)
    return np.concatenate([_halves(whole), _halves(least), _six(scales, minima), high, low], axis=1)


def _signed(blocks: Floats, tight: np.float32, bottom: int, most: int) -> tuple[Floats, Floats, Bytes]:
    """Scales of groups of 16 that may be negative: that of the whole block, the small integers, and the codes."""
    groups = blocks.reshape(len(blocks), 16, 16)
    scale = _furthest(groups)[..., 0] / np.float32(bottom) * tight
    whole = _stored(_furthest(scale) / np.float32(-most))
    sizes = np.clip(np.rint(scale / np.where(whole == 0, _ONE, whole)), -most, most - 1)
    step = whole * sizes
    codes = np.clip(np.rint(groups / np.where(step == 0, _ONE, step)[..., None]), bottom, -bottom - 1) - bottom
    return whole, sizes, codes.reshape(blocks.shape).astype(np.uint8)


def _q3_k(blocks: Floats, tight: np.float32) -> Bytes:
    whole, sizes, codes = _signed(blocks, tight, -4, 32)
    six = (sizes + 32).astype(np.uint8)
    scales = [_shared(six & 15, 8, 4), _shared(six >> 4, 4, 2)]
    return np.concatenate([_shared(codes >> 2, 32, 1), _shared(codes & 3, 32, 2), *scales, _halves(whole)], axis=1)


def _q6_k(blocks: Floats, tight: np.float32) -> Bytes:
    whole, sizes, codes = _signed(blocks, tight, -32, 128)
    parts = [_shared(codes & 15, 64, 4), _shared(codes >> 4, 32, 2), sizes.astype(np.int8).view(np.uint8)]
    return np.concatenate([*parts, _halves(whole)], axis=1)


def _nearest(scaled: npt.NDArray[np.floating]) -> Bytes:
    return np.searchsorted((_NL[:-1] + _NL[1:]) / 2, scaled, side="right").astype(np.uint8)


def _iq4_nl(blocks: Floats, tight: np.float32) -> Bytes:
    scale = _furthest(blocks) / np.float32(-127) * tight
    return np.concatenate([_halves(scale), _shared(_nearest(blocks / scale), 16, 4)], axis=1)


def _iq4_xs(blocks: Floats, tight: np.float32) -> Bytes:
    groups = blocks.reshape(len(blocks), 8, 32)
    scale = _furthest(groups)[..., 0] / np.float32(-127) * tight
    whole = _furthest(scale) / np.float32(-32)
    sizes = np.clip(np.rint(scale / whole), -32, 31)
    step = np.where(sizes == 0, _ONE, whole * sizes)
    codes = _nearest(groups / step[..., None]).reshape(blocks.shape)
    six = (sizes + 32).astype(np.uint16)
    high = ((six >> 4) << np.arange(0, 16, 2, dtype=np.uint16)).sum(axis=1, dtype=np.uint16)
    low = (six & 15).astype(np.uint8)
    parts = [_halves(whole), high[:, None].view(np.uint8), low[:, ::2] | low[:, 1::2] << 4, _shared(codes, 16, 4)]
    return np.concatenate(parts, axis=1)


_OWN: Mapping[str, Callable[[Floats, np.float32], Bytes]] = {
    "Q2_K": _q2_k,
    "Q3_K": _q3_k,
    "Q4_K": _q4_k,
    "Q5_K": _q5_k,
    "Q6_K": _q6_k,
    "IQ4_NL": _iq4_nl,
    "IQ4_XS": _iq4_xs,
}
