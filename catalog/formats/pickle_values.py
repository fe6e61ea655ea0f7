"""What the opcodes of a pickle would build, as plain values: names, calls that nobody makes, storages, tensors.

Numbers, texts, tuples and lists stand for themselves; everything else is one of these. Nothing here hashes or compares
what a pickle says, since both can be made to take for ever; and none of these is a tuple, as a pickle's own are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Value: TypeAlias = object
"""None, bool, int, float, str, bytes, tuple, list, or a class of this module."""


@dataclass(frozen=True, slots=True)
class Name:
    """A class or function that the pickle names."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


@dataclass(frozen=True, slots=True)
class Blob:
    """A literal too long to keep: where it begins in the file, and its bytes."""

    offset: int
    length: int


class Pairs:
    """A dictionary: its keys and values in turn, as they were set; of a key given twice the last one counts."""

    __slots__ = ("bare", "flat", "planted")

    def __init__(self, flat: list[Value] | None = None, *, bare: bool = False) -> None:
        self.bare = bare
        """Whether it is Python's own, which has no attributes."""
        self.flat: list[Value] = [] if flat is None else flat
        self.planted = ""
        """A key that would change how Python treats an object whose state this is."""


class Made:
    """What calling `maker` with `args` would give, and what was put into it afterwards."""

    __slots__ = ("args", "items", "maker", "pairs", "state")

    def __init__(self, maker: Name, args: Value = ()) -> None:
        self.maker = maker
        self.args = args
        self.state: Value = None
        self.items: list[Value] | None = None
        self.pairs: Pairs | None = None


@dataclass(frozen=True, slots=True)
class Storage:
    """A run of values that lies outside the pickle. `used` values from number `start` on are meant, of `whole`."""

    key: str
    dtype: str
    bits: int
    used: int
    whole: int
    start: int = 0


@dataclass(frozen=True, slots=True)
class Tensor:
    """A view of a storage: shape and strides in values, the first value counted from the storage's start."""

    storage: Storage
    dtype: str
    bits: int
    first: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]
