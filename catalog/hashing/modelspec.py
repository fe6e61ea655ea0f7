"""The other definition of `modelspec.hash_sha256`: SHA-256 of the bytes of one tensor after the other.

Source: kohya-ss/sd-scripts, library/sai_model_spec.py, `precalculate_safetensors_hashes`: in the order of the state
dict, which no file keeps. ModelSpec itself means everything after the header, which is AutoV3: the same wherever
tensors lie in that order. So the orders in which a program may have had them are tried, and one that fits proves it.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from catalog.formats.base import TensorInfo
    from catalog.hashing.base import OpenFileLike

LARGEST = 2 << 30
"""Bytes of a file that is read once more for it: a LoRA has a fraction of them."""

_BLOCK = 1 << 20
_PARTS = re.compile(r"(\d+)")


def in_some_order(
    file: OpenFileLike, tensors: Sequence[TensorInfo], wanted: bytes, read_at: Callable[[int, int], bytes]
) -> bytes | None:
    """The whole digest that begins with `wanted`, in the first order that gives it; None when none does."""
    if file.size > LARGEST or sum(tensor.nbytes for tensor in tensors) > file.size:
        return None
    tried: set[tuple[str, ...]] = set()
    for order in _orders(tensors):
        names = tuple(tensor.name for tensor in order)
        if names in tried:
            continue
        tried.add(names)
        digest = _digest(order, read_at)
        if digest.startswith(wanted):
            return digest
    return None


def _orders(tensors: Sequence[TensorInfo]) -> Iterator[list[TensorInfo]]:
    """By name; by name with numbers as numbers; as they lie in the file, without what lies between them."""
    yield sorted(tensors, key=lambda tensor: tensor.name)
    yield sorted(tensors, key=lambda tensor: _natural(tensor.name))
    yield sorted(tensors, key=lambda tensor: tensor.offset)


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in _PARTS.split(name) if len(part) < 1000]


def _digest(order: Sequence[TensorInfo], read_at: Callable[[int, int], bytes]) -> bytes:
    state = hashlib.sha256()
    for tensor in order:
        for at in range(0, tensor.nbytes, _BLOCK):
            state.update(read_at(tensor.offset + at, min(_BLOCK, tensor.nbytes - at)))
    return state.digest()
