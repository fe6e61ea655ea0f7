"""A position in a binary header, read through one bounded window; nothing is taken that the file cannot hold."""

from __future__ import annotations

import struct

from catalog.formats.base import Source, malformed, truncated

MAX_WINDOW = 1_048_576
MAX_STRING = 1 << 30  # gguf.cpp: longest string, and most elements of an array
MAX_STEPS = 4_000_000  # ours: strings walked in one header; the largest vocabularies have 300,000

_U32 = struct.Struct("<I")
_U64 = struct.Struct("<Q")


class Cursor:
    """Reads forward from `position`. Every method raises `MalformedFile` where the bytes run out."""

    def __init__(self, source: Source, position: int = 0) -> None:
        self.position = position
        self._source = source
        self._window = b""
        self._start = position
        self._next_size = 65_536
        self._steps = 0

    @property
    def left(self) -> int:
        """Bytes between here and the end of the file."""
        return self._source.size - self.position

    @property
    def place(self) -> str:
        return f"byte {self.position}"

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        begin = self.position - self._start
        if begin + count > len(self._window):
            self._fill(count)
            begin = 0
        self.position += count
        return self._window[begin : begin + count]

    def u32(self) -> int:
        return int(_U32.unpack(self.take(4))[0])

    def u64(self) -> int:
        return int(_U64.unpack(self.take(8))[0])

    def skip(self, count: int) -> None:
        """Pass over `count` bytes without reading them."""
        if count > self.left:
            raise truncated(self.position + count, self._source.size)
        self.position += count
        if self.position > self._start + len(self._window):
            self._window, self._start = b"", self.position

    def string(self, longest: int) -> tuple[bytes, int]:
        """A string with a 64-bit length before it: at most its first `longest` bytes, and its whole length."""
        length = self.u64()
        if length > MAX_STRING:
            raise malformed(f"A text that claims {length:,} bytes", self.place)
        if length > self.left:
            raise truncated(self.position + length, self._source.size)
        kept = self.take(min(length, longest))
        self.skip(length - len(kept))
        return kept, length

    def skip_strings(self, count: int) -> None:
        """Pass over `count` strings, reading their lengths only."""
        self._steps += count
        if self._steps > MAX_STEPS:
            raise malformed(f"Lists of {self._steps:,} texts, more than are read ({MAX_STEPS:,})", self.place)
        unpack = _U64.unpack_from
        while count:
            self._fill(8)
            window, offset, last = self._window, 0, len(self._window) - 8
            while count and offset <= last:
                length = unpack(window, offset)[0]
                if length > MAX_STRING:
                    self.position += offset
                    raise malformed(f"A text that claims {length:,} bytes", self.place)
                offset += 8 + length
                count -= 1
            if offset > len(window):
                self._next_size = 4096  # long texts: do not read what is passed over
            self.skip(offset)

    def _fill(self, count: int) -> None:
        """A window that begins here and holds at least `count` bytes; windows grow, since most headers are short."""
        if count > self.left:
            raise truncated(self.position + count, self._source.size)
        self._window = self._source.read_at(self.position, max(count, min(self._next_size, self.left)))
        self._start = self.position
        self._next_size = min(self._next_size * 4, MAX_WINDOW)
