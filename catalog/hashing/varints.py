"""Values written as protobuf varints: seven bits a byte, the lowest first, the highest bit set while more follow.

protobuf.dev/programming-guides/encoding; negative numbers are ten bytes long. ONNX writes the small types so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from catalog.errors import MalformedFile
from catalog.vocabulary import FindingCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    from catalog.formats.base import TensorInfo

_BLOCK = 1 << 20
_LONGEST = 10


class Filling(Protocol):
    """What reads a file: `hashing.reading.Reader` is one."""

    def fill(self, block: memoryview, offset: int) -> None:
        """Fill the whole block from that offset; raises where the file ends before."""
        ...


def varints(
    reader: Filling, tensor: TensorInfo, bits: int, check: Callable[[], None]
) -> Iterator[npt.NDArray[np.uint8]]:
    """The values of `bits` each as little-endian bytes; of less than a byte, each number is a byte of them.

    Raises `MalformedFile` where the numbers are more, fewer or broken.
    """
    count, rest, width = 0, b"", max(1, bits // 8)
    for at in range(0, tensor.nbytes, _BLOCK):
        check()
        room = bytearray(min(_BLOCK, tensor.nbytes - at))
        reader.fill(memoryview(room), tensor.offset + at)
        whole = np.frombuffer(rest + room, np.uint8)
        ends = np.flatnonzero(whole < 0x80)
        used = int(ends[-1]) + 1 if len(ends) else 0
        rest = whole[used:].tobytes()
        if len(rest) >= _LONGEST:
            raise _malformed("A number without an end", tensor)
        values = decoded(whole[:used], ends, tensor)
        count += len(values)
        yield values.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :width].reshape(-1)
    expected = tensor.values if bits >= 8 else (tensor.values * bits + 7) // 8
    if rest or count != expected:
        raise _malformed(f"{count:,} numbers where {expected:,} are needed", tensor)


def decoded(whole: npt.NDArray[np.uint8], ends: npt.NDArray[np.intp], tensor: TensorInfo) -> npt.NDArray[np.uint64]:
    """The numbers that end at `ends`."""
    starts = np.concatenate(([0], ends[:-1] + 1)) if len(ends) else ends
    lengths = ends - starts + 1
    if len(ends) and int(lengths.max()) > _LONGEST:
        raise _malformed("A number of more than ten bytes", tensor)
    values = np.zeros(len(ends), np.uint64)
    for place in range(int(lengths.max()) if len(ends) else 0):
        has = lengths > place
        part = whole[starts[has] + place].astype(np.uint64) & np.uint64(0x7F)
        values[has] |= part << np.uint64(7 * place)
    return values


def _malformed(what: str, tensor: TensorInfo) -> MalformedFile:
    return MalformedFile(FindingCode.MALFORMED, what=what, where=f"tensor {tensor.name[:120]}")
