"""From the tree of a pickle to the index of a file: where each tensor's values lie, and how."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from catalog.formats import state_dicts
from catalog.formats.base import Json, Stored, TensorInfo, malformed
from catalog.formats.pickle_shapes import contiguous, reach_of
from catalog.formats.text import clean_json, clean_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from catalog.formats.pickle_torch import Torch
    from catalog.formats.pickle_values import Storage, Tensor, Value

MOST_REPEATED = 4
"""Times that the values of a file may be told by views of them, beyond which counting them would take for ever."""
_TWO_A_BYTE = "F4_X2"
_ALWAYS_ALLOWED = 1 << 28  # bytes told, whatever the size of the file


class Run(NamedTuple):
    """Where a storage's bytes lie in the file."""

    offset: int
    nbytes: int


class Index(NamedTuple):
    """`tensors` sorted by name."""

    tensors: tuple[TensorInfo, ...]
    metadata: Mapping[str, Json]


class Layout(NamedTuple):
    """What an archive says besides: `constants` of a script, the order of bytes."""

    constants: Value = None
    big_endian: bool = False


_PLAIN = Layout()


def index(torch: Torch, root: Value, place: Callable[[Storage], Run], size: int, layout: Layout = _PLAIN) -> Index:
    """The tensors below `root`, of a file of `size` bytes. Raises `MalformedFile` where a storage is not as it says."""
    found = state_dicts.find(root, torch.legacy)
    named = state_dicts.names(found.tensors)
    constants = state_dicts.names(state_dicts.find(layout.constants, torch.legacy).tensors)
    named |= {f"constants.{name}": tensor for name, tensor in constants.items()}
    _check_told([*named.values()], size)
    tensors = sorted(
        _laid_out(name, tensor, place(tensor.storage), layout.big_endian) for name, tensor in named.items()
    )
    metadata = {clean_text(key): clean_json(value) for key, value in found.facts.items()}
    return Index(tuple(tensors), metadata)


def _laid_out(name: str, tensor: Tensor, run: Run, big_endian: bool) -> TensorInfo:  # noqa: FBT001 # a fact of the file
    storage, shape, width = tensor.storage, tensor.shape, tensor.bits // 8
    if storage.whole * storage.bits != run.nbytes * 8:
        told = storage.whole * storage.bits // 8
        raise malformed(f"A storage of {run.nbytes:,} bytes that should have {told:,}", f"storage {storage.key[:40]}")
    offset = run.offset + tensor.first * width
    swapped = big_endian and width > 1
    nbytes = reach_of(shape, tensor.strides) * width
    plain = _in_order(shape, tensor.strides)
    stored = None if plain and not swapped else Stored(() if plain else tensor.strides, big_endian=swapped)
    dtype = tensor.dtype
    if dtype == _TWO_A_BYTE and plain and shape:
        dtype, shape = "F4", (*shape[:-1], shape[-1] * 2)  # as safetensors counts them
    return TensorInfo(name, dtype, shape, offset, nbytes, 0, stored if nbytes else None)


def _in_order(shape: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    """Whether a view has its values in C order; dimensions of one value have no stride that counts."""
    if strides == contiguous(shape) or 0 in shape:
        return True
    kept = [(length, stride) for length, stride in zip(shape, strides, strict=True) if length != 1]
    return tuple(stride for _, stride in kept) == contiguous(tuple(length for length, _ in kept))


def _check_told(tensors: list[Tensor], size: int) -> None:
    """Views may tell the same bytes many times; each different one is read once."""
    different = {
        (tensor.storage.key, tensor.first, tensor.shape, tensor.strides): math.prod(tensor.shape) * tensor.bits // 8
        for tensor in tensors
    }
    told = sum(different.values())
    if told > size * MOST_REPEATED + _ALWAYS_ALLOWED:
        raise malformed(f"Views that tell {told:,} bytes out of {size:,}", "the tensors")
