"""The tensors of a component that are big enough to be evidence, as columns: keys are made of all of them at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from catalog.fingerprints.base import AUX_VALUES, CODES, CORE_VALUES, Rung

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from catalog.fingerprints.base import Fingerprint, TensorPrint

    Flags = npt.NDArray[np.bool_]
    Words = npt.NDArray[np.uint64]

_BFLOAT = frozenset({Rung.BF16, Rung.BF})
_RUNGS = len(Rung)
_FEW = 64
"""So many rows are put in order without NumPy's help in less time."""


class Evidence(NamedTuple):
    """One row a tensor. `core`: of two dimensions or more; else of one. `lanes`: shape (n, rungs, 2).

    `rich`: shape (n, rungs), whether it has different values enough there. `extremes`: the four codes as one word, 0
    where there are none.
    """

    core: Flags
    values: Words
    lanes: Words
    rich: Flags
    m32: Words
    exact_f16: Flags
    exact_bf16: Flags
    extremes: Words


def different(tensor: TensorPrint, rung: Rung) -> int:
    """How many different values it has on a rung (up to 255 known); 0 where the values are not known."""
    if tensor.lanes is None:
        return 0
    if tensor.codes:
        return tensor.codes[rung]
    return tensor.codes_bf16 if rung in _BFLOAT else tensor.codes_f16


def evidence(fingerprint: Fingerprint) -> Evidence:
    """Those with lanes, in their order."""
    found = [(one, axes > 1) for one in fingerprint.tensors if one.lanes is not None and (axes := _long(one)) > 0]
    found = [(one, core) for one, core in found if one.values >= (CORE_VALUES if core else AUX_VALUES)]
    tensors = [one for one, _ in found]
    counts = [one.codes or [different(one, rung) for rung in Rung] for one in tensors]
    lanes = np.array([one.lanes for one in tensors], np.uint64).reshape(-1, _RUNGS, 2)
    return Evidence(
        np.array([core for _, core in found], np.bool_),
        np.array([one.values for one in tensors], np.uint64),
        lanes,
        np.array(counts, np.int64).reshape(-1, _RUNGS) >= CODES,
        np.array([one.m32 for one in tensors], np.uint64),
        np.array([one.exact_f16 for one in tensors], np.bool_),
        np.array([one.exact_bf16 for one in tensors], np.bool_),
        np.array([_word(one.extremes) for one in tensors], np.uint64),
    )


def sums(rows: Words, wanted: Flags) -> tuple[Words, Flags]:
    """Over the different rows: `rows` has shape (columns, sets, n), of which `wanted` (sets, n) count.

    The others are set to zero. The sums, shape (sets, columns), mod 2**64; and whether there was any. The second
    column tells most rows apart.
    """
    rows[:, ~wanted] = 0  # what does not count is one row of zeros, and adds nothing
    second = np.sort(rows[1], axis=1)
    if ((second[:, 1:] == second[:, :-1]) & (second[:, 1:] > 0)).any():
        order = np.lexsort(tuple(rows))
        rows = np.take_along_axis(rows, order[None], axis=2)
        again = (rows[:, :, 1:] == rows[:, :, :-1]).all(axis=0)
        rows[:, :, 1:][:, again] = 0
    there: Flags = np.logical_or.reduce(wanted, axis=1)
    return rows.sum(axis=2, dtype=np.uint64).T, there


def least(rows: Words, wanted: Flags, most: int) -> list[list[tuple[int, ...]]]:
    """The least different rows of each set, at most so many: `rows` of shape (columns, sets, n), compared in turn."""
    return [_first(rows[:, at, has], most) for at, has in enumerate(wanted)]


def _first(rows: Words, most: int) -> list[tuple[int, ...]]:
    if rows.shape[1] > _FEW:
        rows = rows[:, np.lexsort(tuple(rows[::-1]))]
        fresh = np.ones(rows.shape[1], np.bool_)
        fresh[1:] = (rows[:, 1:] != rows[:, :-1]).any(axis=0)
        rows = rows[:, fresh][:, :most]
    return sorted(set(zip(*rows.tolist(), strict=True)))[:most]


def _long(tensor: TensorPrint) -> int:
    """How many dimensions are longer than 1."""
    return sum(length > 1 for length in tensor.shape)


def _word(codes: Sequence[int]) -> int:
    word = 0
    for code in codes:
        word = word << 16 | code
    return word
