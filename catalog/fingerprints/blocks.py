"""The quantised types of ggml: blocks of codes with their scales, as ggml-common.h and ggml-quants.c define them.

What a weight may have been follows from how ggml quantises. For the types of the K family its last pass moves every
weight to the nearest level of the scales as they are stored, also with an importance matrix, so half a step is exact.
The older types are rounded with a float32 scale that is then stored as F16. Without an importance matrix, that is: with
one, `Q4_0`, `Q4_1`, `Q5_0` and `Q5_1` are tuned block by block, and a weight may be several steps from its level;
`BLOCK_SCALED` names those for which a block has to be judged as a whole.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from catalog.fingerprints.levels import SLACK, Levels, Scaled, decoded, uneven, uniform, valued
from catalog.formats.ggml import TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from catalog.fingerprints.base import Floats, Samples
    from catalog.fingerprints.positions import Places

    Bytes = npt.NDArray[np.uint8]

BLOCK_SCALED = frozenset({"Q4_0", "Q4_1", "Q5_0", "Q5_1"})
"""Types that an importance matrix tunes without a last pass over the stored scales."""

_NL = (-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113)  # kvalues_iq4nl
_FP4 = (0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12)  # kvalues_mxfp4: twice the values of E2M1
_SIGNED = (*range(128), *range(-128, 0))
_HALF_ULP = 2.0**-11  # of an F16, relative to it
_BELOW_LARGEST = 65472.0  # the last F16 but one: after the last comes infinity
_WIDEST = 12.0  # from a level of `_NL` to the midpoint furthest from it
_OVERSHOOT = 1.01  # the opposite sign of the largest weight of a block is cut off one step early


class BlockType(NamedTuple):
    """A type whose tensors are rows of blocks: `values` weights in `nbytes` bytes.

    `unpack` takes blocks of shape (n, nbytes) and gives groups of equal length in C order: n * values codes.
    Where `levels` have no interval (`valued`), values are all that is known.
    """

    values: int
    nbytes: int
    levels: Levels
    unpack: Callable[[Bytes], Scaled]

    @property
    def interval(self) -> bool:
        """Whether it is known what a weight may have been."""
        return bool(np.isfinite(self.levels.down).any())

    @np.errstate(all="ignore")
    def samples(self, blocks: Bytes) -> Samples:
        """Values and intervals of whole blocks, uint8 of shape (n, nbytes): arrays of shape (n, values)."""
        found = decoded(self.levels, self.unpack(blocks))
        return type(found)(*(column.reshape(len(blocks), self.values) for column in found))

    @np.errstate(all="ignore")
    def picked(self, blocks: Bytes, places: Places) -> Samples:
        """Of the values with these numbers only, counted over all the blocks: flat arrays, and less work."""
        stored = self.unpack(blocks)
        group = places // stored.codes.shape[1]
        some = Scaled(
            stored.codes.reshape(-1)[places],
            stored.scale.reshape(-1)[group],
            *(None if part is None else part.reshape(-1)[group] for part in stored[2:]),
        )
        return decoded(self.levels, some)

    @np.errstate(all="ignore")
    def steps(self, blocks: Bytes) -> tuple[Floats, Floats]:
        """Levels of whole blocks, shape (n, values), and the scale of each value's group, of the same shape."""
        stored = self.unpack(blocks)
        level = self.levels.level[stored.codes]
        shape = (len(blocks), self.values)
        return level.reshape(shape), np.broadcast_to(stored.scale, level.shape).reshape(shape)


def _half(blocks: Bytes, at: int) -> Floats:
    """The F16 at that byte of each block, shape (n, 1)."""
    return np.ascontiguousarray(blocks[:, at : at + 2]).view("<f2").astype(np.float64)


def _unit(scale: Floats) -> Floats:
    """How far a scale may be from what it was before it was stored as F16: half the step to the next."""
    return np.spacing(np.minimum(np.abs(scale), _BELOW_LARGEST).astype(np.float16)).astype(np.float64) / 2


def _nibbles(packed: Bytes, run: int) -> Bytes:
    """Codes of four bits: of each `run` bytes first all the low halves, then all the high ones."""
    parts = packed.reshape(len(packed), -1, 1, run)
    return np.concatenate((parts & np.uint8(15), parts >> np.uint8(4)), axis=2)


def _crumbs(packed: Bytes, run: int) -> Bytes:
    """Codes of two bits, in the same way."""
    parts = packed.reshape(len(packed), -1, 1, run)
    return np.concatenate([(parts >> np.uint8(shift)) & np.uint8(3) for shift in (0, 2, 4, 6)], axis=2)


def _bits(packed: Bytes, run: int) -> Bytes:
    """Single bits, in the same way."""
    parts = packed.reshape(len(packed), -1, 1, run)
    return np.concatenate([(parts >> np.uint8(shift)) & np.uint8(1) for shift in range(8)], axis=2)


def _rounded(codes: Bytes, scale: Floats, offset: Floats | None = None) -> Scaled:
    """A block whose scale and offset were float32 when it was quantised."""
    unit = _unit(scale)
    return Scaled(codes, scale, offset, unit, unit if offset is None else unit + _unit(offset))


def _q4(blocks: Bytes, *, offset: bool = False) -> Scaled:
    at = 4 if offset else 2
    codes = _nibbles(blocks[:, at:], 16).reshape(len(blocks), 32)
    return _rounded(codes, _half(blocks, 0), _half(blocks, 2) if offset else None)


def _q5(blocks: Bytes, *, offset: bool = False) -> Scaled:
    at = 4 if offset else 2
    high = np.unpackbits(np.ascontiguousarray(blocks[:, at : at + 4]), axis=1, bitorder="little")
    codes = _nibbles(blocks[:, at + 4 :], 16).reshape(len(blocks), 32)
    codes |= high << np.uint8(4)
    return _rounded(codes, _half(blocks, 0), _half(blocks, 2) if offset else None)


def _q8_0(blocks: Bytes) -> Scaled:
    return _rounded(blocks[:, 2:], _half(blocks, 0))


def _q8_k(blocks: Bytes) -> Scaled:
    scale = np.ascontiguousarray(blocks[:, :4]).view("<f4").astype(np.float64)
    return Scaled(blocks[:, 4:260], scale)


def _groups(blocks: Bytes, codes: Bytes, scale: Floats, offset: Floats | None = None) -> Scaled:
    """Codes of blocks with as many scales each as `scale` has columns."""
    groups = len(blocks) * scale.shape[1]
    shift = None if offset is None else offset.reshape(groups, 1)
    return Scaled(codes.reshape(groups, -1), scale.reshape(groups, 1), shift)


def _q2_k(blocks: Bytes) -> Scaled:
    sizes = blocks[:, :16]
    scale = _half(blocks, 80) * (sizes & np.uint8(15))
    return _groups(blocks, _crumbs(blocks[:, 16:80], 32), scale, -_half(blocks, 82) * (sizes >> np.uint8(4)))


def _q3_k(blocks: Bytes) -> Scaled:
    packed = blocks[:, 96:108]
    low, high = _nibbles(packed[:, :8], 8).reshape(-1, 16), _crumbs(packed[:, 8:], 4).reshape(-1, 16)
    scale = _half(blocks, 108) * ((low | high << np.uint8(4)).astype(np.float64) - 32)
    codes = _crumbs(blocks[:, 32:96], 32).reshape(len(blocks), 256)
    codes |= _bits(blocks[:, :32], 32).reshape(len(blocks), 256) << np.uint8(2)
    return _groups(blocks, codes, scale)


def _six_bits(packed: Bytes) -> tuple[Bytes, Bytes]:
    """Eight scales and eight minima of six bits each, from twelve bytes."""
    low, middle, high = packed[:, :4], packed[:, 4:8], packed[:, 8:12]
    top = np.uint8(0x30)
    scales = (low & np.uint8(63), high & np.uint8(15) | low >> np.uint8(2) & top)
    minima = (middle & np.uint8(63), high >> np.uint8(4) | middle >> np.uint8(2) & top)
    return np.concatenate(scales, axis=1), np.concatenate(minima, axis=1)


def _q4_k(blocks: Bytes) -> Scaled:
    scales, minima = _six_bits(blocks[:, 4:16])
    codes = _nibbles(blocks[:, 16:], 32)
    return _groups(blocks, codes, _half(blocks, 0) * scales, -_half(blocks, 2) * minima)


def _q5_k(blocks: Bytes) -> Scaled:
    scales, minima = _six_bits(blocks[:, 4:16])
    codes = _nibbles(blocks[:, 48:], 32).reshape(len(blocks), 256)
    codes |= _bits(blocks[:, 16:48], 32).reshape(len(blocks), 256) << np.uint8(4)
    return _groups(blocks, codes, _half(blocks, 0) * scales, -_half(blocks, 2) * minima)


def _q6_k(blocks: Bytes) -> Scaled:
    codes = _nibbles(blocks[:, :128], 64).reshape(len(blocks), 256)
    codes |= _crumbs(blocks[:, 128:192], 32).reshape(len(blocks), 256) << np.uint8(4)
    return _groups(blocks, codes, _half(blocks, 208) * blocks[:, 192:208].view(np.int8))


def _uneven(codes: Bytes, scale: Floats, unit: Floats) -> Scaled:
    """Codes of a table, whose groups were quantised with scales that may be off by `unit`."""
    beyond = np.maximum(unit - np.abs(scale) * _HALF_ULP, 0.0)
    return Scaled(codes, scale, slack=beyond, shift=_WIDEST * beyond)


def _iq4_nl(blocks: Bytes) -> Scaled:
    scale = _half(blocks, 0)
    return _uneven(_nibbles(blocks[:, 2:], 16).reshape(len(blocks), 32), scale, _unit(scale))


def _iq4_xs(blocks: Bytes) -> Scaled:
    low = np.stack((blocks[:, 4:8] & np.uint8(15), blocks[:, 4:8] >> np.uint8(4)), axis=2).reshape(-1, 8)
    high = np.ascontiguousarray(blocks[:, 2:4]).view("<u2") >> np.arange(0, 16, 2, dtype=np.uint16) & np.uint16(3)
    sizes = (low | high << np.uint16(4)).astype(np.float64) - 32
    whole = _half(blocks, 0)
    scale, unit = (whole * sizes).reshape(-1, 1), (_unit(whole) * np.abs(sizes)).reshape(-1, 1)
    return _uneven(_nibbles(blocks[:, 8:], 16).reshape(len(scale), 32), scale, unit)


def _tq1_0(blocks: Bytes) -> Scaled:
    """Five digits of base 3 a byte: the upper eight bits of byte * 3**k, times 3, are the digit."""
    runs = ((blocks[:, :32], 5), (blocks[:, 32:48], 5), (blocks[:, 48:52], 4))
    digits = [packed[:, None, :] * np.array([3**k for k in range(count)], np.uint8)[:, None] for packed, count in runs]
    whole = np.concatenate([part.reshape(len(blocks), -1) for part in digits], axis=1)
    return _rounded((whole.astype(np.uint16) * 3 >> 8).astype(np.uint8), _half(blocks, 52))


def _tq2_0(blocks: Bytes) -> Scaled:
    return _rounded(_crumbs(blocks[:, :64], 32).reshape(len(blocks), 256), _half(blocks, 64))


def _q1_0(blocks: Bytes) -> Scaled:
    codes = np.unpackbits(np.ascontiguousarray(blocks[:, 2:]), axis=1, bitorder="little")
    return Scaled(codes, _half(blocks, 0))


def _mxfp4(blocks: Bytes) -> Scaled:
    scale = np.ldexp(1.0, blocks[:, :1].astype(np.int64) - 128)
    return Scaled(_nibbles(blocks[:, 1:], 16).reshape(len(blocks), 32), scale)


def _nvfp4(blocks: Bytes) -> Scaled:
    sizes = blocks[:, :4].astype(np.int64)
    exponent, fraction = sizes >> 3 & 15, sizes & 7
    scale = np.ldexp(np.where(exponent > 0, 8 + fraction, fraction).astype(np.float64), np.maximum(exponent, 1) - 11)
    scale[sizes == 0x7F] = 0.0
    return _groups(blocks, _nibbles(blocks[:, 4:], 8), scale)


def _cut(levels: Sequence[int]) -> Levels:
    """Closed levels, but for the highest, where the quantiser cuts off."""
    found = uniform(levels, SLACK, open_below=0, open_above=0)
    found.up[-1] = levels[-1] + _OVERSHOOT
    return found


_closed = partial(uniform, slack=SLACK, open_below=0, open_above=0)
_open = partial(uniform, slack=SLACK)

_KINDS: Mapping[str, tuple[Levels, Callable[[Bytes], Scaled]]] = {
    "Q4_0": (_cut(range(-8, 8)), _q4),
    "Q4_1": (_closed(range(16)), partial(_q4, offset=True)),
    "Q5_0": (_cut(range(-16, 16)), _q5),
    "Q5_1": (_closed(range(32)), partial(_q5, offset=True)),
    "Q8_0": (_closed(_SIGNED), _q8_0),
    "Q2_K": (_open(range(4)), _q2_k),
    "Q3_K": (_open(range(-4, 4)), _q3_k),
    "Q4_K": (_open(range(16)), _q4_k),
    "Q5_K": (_open(range(32)), _q5_k),
    "Q6_K": (_open(range(-32, 32)), _q6_k),
    "Q8_K": (_open(_SIGNED), _q8_k),
    "IQ4_NL": (uneven(_NL, SLACK, rounded=_HALF_ULP), _iq4_nl),
    "IQ4_XS": (uneven(_NL, SLACK, rounded=_HALF_ULP), _iq4_xs),
    "TQ1_0": (_closed((-1, 0, 1)), _tq1_0),
    "TQ2_0": (_closed((-1, 0, 1, 2)), _tq2_0),
    "Q1_0": (Levels(np.array([-1.0, 1.0]), np.array([-np.inf, 0.0]), np.array([0.0, np.inf])), _q1_0),  # signs
    "MXFP4": (uneven(_FP4, SLACK), _mxfp4),
    "NVFP4": (valued(_FP4), _nvfp4),  # a scale of the whole tensor may lie beside it
}
_SIZES = {block.name: block for block in TYPES.values()}

BLOCKS: Mapping[str, BlockType] = {
    name: BlockType(_SIZES[name].values, _SIZES[name].nbytes, levels, unpack)
    for name, (levels, unpack) in _KINDS.items()
}
"""By the names of GGUF. Those that are missing (IQ1 to IQ3, Q2_0, Q8_1) have no values here."""
