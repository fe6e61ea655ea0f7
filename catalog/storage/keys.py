"""Keys of paths and numbers of files, as the tables keep them: paths are bytes of any length, unique by a digest."""

from __future__ import annotations

import hashlib
import os

from catalog.storage.names import WEIGHTS, suffix_of
from catalog.storage.values import shown

_SIGN = 1 << 63
_ALL = 1 << 64


def path_key(path: bytes) -> bytes:
    """32 bytes for the path of a library, or of a former name."""
    return hashlib.sha256(path).digest()


def place_key(path: bytes, set_name: str = "") -> bytes:
    """32 bytes for one weight set at a path. No path holds the NUL between the two."""
    return hashlib.sha256(path + b"\0" + set_name.encode()).digest()


def path_text(path: bytes) -> str:
    """A path below a library for people and for searching; the library's folder itself is `.`."""
    return shown(path or b".")


def stem(path: bytes, *, library: bytes = b"") -> str:
    """The name by which pictures and workflows call a model: without its folder and without the suffix of a weight.

    `library` is the path of the library, which gives its name to a model that fills the library's folder.
    """
    name = shown(os.path.basename((path or library).rstrip(b"/")))
    suffix = suffix_of(name)
    return name[: -len(suffix)] if suffix in WEIGHTS and len(suffix) < len(name) else name


def signed(number: int) -> int:
    """An inode or device as a signed 64-bit number: some file systems use the top bit."""
    return number - _ALL if number >= _SIGN else number


def unsigned(number: int) -> int:
    """The number as the system gave it."""
    return number + _ALL if number < 0 else number
