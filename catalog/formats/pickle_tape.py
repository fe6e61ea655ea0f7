"""The bytes of a pickle, read forward through one bounded window; nothing is taken that is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.formats.base import malformed

if TYPE_CHECKING:
    from catalog.errors import MalformedFile
    from catalog.formats.base import Source

MAX_LINE = 65_536
"""Bytes of a text argument: names, numbers and texts of the oldest protocol."""

_FIRST_WINDOW = 65_536
_LAST_WINDOW = 1_048_576


class Tape:
    """Reads from `start` to `stop` of a source. `label` names the place in sentences."""

    def __init__(self, source: Source, start: int, stop: int, label: str) -> None:
        self.label = label
        self.source = source
        self._stop = stop
        self._window = b""
        self._base = start  # where the window begins
        self._at = 0
        self._size = _FIRST_WINDOW

    @property
    def position(self) -> int:
        """The offset in the source of the next byte."""
        return self._base + self._at

    @property
    def left(self) -> int:
        return self._stop - self.position

    @property
    def place(self) -> str:
        return f"byte {self.position} of {self.label}"

    def byte(self) -> int:
        at = self._at
        if at >= len(self._window):
            self._fill(1)
            at = 0
        self._at = at + 1
        return self._window[at]

    def take(self, count: int) -> bytes:
        """The next `count` bytes, which the caller has bounded."""
        at = self._at
        if at + count > len(self._window):
            self._fill(count)
            at = 0
        self._at = at + count
        return self._window[at : at + count]

    def number(self, count: int) -> int:
        """An unsigned number of `count` bytes, little-endian."""
        return int.from_bytes(self.take(count), "little")

    def line(self) -> bytes:
        """Up to the next line feed, which is taken but not given."""
        end = self._window.find(b"\n", self._at)
        if end < 0:
            self._fill(min(MAX_LINE + 1, self.left))
            end = self._window.find(b"\n", 0, MAX_LINE + 1)
        if end < 0:
            raise malformed("A line without an end", self.place)
        text = self._window[self._at : end]
        self._at = end + 1
        return text

    def skip(self, count: int) -> None:
        """Pass over `count` bytes without reading them."""
        if count > self.left:
            raise self._ended()
        at = self._at + count
        if at <= len(self._window):
            self._at = at
        else:
            self._base, self._window, self._at = self._base + at, b"", 0

    def _fill(self, count: int) -> None:
        """A window that begins here; windows grow, since most pickles are short."""
        if count > self.left or not count:
            raise self._ended()
        self._base, self._at = self.position, 0
        self._window = self.source.read_at(self._base, max(count, min(self._size, self._stop - self._base)))
        self._size = min(self._size * 4, _LAST_WINDOW)

    def _ended(self) -> MalformedFile:
        return malformed("A pickle that ends before it is complete", self.place)
