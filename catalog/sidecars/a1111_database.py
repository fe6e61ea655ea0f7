"""`cache/hashes/cache.db` of A1111, a database of the library diskcache: the same lines as in its `cache.json`.

Source: grantjenks/python-diskcache, diskcache/core.py: table `Cache` with `key`, `value` and `mode`, 4 for a pickled
value. Values are `{"mtime": float, "sha256": str}`. They are never unpickled: pickle protocols 2 to 5 write such a
dict in one way, byte for byte, and what differs from that in a single byte is passed over.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from catalog.sidecars.a1111_cache import SECTIONS, cached
from catalog.sidecars.base import Cached, Told
from catalog.vocabulary import Algorithm

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

TABLE, COLUMNS = "Cache", ("key", "value", "mode")
_PICKLED = 4
_VALUE = re.compile(
    rb"\x80[\x02-\x05](?:\x95.{8})?\}(?:\x94|q.)\("
    rb"(?:\x8c\x05|X\x05\0\0\0)mtime(?:\x94|q.)(?:G(?P<float>.{8})|J(?P<int>.{4}))"
    rb"(?:\x8c\x06|X\x06\0\0\0)sha256(?:\x94|q.)(?:\x8c\x40|X\x40\0\0\0)(?P<digest>[0-9a-f]{64})(?:\x94|q.)u\.",
    re.DOTALL,
)


def read(rows: Iterable[Sequence[object]], section: str = "hashes") -> Told:
    """Every line that is sound, of rows of `COLUMNS`. Which section it is says the folder of the database."""
    algorithm = SECTIONS.get(section, Algorithm.SHA256)
    return Told(cached=tuple(line for row in rows for line in _lines(row, algorithm)))


def _lines(row: Sequence[object], algorithm: Algorithm) -> list[Cached]:
    key, value, mode = row
    found = _VALUE.fullmatch(value) if isinstance(value, bytes) and mode == _PICKLED else None
    if found is None or not isinstance(key, bytes):
        return []
    mtime = struct.unpack(">d", found["float"])[0] if found["float"] else struct.unpack("<i", found["int"])[0]
    return cached(key.decode("utf-8", "replace"), mtime, found["digest"].decode(), algorithm)
