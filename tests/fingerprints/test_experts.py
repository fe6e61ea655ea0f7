"""Which tensors are stacks of matrices, and where each of them lies."""

from __future__ import annotations

import pytest

from catalog.fingerprints.experts import is_stack, split
from catalog.formats.base import Stored, TensorInfo


def _tensor(shape: tuple[int, ...], nbytes: int = 0, stored: Stored | None = None) -> TensorInfo:
    count = 1
    for length in shape:
        count *= length
    return TensorInfo("w", "F16", shape, 1000, nbytes or 2 * count, 0, stored)


@pytest.mark.parametrize(
    "shape", [(64, 64), (320, 320, 3), (320, 320, 3, 3), (1, 64, 64), (8, 64, 63), (5000, 64, 64), ()]
)
def test_kernels_single_matrices_and_heaps_without_end_stay_whole(shape: tuple[int, ...]) -> None:
    assert not is_stack(_tensor(shape))


def test_what_does_not_lie_plainly_stays_whole() -> None:
    assert not is_stack(_tensor((8, 64, 64), stored=Stored(big_endian=True)))
    assert not is_stack(_tensor((8, 64, 64), nbytes=65_535))


def test_each_expert_has_its_own_bytes() -> None:
    parts = split([_tensor((7,)), _tensor((3, 64, 128))])
    assert [(part.of, part.expert) for part in parts] == [(0, False), (1, True), (1, True), (1, True)]
    assert [part.tensor.name for part in parts] == ["w", "w[0]", "w[1]", "w[2]"]
    assert [(part.tensor.offset, part.tensor.nbytes, part.tensor.shape) for part in parts[1:]] == [
        (1000 + at * 16_384, 16_384, (64, 128)) for at in range(3)
    ]


def test_quantised_experts_are_split_by_bytes() -> None:
    stack = TensorInfo("blk.0.ffn_up_exps.weight", "Q4_K", (4, 64, 256), 0, 4 * 64 * 144)
    assert [part.tensor.nbytes for part in split([stack])] == [64 * 144] * 4
