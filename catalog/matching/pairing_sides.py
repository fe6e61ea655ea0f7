"""One side of a comparison: its tensors by what they are good for, with what is asked of them often."""

from __future__ import annotations

import re
from enum import IntEnum
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from catalog.fingerprints.base import AUX_VALUES, CODES, CORE_VALUES, PRIME, Rung
from catalog.fingerprints.companions import WEIGHTS, scales_of
from catalog.formats.base import TensorInfo
from catalog.hashing.parts import is_weight
from catalog.matching.pairing_precision import effective

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from catalog.fingerprints.base import Fingerprint, Samples, TensorPrint
    from catalog.vocabulary import Direction


class Sort(IntEnum):
    """What a tensor is good for. `CORE`: evidence, and counted. `LESSER`: no evidence of its own (norms, biases,
    constants, scalars), but it must not contradict. `OPAQUE`: counted, but its values cannot be read, so that only its
    digest tells anything. `NONE`: no weights.
    """

    CORE = 0
    LESSER = 1
    OPAQUE = 2
    NONE = 3


COUNTED = (Sort.CORE, Sort.OPAQUE)
"""What the shares of a component are shares of."""


class Match(NamedTuple):
    """Two tensors, by their numbers, that exact keys or digests join.

    `made`: which one is the rounding of the other; NONE for equal values. `alone`: no other tensor of either side
    has the same values, so their places mean something.
    """

    left: int
    right: int
    proven: bool
    made: Direction
    rung: str
    alone: bool


_WIDTH = 16
_WRAPPED = re.compile(r"_(quantized|q)$")


class Side:
    """A fingerprint made ready. All lists run parallel to `tensors`."""

    def __init__(self, fingerprint: Fingerprint) -> None:
        self.name = fingerprint.name
        self.tensors: tuple[TensorPrint, ...] = fingerprint.tensors
        self.sizes = [tensor.values for tensor in self.tensors]
        self.axes = [tensor.axes for tensor in self.tensors]
        self.sorts = [sort_of(*each) for each in zip(self.tensors, self.sizes, self.axes, strict=True)]

    @cached_property
    def names(self) -> list[str]:
        """The names without the part they belong to, what all have in common and what a quantiser appended."""
        return plain_names([tensor.name for tensor in self.tensors], self.name)

    @cached_property
    def samples(self) -> list[Samples]:
        """Those of each tensor, with the intervals of the precision that its values really have."""
        return effective(self.tensors)

    @cached_property
    def scales(self) -> dict[int, tuple[int, ...]]:
        """Of each weight whose scales lie beside it: the numbers of the tensors that hold them and its zero points."""
        if WEIGHTS.isdisjoint(tensor.dtype for tensor in self.tensors):
            return {}
        infos = [TensorInfo(one.name, one.dtype, one.shape, 0, 0) for one in self.tensors]
        found = {number: scale for number, scale in scales_of(infos, {}).items() if scale is not None}
        return {n: (one.tensor,) if one.zero is None else (one.tensor, one.zero) for n, one in found.items()}

    @cached_property
    def of_scales(self) -> set[int]:
        """Numbers of the tensors that are scales or zero points of others."""
        return set(chain.from_iterable(self.scales.values()))

    @cached_property
    def lanes(self) -> list[bytes]:
        """The sums of all rungs of each tensor; b"" where there are none."""
        return [b"" if tensor.lanes is None else tensor.lanes.tobytes() for tensor in self.tensors]

    @cached_property
    def own(self) -> list[tuple[Hashable, ...]]:
        """The keys over each tensor's values as they are, in each domain that holds them exactly."""
        return [own(tensor, lanes) for tensor, lanes in zip(self.tensors, self.lanes, strict=True)]

    @cached_property
    def shapes(self) -> list[tuple[int, int]]:
        """Rows and columns; one row where there are no two dimensions beyond 1."""
        return [
            (axes[0], size // axes[0]) if len(axes) > 1 else (1, size)
            for axes, size in zip(self.axes, self.sizes, strict=True)
        ]

    @cached_property
    def grids(self) -> list[tuple[int, int]]:
        """Sampled rows and columns of a large tensor; (1, values) of a small one."""
        return [
            (min(rows, PRIME - 1), min(columns, PRIME - 1)) if is_large(size, axes) else (1, size)
            for (rows, columns), size, axes in zip(self.shapes, self.sizes, self.axes, strict=True)
        ]

    def shape(self, number: int) -> tuple[int, int]:
        """As `shapes`."""
        return self.shapes[number]

    def grid(self, number: int) -> tuple[int, int]:
        """As `grids`."""
        return self.grids[number]

    def sampled(self, number: int) -> bool:
        """Are there as many samples as its shape asks for?"""
        rows, columns = self.grids[number]
        return len(self.tensors[number].samples.values) == rows * columns > 0

    def large(self, number: int) -> bool:
        """As `is_large`."""
        return is_large(self.sizes[number], self.axes[number])

    def codes(self, number: int) -> int:
        """How many different values there are; 0 where that is not known."""
        return max(self.tensors[number].codes_f16, self.tensors[number].codes_bf16)

    def constant(self, number: int) -> bool:
        """Are all its values equal, as in a bias that nobody trained?"""
        tensor = self.tensors[number]
        return tensor.codes_f16 == 1 == tensor.codes_bf16

    def of_sort(self, *sorts: Sort) -> list[int]:
        """Their numbers."""
        return [number for number, sort in enumerate(self.sorts) if sort in sorts]


def sort_of(tensor: TensorPrint, size: int, axes: Sequence[int]) -> Sort:
    """Of a tensor with `size` values and the dimensions `axes` beyond 1."""
    if not size or not is_weight(TensorInfo(tensor.name, tensor.dtype, tensor.shape, 0, 0)):
        return Sort.NONE
    if len(axes) < 2 or size < CORE_VALUES:
        return Sort.LESSER
    if tensor.lanes is not None:
        return Sort.CORE if max(tensor.codes_f16, tensor.codes_bf16) >= CODES else Sort.LESSER
    return Sort.CORE if np.isfinite(tensor.samples.values).any() else Sort.OPAQUE


def own(tensor: TensorPrint, lanes: bytes) -> tuple[Hashable, ...]:
    """As `Side.own`, of one tensor. In f32 where neither 16-bit type holds its values."""
    if not lanes:
        return ()
    keys: list[Hashable] = []
    if tensor.exact_f16:
        keys.append(("f16", rung_of(lanes, Rung.F16)))
    if tensor.exact_bf16:
        keys.append(("bf16", rung_of(lanes, Rung.BF16)))
    return tuple(keys) or (("f32", rung_of(lanes, Rung.F16), tensor.m32),)


def rung_of(lanes: bytes, rung: Rung) -> bytes:
    """The two sums of one rung."""
    return lanes[rung * _WIDTH : (rung + 1) * _WIDTH]


def is_large(size: int, axes: Sequence[int]) -> bool:
    """Large enough for a sketch: of others all values are kept."""
    return size >= (CORE_VALUES if len(axes) > 1 else AUX_VALUES)


def plain_names(names: Sequence[str], part: str) -> list[str]:
    """`names` as they can be compared with those of another file."""
    cut = len(part) + 1
    shorter = [name[cut:] if part and name.startswith((f"{part}.", f"{part}/")) else name for name in names]
    common = _common(shorter)
    return [_WRAPPED.sub("", name[common:]) for name in shorter]


def _common(names: Sequence[str]) -> int:
    """Length of the dotted beginning that all share."""
    if len(names) < 2:
        return 0
    low, high = min(names), max(names)
    length = next((at for at, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), min(len(low), len(high)))
    return low.rfind(".", 0, length) + 1
