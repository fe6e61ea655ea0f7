"""What the one read takes and gives, and what an algorithm has to be to take part in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from catalog.vocabulary import Algorithm

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from catalog.formats.base import TensorInfo

STANDARD = frozenset(
    {Algorithm.BLAKE3, Algorithm.SHA256, Algorithm.AUTOV1, Algorithm.AUTOV3, Algorithm.CRC32, Algorithm.GIT_SHA1}
)
"""What is computed of every file unless a person says otherwise (git-sha1 only below 10 MiB)."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to compute of one file in one read. `body` is where a safetensors file's tensor data begins, else None.

    `tensors` are the tensors of this file whose BLAKE3 digests are wanted, in any order. `lanes` take part in the read
    for purposes of their own.
    """

    algorithms: frozenset[str] = STANDARD
    body: int | None = None
    tensors: tuple[TensorInfo, ...] = ()
    lanes: tuple[Lane, ...] = ()


class Lane(Protocol):
    """Takes every block of the read in order, each in some thread; it wants the bytes from `start` up to `stop`."""

    @property
    def start(self) -> int: ...

    @property
    def stop(self) -> int: ...

    def take(self, block: memoryview, offset: int) -> None:
        """The next block of the file, which lies at that offset. It must not keep the block."""
        ...

    def stored(self, tensor: TensorInfo) -> Values | None:
        """What wants the values of one of the plan's tensors that does not lie plainly in the file, if anything."""
        ...


class Takes(Protocol):
    """Takes bytes in order, piece by piece; it must not keep them."""

    def update(self, data: memoryview, /) -> object: ...


class Values(Takes, Protocol):
    """Takes the values of a tensor as they would lie plainly: little-endian, in C order."""

    def close(self) -> None:
        """All values were there."""
        ...


@dataclass(frozen=True, slots=True)
class FileDigests:
    """`digests`: algorithm -> raw digest bytes (crc32 and autov1: 4); digests of nothing are left out.

    `tensors`: tensor digests `td` 32 bytes each, in the order of `Plan.tensors`.
    """

    digests: Mapping[str, bytes]
    tensors: tuple[bytes, ...] = ()
    bytes_read: int = 0
    seconds: float = 0.0


class OpenFileLike(Protocol):
    """An open descriptor with the size that somebody saw; the storage room's `OpenFile` is one.

    If it also has a `snapshot` (the stat that the caller knows), that counts as the moment before the read.
    """

    @property
    def name(self) -> bytes: ...

    @property
    def size(self) -> int: ...

    def fileno(self) -> int: ...


class Hasher(Protocol):
    """Takes bytes in order, piece by piece, and says their digest; hashlib's and blake3's objects are such."""

    def update(self, piece: memoryview, /) -> object: ...

    def digest(self) -> bytes: ...


class Target(NamedTuple):
    """What an algorithm may know of a file before its first byte. `alone`: no other digest is computed with it.

    It and `Share` are named tuples: of a small file, making frozen dataclasses would cost as much as a digest.
    """

    size: int
    body: int | None = None
    alone: bool = False


class Share(NamedTuple):
    """The part of the one read that one algorithm takes: the bytes from `start` up to `stop`, never none."""

    name: str
    hasher: Hasher
    start: int
    stop: int
    light: bool = False


@dataclass(frozen=True, slots=True)
class Definition:
    """One algorithm. `begin` gives a fresh hasher with its range, or None where the file has no such digest.

    `light` algorithms cost little beside the others and share one lane; each of the rest gets a lane of its own.
    """

    name: str
    begin: Callable[[Target], tuple[Hasher, int, int] | None]
    light: bool = False
