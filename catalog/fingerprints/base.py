"""What a fingerprint holds. Of each tensor: digests, additive keys over all values, and samples with their intervals.

A fingerprint is made while its file is read for the digests, kept when the file is gone, and compared without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats: TypeAlias = npt.NDArray[np.float64]
    Lanes: TypeAlias = npt.NDArray[np.uint64]

VERSION = 1
"""Of all constants and rules of this room. A better version stands beside this one; it never changes it."""

CORE_VALUES = 256
"""A tensor of two or more dimensions with fewer values than this is small, and no evidence of its own."""
AUX_VALUES = 64
"""The same for a tensor of one dimension."""
CODES = 17
"""A tensor with fewer different values than this is a constant, a mask or a table, and no evidence."""
PRIME = 11
"""Samples lie at k/11 of each axis, k from 1 to 10: so they meet those of transposed and of fused tensors."""


class Rung(IntEnum):
    """A rounding of values whose sum of random words is kept: the row of `TensorPrint.lanes`.

    `FB`: to bf16, then to f16. `BF`: to f16, then to bf16. `FZ`: to f16 with subnormals as zero. The fp8 rungs
    round to F8_E4M3 or F8_E5M2: from the stored values, by way of f16, by way of bf16. All are words of the f16
    table but `BF16` and `BF`.
    """

    F16 = 0
    BF16 = 1
    FB = 2
    BF = 3
    FZ = 4
    E4M3 = 5
    E4M3_F16 = 6
    E4M3_BF16 = 7
    E5M2 = 8
    E5M2_F16 = 9
    E5M2_BF16 = 10


class Samples(NamedTuple):
    """Values at fixed places of a tensor, and what each may have been before it was stored.

    Three arrays of equal length, float64. `low` <= original <= `high`; infinite where the type's range ends; `values`
    is NaN where nothing is known (a NaN, a block whose scale is zero). For a core tensor the places are those of
    `positions.grid(rows)` x `positions.grid(columns)` in C order; for an aux tensor `positions.grid(values)`; of a
    small one all values.
    """

    values: Floats
    low: Floats
    high: Floats


NO_SAMPLES = Samples(np.empty(0), np.empty(0), np.empty(0))


class TensorPrint(NamedTuple):
    """The fingerprint of one tensor. `name`, `dtype` and `shape` as in the index of its file (`TensorInfo`).

    Of a stack of experts [E, I, H] each expert is a tensor of its own, called `name[3]`.

    `td`, `td_f16`, `td_bf16`: the first 16 bytes of the digests of the stored bytes, and of the values rounded to
    nearest-even f16 and bf16 (b"" where the tensor is neither that type nor F32).
    `lanes`: shape (len(Rung), 2) uint64, one row a rung; None for types without values of their own (quantised,
    integers). `m32`: the sum over the exact f32 values, mod 2**64.
    `exact_f16`, `exact_bf16`: every value is one of f16, of bf16.
    `codes_f16`, `codes_bf16`: how many different f16 and bf16 values there are (0 where `lanes` is None).
    `rms`, `mean`: over all values where `lanes` is there, else over the samples; NaN where nothing is known.
    `codes`: how many different values there are on each rung, up to 255; () where `lanes` is None.
    `extremes`: bf16 codes of the largest and the second largest, the smallest and the second smallest value as bf16.
    `raw`: instead of `samples` their bytes as they were stored, of a print that is only to be packed.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    td: bytes
    td_f16: bytes = b""
    td_bf16: bytes = b""
    lanes: Lanes | None = None
    m32: int = 0
    exact_f16: bool = False
    exact_bf16: bool = False
    codes_f16: int = 0
    codes_bf16: int = 0
    rms: float = float("nan")
    mean: float = float("nan")
    samples: Samples = NO_SAMPLES
    codes: tuple[int, ...] = ()
    extremes: tuple[int, ...] = ()
    raw: bytes | None = None

    @property
    def values(self) -> int:
        """Number of elements; 1 for a scalar."""
        count = 1
        for length in self.shape:
            count *= length
        return count

    @property
    def axes(self) -> tuple[int, ...]:
        """The dimensions longer than 1."""
        return tuple(length for length in self.shape if length > 1)

    @property
    def rows(self) -> int:
        """R: the first dimension longer than 1; 1 if there is none."""
        return self.axes[0] if self.axes else 1

    @property
    def columns(self) -> int:
        """C: the values of a row."""
        return self.values // self.rows if self.values else 0


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Of one component: its tensors in the order of their names. `name` is the part's (`catalog.hashing.parts`)."""

    name: str
    tensors: tuple[TensorPrint, ...]
    version: int = VERSION


class KeyKind(IntEnum):
    """What a stored key of a component is over; kinds of one domain (f16, bf16, f32) can meet one another.

    Whole components: `E` and the rungs. Single tensors, a few chosen ones each: the anchors.
    """

    E = 1
    F16 = 2
    BF16 = 3
    FB = 4
    BF = 5
    FZ = 6
    E4M3 = 7
    E4M3_F16 = 8
    E4M3_BF16 = 9
    ANCHOR_CORE_F16 = 10
    ANCHOR_CORE_BF16 = 11
    ANCHOR_AUX_F16 = 12
    ANCHOR_AUX_BF16 = 13
    EXTREMES = 14
    E5M2 = 15
    E5M2_F16 = 16
    E5M2_BF16 = 17


class Key(NamedTuple):
    """16 bytes by which components find each other."""

    kind: KeyKind
    key: bytes
