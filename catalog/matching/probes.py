"""A few values of a component at fixed places, by which thousands of its relatives are told apart at a glance.

The places are those of the first member of a family, tensor by tensor in its order, so that a member keeps one short
row of numbers whatever its tensors are called and however they lie. For each place two numbers are kept, between which
the value lay before it was stored; in steps of 1/4096 of the root mean square of the first member's tensor, rounded
outwards. Two members one of which was rounded or quantised from the other overlap at every place; of 512 places a
relative that was trained on leaves many that do not (it takes a change above the quantiser's noise to leave one).
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from catalog.fingerprints.base import CORE_VALUES
from catalog.fingerprints.positions import grid, matrix
from catalog.vocabulary import Mapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from catalog.fingerprints.base import Fingerprint, TensorPrint
    from catalog.matching.base import Pair

    Steps: TypeAlias = npt.NDArray[np.int16]
    Indices: TypeAlias = npt.NDArray[np.int64]

PLACES = 512
LENGTH = 2 * PLACES * 2
"""Bytes of a probe: all lower ends, then all upper ones, as little-endian int16."""
_STEPS = 4096
"""Of one root mean square."""
_LOWEST, _HIGHEST = -(2**15), 2**15 - 1
"""Ends that say nothing: beyond them, or not known."""
_STRAIGHT = frozenset({Mapped.STRAIGHT, Mapped.RESHAPED, Mapped.ROWS, Mapped.COLUMNS, Mapped.SHIFTED})
"""Ways of lying beside one another by which single places still meet."""


class Near(NamedTuple):
    """How a block of probes lies to one: for each of its rows, the share of common places where they do not overlap,
    and the mean distance of their middles in units of the root mean square. 1 and infinity where nothing is common.
    """

    outside: npt.NDArray[np.float64]
    distance: npt.NDArray[np.float64]


def build(tensors: Iterable[TensorPrint]) -> int:
    """Digest of the sizes that occur more than once, as a signed 64-bit number; 0 for less than three core tensors."""
    sizes = [tensor.values for tensor in tensors if _is_core(tensor)]
    if len(sizes) < 3:
        return 0
    several = {size for size in sizes if sizes.count(size) > 1} if len(set(sizes)) < len(sizes) else set(sizes)
    told = b"".join(size.to_bytes(8, "little") for size in sorted(several))
    return int.from_bytes(blake2b(told, digest_size=8).digest(), "little", signed=True)


def of_first(first: Fingerprint) -> bytes:
    """The probe of the first member of a family."""
    return _of(first, {tensor.name: [(tensor, None)] for tensor in first.tensors})


def of_member(first: Fingerprint, pairs: Sequence[Pair]) -> bytes:
    """The probe of another member; `pairs` are those of the first member (left) with it (right)."""
    found: dict[str, list[tuple[TensorPrint, Pair | None]]] = {}
    for pair in pairs:
        found.setdefault(pair.left.name, []).append((pair.right, pair))
    return _of(first, found)


def beside(probe: bytes, block: bytes) -> Near:
    """One probe beside many: `block` holds them one after another."""
    low, high = np.frombuffer(probe, "<i2").reshape(2, PLACES)
    rows = np.frombuffer(block, "<i2").reshape(-1, 2, PLACES)
    lows, highs = rows[:, 0], rows[:, 1]
    apart = _count((lows > high) | (highs < low))
    common = _count(((lows > _LOWEST) | (highs < _HIGHEST)) & ((low > _LOWEST) | (high < _HIGHEST)))
    closed = (lows > _LOWEST) & (highs < _HIGHEST) & ((low > _LOWEST) & (high < _HIGHEST))
    away = np.abs(((lows >> 1) + (highs >> 1)).astype(np.int32) - ((low >> 1) + (high >> 1)))
    measured = _count(closed)
    total = (away * closed).sum(axis=1, dtype=np.int32)
    return Near(
        np.where(common > 0, apart / np.maximum(common, 1), 1.0),
        np.where(measured > 0, total / np.maximum(measured, 1) / _STEPS, np.inf),
    )


def _count(flags: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint16]:
    counts: npt.NDArray[np.uint16] = flags.view(np.uint8).sum(axis=1, dtype=np.uint16)
    return counts


def _of(first: Fingerprint, likes: dict[str, list[tuple[TensorPrint, Pair | None]]]) -> bytes:
    low, high = np.full(PLACES, _LOWEST, np.int16), np.full(PLACES, _HIGHEST, np.int16)
    at = 0
    for tensor, picks in _plan(first):
        places = slice(at, at + len(picks))
        at += len(picks)
        for like, pair in likes.get(tensor.name, ()):
            lows, highs, known = _ends(tensor, like, pair, picks)
            low[places] = np.where(known, lows, low[places])
            high[places] = np.where(known, highs, high[places])
    return low.astype("<i2").tobytes() + high.astype("<i2").tobytes()


def _plan(first: Fingerprint) -> list[tuple[TensorPrint, Indices]]:
    """Which samples of which tensors, evenly over all core tensors."""
    tensors = [tensor for tensor in first.tensors if _is_core(tensor) and len(tensor.samples.values)]
    if len(tensors) > PLACES:
        tensors = [tensors[at * len(tensors) // PLACES] for at in range(PLACES)]
    plan = []
    for number, tensor in enumerate(tensors):
        wanted = (number + 1) * PLACES // len(tensors) - number * PLACES // len(tensors)
        count = len(tensor.samples.values)
        wanted = min(wanted, count)
        plan.append((tensor, (np.arange(wanted) * count // max(wanted, 1) + number) % count))
    return plan


def _is_core(tensor: TensorPrint) -> bool:
    return len(tensor.axes) > 1 and tensor.values >= CORE_VALUES


def _ends(
    tensor: TensorPrint, like: TensorPrint, pair: Pair | None, picks: Indices
) -> tuple[Steps, Steps, npt.NDArray[np.bool_]]:
    """Lower and upper ends at the places of the like that meet `picks` of the tensor, and which of them do."""
    there = picks if pair is None else _meeting(tensor, like, pair, picks)
    count = len(like.samples.values)
    known = (there >= 0) & (there < count)
    if not count:
        return np.zeros(len(picks), np.int16), np.zeros(len(picks), np.int16), known
    index = np.where(known, there, 0)
    shift = pair.shift if pair is not None and pair.mapped is Mapped.SHIFTED else 0.0
    scale = _STEPS / (tensor.rms if np.isfinite(tensor.rms) and tensor.rms > 0 else 1.0)
    known &= ~np.isnan(like.samples.values[index])
    return (
        _steps(np.floor((like.samples.low[index] - shift) * scale)),
        _steps(np.ceil((like.samples.high[index] - shift) * scale)),
        known,
    )


def _steps(ends: npt.NDArray[np.float64]) -> Steps:
    return np.nan_to_num(np.clip(ends, _LOWEST, _HIGHEST)).astype(np.int16)


def _meeting(tensor: TensorPrint, like: TensorPrint, pair: Pair, picks: Indices) -> Indices:
    """Numbers of the samples of `like` that lie at the same place as `picks` of `tensor`; -1 where none does."""
    if pair.mapped not in _STRAIGHT:
        return np.full(len(picks), -1)
    rows, columns = matrix(tensor.shape)
    width = len(grid(columns))
    at = [grid(rows)[picks // width], grid(columns)[picks % width]]
    if pair.mapped in {Mapped.ROWS, Mapped.COLUMNS}:
        axis = int(pair.mapped is Mapped.COLUMNS)
        at[axis] = at[axis] + (pair.offset if tensor.values < like.values else -pair.offset)
    stored = matrix(like.shape)
    if pair.transposed:
        at.reverse()
    elif pair.mapped is Mapped.RESHAPED and stored != (rows, columns):
        return np.full(len(picks), -1)
    row, column = (_index(grid(length), place) for length, place in zip(stored, at, strict=True))
    return np.where((row >= 0) & (column >= 0), row * len(grid(stored[1])) + column, -1)


def _index(places: Indices, wanted: Indices) -> Indices:
    found = np.minimum(np.searchsorted(places, wanted), len(places) - 1)
    return np.where(places[found] == wanted, found, -1)
