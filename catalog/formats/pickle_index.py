"""From the tree of a pickle to the index of a file: where each tensor's values lie, and how."""

from __future__ import annotations

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
_ALWAYS_ALLOWED = 1 << 28  # bytes told, whatever the size of the file


class Run(NamedTuple):
    """Where a storage's bytes lie in the file."""

    offset: int
    nbytes: int


class Index(NamedTuple):
    """`tensors` sorted by name."""

    tensors: tuple[TensorInfo, ...]
    metadata: Mapping[str, Json]


def index(torch: Torch, root: Value, place: Callable[[Storage], Run], *, size: int, big_endian: bool = False) -> Index:
    """The tensors below `root`, of a file of `size` bytes. Raises `MalformedFile` where a storage is not as it says."""
    found = state_dicts.find(root, torch.legacy)
    named = state_dicts.names(found.tensors)
    tensors = sorted(_laid_out(name, tensor, place(tensor.storage), big_endian) for name, tensor in named.items())
    _check_told(tensors, size)
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
    return TensorInfo(name, tensor.dtype, shape, offset, nbytes, 0, stored if nbytes else None)


def _in_order(shape: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    """Whether a view has its values in C order; dimensions of one value have no stride that counts."""
    if strides == contiguous(shape) or 0 in shape:
        return True
    kept = [(length, stride) for length, stride in zip(shape, strides, strict=True) if length != 1]
    return tuple(stride for _, stride in kept) == contiguous(tuple(length for length, _ in kept))


def _check_told(tensors: list[TensorInfo], size: int) -> None:
    """Views may tell the same bytes many times; each different one is read once."""
    different = {(tensor.offset, tensor.dtype, tensor.shape, tensor.stored): tensor for tensor in tensors}
    told = sum(max(tensor.nbytes, tensor.values * _width(tensor)) for tensor in different.values())
    if told > size * MOST_REPEATED + _ALWAYS_ALLOWED:
        raise malformed(f"Views that tell {told:,} bytes out of {size:,}", "the tensors")


def _width(tensor: TensorInfo) -> int:
    """Bytes of a value of a view that is not plain; 0 where `nbytes` says it all."""
    return 16 if tensor.stored is not None and tensor.stored.strides else 0
