"""What every reader of a format takes and gives. A reader never loads, executes or trusts: it indexes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias

from catalog.errors import MalformedFile
from catalog.vocabulary import FileRole, FindingCode, Format, Outcome
from catalog.vocabulary.sizes import human_sizes

if TYPE_CHECKING:
    from collections.abc import Mapping

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
class SetMember:
    """One file of a set. `name` is relative to the set's folder, `/` between parts, raw bytes."""

    name: bytes
    role: FileRole
    source: Source


@dataclass(frozen=True, slots=True)
class SetSource:
    """The files of one weight set, opened. `TensorInfo.file` counts them from 0 in this order."""

    files: tuple[SetMember, ...]


class Stored(NamedTuple):
    """How a tensor's values lie in its range of the file where that is not plainly: little-endian, in C order.

    `strides` count elements from the first, as PyTorch's views have them; () is C order. `varint`: each value is a
    protobuf varint, as ONNX writes small integers.
    """

    strides: tuple[int, ...] = ()
    big_endian: bool = False
    varint: bool = False


class TensorInfo(NamedTuple):
    """One tensor of the index. `dtype` is the safetensors name (`F16`) or the GGUF type name (`Q4_K`).

    `shape` is in C order, GGUF's reversed to match; `offset` is from the start of file number `file` of the set.
    A NamedTuple, since a checkpoint has thousands: half the cost of a frozen dataclass.

    `stored` is None where the range holds the values plainly; else `nbytes` may differ from values x width.

    `name` is the name in the file, except that U+0000 (which PostgreSQL refuses) is written `␀0` and a `␀` is doubled:
    different names stay different, so digests over names stay unambiguous.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    nbytes: int
    file: int = 0
    stored: Stored | None = None

    @property
    def values(self) -> int:
        """Number of elements; 1 for a scalar."""
        count = 1
        for length in self.shape:
            count *= length
        return count


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong that did not stop the reading. `params` may name the `file` of a set that it is about."""

    code: FindingCode
    params: Mapping[str, str | int]

    @property
    def sentence(self) -> str:
        """What is wrong, where, and what to do, in English."""
        return self.code.sentence(self.params)


@dataclass(frozen=True, slots=True)
class Probe:
    """What a reader says of a file, or of the files of a set, without loading them.

    `tensors` are sorted by name. `metadata` holds text that PostgreSQL accepts: no NUL, no lone surrogate, no NaN; of
    a set, each configuration file under its relative name. `body` is the offset at which the tensor data of a single
    safetensors file begins (AutoV3 hashes from there).
    """

    format: Format
    outcome: Outcome
    tensors: tuple[TensorInfo, ...] = ()
    metadata: Mapping[str, Json] = field(default_factory=dict)
    body: int | None = None
    problems: tuple[Problem, ...] = ()


def malformed(what: str, where: str) -> MalformedFile:
    """The error for a container that breaks its format's rules: what is wrong, and at which place."""
    return MalformedFile(FindingCode.MALFORMED, what=what, where=where)


def truncated(expected: int, actual: int) -> MalformedFile:
    """The error for a file of `actual` bytes that would need `expected`."""
    promised, there = human_sizes(expected, actual)
    return MalformedFile(FindingCode.TRUNCATED, expected=promised, actual=there)
