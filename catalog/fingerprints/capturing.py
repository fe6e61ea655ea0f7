"""Cuts the pieces that samples need out of a tensor's bytes as they stream by."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from typing import TypeAlias

    import numpy.typing as npt

    from catalog.fingerprints.sketch import Wanted

    Bytes: TypeAlias = npt.NDArray[np.uint8]


class Capture:
    """The pieces of one `Wanted`. What lies beyond the tensor's bytes stays zero, and `complete` is False."""

    __slots__ = ("_at", "_length", "_offsets", "pieces")

    def __init__(self, wanted: Wanted) -> None:
        self._offsets, self._length = wanted.offsets, wanted.length
        self._at = 0
        self.pieces: Bytes = np.zeros((len(wanted.offsets), wanted.length), np.uint8)

    def update(self, data: memoryview) -> None:
        """The next bytes; not kept."""
        block = np.frombuffer(data, np.uint8)
        offsets, length, begin = self._offsets, self._length, self._at
        end = self._at = begin + len(block)
        open_from, first, last, open_to = np.searchsorted(offsets, (begin - length + 1, begin, end - length + 1, end))
        if last > first:
            self.pieces[first:last] = _cut(block, offsets[first:last] - begin, length)
        for number in chain(range(open_from, min(first, open_to)), range(max(first, last), open_to)):
            at = int(offsets[number])
            lower, upper = max(at, begin), min(at + length, end)
            self.pieces[number, lower - at : upper - at] = block[lower - begin : upper - begin]

    @property
    def complete(self) -> bool:
        """Whether all pieces were there."""
        return not len(self._offsets) or self._at >= int(self._offsets[-1]) + self._length


def cut_out(data: memoryview, wanted: Wanted) -> Bytes | None:
    """The pieces of a tensor all of whose bytes are at hand; None if it wants nothing, or more than is there."""
    offsets, length = wanted.offsets, wanted.length
    if not len(offsets) or int(offsets[-1]) + length > len(data):
        return None
    if len(offsets) == 1:
        first = int(offsets[0])
        return np.frombuffer(bytes(data[first : first + length]), np.uint8)[None]
    return _cut(np.frombuffer(data, np.uint8), offsets, length)


def _cut(block: Bytes, offsets: npt.NDArray[np.int64], length: int) -> Bytes:
    if len(offsets) == 1:
        return block[None, offsets[0] : offsets[0] + length]
    found: Bytes = block[offsets[:, None] + np.arange(length)]
    return found
