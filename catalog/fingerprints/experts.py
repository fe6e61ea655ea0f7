"""Stacks of experts [E, I, H]: each expert is a tensor of its own, so that it meets the same one stored by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from catalog.formats.base import TensorInfo

LEAST = 64
"""Each side of an expert's matrix has at least so many values, unlike the kernel of a one-dimensional convolution."""
MOST = 4096
"""No more experts in one stack; the largest known have 512."""


class Part(NamedTuple):
    """A tensor as it is fingerprinted: the whole of tensor number `of`, or one expert of it."""

    tensor: TensorInfo
    of: int
    expert: bool = False


def split(tensors: Iterable[TensorInfo]) -> tuple[Part, ...]:
    """The tensors in their order, stacks of experts as their experts: `name[0]`, `name[1]` and so on."""
    return tuple(part for number, tensor in enumerate(tensors) for part in _parts(number, tensor))


def is_stack(tensor: TensorInfo) -> bool:
    """Whether it is a stack of matrices whose bytes lie one after the other."""
    shape = tensor.shape
    return (
        len(shape) == 3
        and 2 <= shape[0] <= MOST
        and min(shape[1:]) >= LEAST
        and tensor.stored is None
        and tensor.nbytes % shape[0] == 0
    )


def _parts(number: int, tensor: TensorInfo) -> Iterator[Part]:
    if not is_stack(tensor):
        yield Part(tensor, number)
        return
    step = tensor.nbytes // tensor.shape[0]
    for expert in range(tensor.shape[0]):
        yield Part(
            tensor._replace(
                name=f"{tensor.name}[{expert}]",
                shape=tensor.shape[1:],
                offset=tensor.offset + expert * step,
                nbytes=step,
            ),
            number,
            expert=True,
        )
