"""Shapes, strides and dtypes out of a pickle, checked before anything is computed with them."""

from __future__ import annotations

from typing import TypeGuard

from catalog.errors import UnsupportedFormat
from catalog.formats.base import malformed
from catalog.formats.pickle_names import STORAGES
from catalog.formats.pickle_values import Name, Value
from catalog.vocabulary import FindingCode

MAX_DIMS = 64  # ATen's own loops take no more


def is_count(value: Value) -> TypeGuard[int]:
    """Whether it is a whole number that can count values, bytes or places."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 62


def storage_type(kind: Value) -> tuple[str, int]:
    """dtype and bits of a storage class. Raises `UnsupportedFormat` for those of less than a byte."""
    if isinstance(kind, Name) and kind.name in STORAGES:
        return STORAGES[kind.name]
    if isinstance(kind, Name) and kind.name.endswith("Storage"):
        raise UnsupportedFormat(FindingCode.UNSUPPORTED, format=f"PyTorch pickle with {kind.name[:40]}")
    raise malformed("A storage of no known class", "a persistent id")


def sizes(value: Value, place: str) -> tuple[int, ...]:
    """A shape or its strides, not negative."""
    if not isinstance(value, (tuple, list)) or len(value) > MAX_DIMS:
        raise malformed("A shape that is no list of whole numbers", place)
    found = tuple(int(item) for item in value if is_count(item))
    if len(found) != len(value):
        raise malformed("A shape that is no list of whole numbers", place)
    return found


def reach_of(shape: tuple[int, ...], strides: tuple[int, ...]) -> int:
    """Values from the first to behind the last one of a view; 0 for one with nothing in it."""
    if 0 in shape:
        return 0
    return 1 + sum((length - 1) * stride for length, stride in zip(shape, strides, strict=True))


def contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The strides of C order."""
    strides, step = [], 1
    for length in reversed(shape):
        strides.append(step)
        step *= length
    return tuple(reversed(strides))
