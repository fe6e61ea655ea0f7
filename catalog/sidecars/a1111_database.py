"""`cache/hashes/cache.db` of A1111, a database of the library diskcache: the same lines as in its `cache.json`.

Source: grantjenks/python-diskcache, diskcache/core.py: table `Cache` with `key`, `value` and `mode`, 4 for a pickled
value. Values are `{"mtime": float, "sha256": str}`. They are never unpickled: pickle protocols 2 to 5 write such a
dict in one way, byte for byte, and what differs from that in a single byte is passed over.

The database is copied into memory and opened there. Of a write-ahead log nothing is seen: only the newest lines miss.
"""

from __future__ import annotations

import re
import sqlite3
import struct
from contextlib import closing

from catalog.sidecars.a1111_cache import MOST_LINES, SECTIONS, cached
from catalog.sidecars.base import Cached, Told
from catalog.vocabulary import Algorithm

_MAGIC = b"SQLite format 3\0"
_HEADER = 100
_VERSIONS = slice(18, 20)  # how the file is written and read: 1 with a rollback journal, 2 with a log
_STEPS = 50_000_000
_STEPS_AT_ONCE = 100_000
_LONGEST = 1 << 20
_PICKLED = 4
_VALUE = re.compile(
    rb"\x80[\x02-\x05](?:\x95.{8})?\}(?:\x94|q.)\("
    rb"(?:\x8c\x05|X\x05\0\0\0)mtime(?:\x94|q.)(?:G(?P<float>.{8})|J(?P<int>.{4}))"
    rb"(?:\x8c\x06|X\x06\0\0\0)sha256(?:\x94|q.)(?:\x8c\x40|X\x40\0\0\0)(?P<digest>[0-9a-f]{64})(?:\x94|q.)u\.",
    re.DOTALL,
)


def read(raw: bytes, section: str = "hashes") -> Told:
    """Every line that is sound. Which section it is says the folder that the file lies in."""
    if len(raw) < _HEADER or not raw.startswith(_MAGIC):
        return Told(problem="it is no SQLite database")
    plain = bytearray(raw)
    plain[_VERSIONS] = b"\x01\x01"
    try:
        with closing(sqlite3.connect(":memory:")) as opened:
            opened.deserialize(bytes(plain))
            return Told(cached=tuple(_lines(opened, SECTIONS.get(section, Algorithm.SHA256))))
    except (sqlite3.Error, OverflowError, UnicodeError) as error:
        return Told(problem=f"its database is unsound ({type(error).__name__})")


def _lines(opened: sqlite3.Connection, algorithm: Algorithm) -> list[Cached]:
    """The schema is foreign, too: it may neither call functions nor make the query run for ever."""
    left = _STEPS // _STEPS_AT_ONCE

    def enough() -> int:
        nonlocal left
        left -= 1
        return left <= 0

    opened.set_progress_handler(enough, _STEPS_AT_ONCE)
    opened.execute("PRAGMA trusted_schema = OFF")
    opened.execute("PRAGMA query_only = ON")
    opened.text_factory = lambda text: text.decode("utf-8", "replace")
    opened.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _LONGEST)
    is_table = opened.execute(
        "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'Cache' AND sql LIKE 'CREATE TABLE%'"
    )
    if not is_table.fetchone()[0]:
        return []
    rows = opened.execute(
        "SELECT key, value FROM Cache WHERE mode = ? AND typeof(key) = 'text' AND typeof(value) = 'blob'"
        " AND length(value) < 400 AND length(key) < 1000 LIMIT ?",
        (_PICKLED, MOST_LINES),
    )
    return [line for key, value in rows for line in _line(key, value, algorithm)]


def _line(key: str, value: bytes, algorithm: Algorithm) -> list[Cached]:
    found = _VALUE.fullmatch(value)
    if found is None:
        return []
    mtime = struct.unpack(">d", found["float"])[0] if found["float"] else struct.unpack("<i", found["int"])[0]
    return cached(key, mtime, found["digest"].decode(), algorithm)
