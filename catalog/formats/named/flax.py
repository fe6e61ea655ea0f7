"""Flax's parameters in msgpack (flax/serialization.py): nested maps whose leaves are arrays in an extension type.

The types: 1 an array, 2 a complex number, 3 for a numpy scalar. The container is github.com/msgpack/msgpack.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.formats.heads import Guess
from catalog.vocabulary import Format

if TYPE_CHECKING:
    from catalog.formats.heads import Head

_MAPS = {0xDE: 2, 0xDF: 4}  # type -> bytes of the count
_TEXTS = {0xD9: 1, 0xDA: 2}
_EXTENSIONS = {0xD4: 0, 0xD5: 0, 0xD6: 0, 0xD7: 0, 0xD8: 0, 0xC7: 1, 0xC8: 2, 0xC9: 4}
_DEEPEST = 32


def recognise(head: Head) -> Guess | None:
    """Follows the first key of each map down to the first leaf."""
    at = 0
    for _ in range(_DEEPEST):
        count, begin = _map(head.start, at)
        if count < 0:
            break
        at = _behind_key(head.start, begin)  # behind an empty map stands the next key of the map around it
        if at < 0:
            return None
    kind = _extension(head.start, at)
    return Guess(Format.FLAX) if at > 0 and kind in {1, 2, 3} else None


def _map(start: bytes, at: int) -> tuple[int, int]:
    """How many pairs the map there has, and where they begin; -1 where none stands."""
    kind = start[at] if at < len(start) else 0
    if kind >> 4 == 8:
        return kind & 15, at + 1
    width = _MAPS.get(kind)
    return (int.from_bytes(start[at + 1 : at + 1 + width], "big"), at + 1 + width) if width else (-1, at)


def _behind_key(start: bytes, at: int) -> int:
    """Where the value of a key begins; -1 where no printable text stands."""
    kind = start[at] if at < len(start) else 0
    width = _TEXTS.get(kind, 0)
    length = kind & 31 if kind >> 5 == 5 else int.from_bytes(start[at + 1 : at + 1 + width], "big") if width else 0
    begin = at + 1 + width
    key = start[begin : begin + length]
    return begin + length if key and key.isascii() and key.decode().isprintable() else -1


def _extension(start: bytes, at: int) -> int:
    """The number of the extension type there; -1 where none stands."""
    width = _EXTENSIONS.get(start[at] if at < len(start) else 0)
    place = at + 1 + (width or 0)
    return start[place] if width is not None and place < len(start) else -1
