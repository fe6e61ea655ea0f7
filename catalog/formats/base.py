"""What every reader of a format takes and gives. A reader never loads, executes or trusts: it indexes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from catalog.vocabulary import FindingCode, Format, Outcome

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"


class Source(Protocol):
    """Bytes that can be read by offset; the storage room's `OpenFile` is one."""

    @property
    def name(self) -> bytes: ...

    @property
    def size(self) -> int: ...

    def read_at(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes at `offset`; raises `MalformedFile(TRUNCATED)` when the file ends before."""
        ...


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One tensor of the index. `dtype` is the safetensors name (`F16`) or the GGUF type name (`Q4_K`).

    `shape` is in C order, GGUF's reversed to match; `offset` is from the start of file number `file` of the set.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    nbytes: int
    file: int = 0

    @property
    def values(self) -> int:
        """Number of elements; 1 for a scalar."""
        count = 1
        for length in self.shape:
            count *= length
        return count


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong that did not stop the reading."""

    code: FindingCode
    params: Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class Probe:
    """What a reader says of a file, or of the files of a set, without loading them.

    `metadata` holds text that PostgreSQL accepts: no NUL, no lone surrogate, no NaN. `body` is the offset at which
    the tensor data of a single safetensors file begins (AutoV3 hashes from there).
    """

    format: Format
    outcome: Outcome
    tensors: tuple[TensorInfo, ...] = ()
    metadata: Mapping[str, Json] = field(default_factory=dict)
    body: int | None = None
    problems: tuple[Problem, ...] = ()
