"""The bytes of a tensor's values in C order, little-endian, however they lie in the file: any range of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.hashing.stored import blocks, malformed, width_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from catalog.formats.base import TensorInfo

    Read = Callable[[int, int, int], bytes]

MOST_VARINTS = 64 << 20
"""Bytes of values that are written as varints: these can only be read from the front, all of them."""


class Logical:
    """Reads ranges. `read` gives exactly so many bytes of file number so and so from that offset."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._kept: tuple[TensorInfo, bytes] | None = None

    def range(self, tensor: TensorInfo, offset: int, length: int) -> bytes:
        """So many bytes of the tensor's values from that byte on; of a view, whole values.

        Raises `MalformedFile` where the bytes are not the values that the tensor has.
        """
        stored = tensor.stored
        if stored is None:
            self._inside(tensor, offset, length)
            return self._read(tensor.file, tensor.offset + offset, length)
        if stored.varint:
            return self._varints(tensor)[offset : offset + length]
        if stored.strides:
            return self._view(tensor, offset, length)
        self._inside(tensor, offset, length)
        return self._joined(tensor._replace(offset=tensor.offset + offset, nbytes=length))

    def _inside(self, tensor: TensorInfo, offset: int, length: int) -> None:
        if not 0 <= offset <= offset + length <= tensor.nbytes:
            raise malformed("A tensor with fewer bytes than its shape needs", tensor)

    def _varints(self, tensor: TensorInfo) -> bytes:
        """All of them; the last tensor's are kept, since its rows are asked for one after the other."""
        if self._kept is None or self._kept[0] != tensor:
            if tensor.values * width_of(tensor.dtype) > MOST_VARINTS:
                raise malformed("More varints than are kept in memory", tensor)
            self._kept = tensor, self._joined(tensor)
        return self._kept[1]

    def _view(self, tensor: TensorInfo, offset: int, length: int) -> bytes:
        """The rows of a view in which the range lies; as long as that is a single row, the rows in that one."""
        width = width_of(tensor.dtype)
        first, count, inner = offset // width, length // width, tensor.values
        for axis, steps in enumerate(tensor.shape):
            inner //= max(1, steps)
            begin, end = first // inner, -(-(first + count) // inner)
            tensor, first = _some(tensor, axis, begin, end - begin), first - begin * inner
            if end - begin > 1:
                break
        return self._joined(tensor)[first * width : first * width + length]

    def _joined(self, tensor: TensorInfo) -> bytes:
        filling = _Filling(self._read, tensor.file)
        return b"".join(block.tobytes() for block in blocks(filling, tensor, _go_on))


class _Filling:
    """One of the files, as the readers of `catalog.hashing` want it."""

    def __init__(self, read: Read, file: int) -> None:
        self._read, self._file = read, file

    def fill(self, block: memoryview, offset: int) -> None:
        block[:] = self._read(self._file, offset, len(block))


def _go_on() -> None:
    """Nobody stops these reads: they are short."""


def _some(tensor: TensorInfo, axis: int, begin: int, count: int) -> TensorInfo:
    """The view with only some steps along one of its dimensions."""
    stored = tensor.stored
    skipped = begin * stored.strides[axis] * width_of(tensor.dtype) if stored is not None else 0
    if not 0 <= skipped <= tensor.nbytes:
        raise malformed("A view that reaches beyond its bytes", tensor)
    shape = (*tensor.shape[:axis], count, *tensor.shape[axis + 1 :])
    return tensor._replace(shape=shape, offset=tensor.offset + skipped, nbytes=tensor.nbytes - skipped)
