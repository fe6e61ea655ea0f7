"""A small SQLite database of another program, looked into without leaving a trace: no lock, no journal, no write.

What a program has not yet moved from its write-ahead log into the database is seen through a copy in a temporary
folder. The database is hostile input: it is asked for real tables alone, and stopped when it computes or hands out
more than a table of names ever would.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING

from catalog.errors import ChangedFile, FileProblem, UnreadableFile
from catalog.storage.values import shown
from catalog.vocabulary import FindingCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from catalog.storage.files import OpenFile
    from catalog.storage.root import Root

SIDES = (b"-wal", b"-journal")
"""Beside a database: what is not in it yet, or not to stay in it (https://www.sqlite.org/tempfiles.html)."""

_MAGIC = b"SQLite format 3\0"
_MOST_COPIED = 1 << 30
_BLOCK = 4 << 20
_MOST_TEXT = 4 << 20
_MOST_IN_ALL = 64 << 20
_STEPS, _MOST_CALLS = 10_000, 5_000
"""Of its virtual machine: fifty million are about a second."""


class NoDatabaseError(Exception):
    """It is no database, or a broken one; the text says how."""


def rows(root: Root, path: bytes, table: str, columns: Sequence[str], most: int) -> list[tuple[object, ...]]:
    """The first `most` rows of a table. Raises `FileProblem`: a database that is none is unreadable.

    `table` and `columns` are names of ours, never those of a file.
    """
    for _ in range(2):  # a program that writes just now is done in a moment
        with root.open(path) as file, _sides(root, path) as sides:
            try:
                found = _rows(file, sides, table, columns, most)
            except FileProblem:
                if _still_same(file, sides):
                    raise
                continue
            if _still_same(file, sides):
                return found
    raise ChangedFile(FindingCode.CHANGING)


def _still_same(file: OpenFile, sides: dict[bytes, OpenFile]) -> bool:
    return file.still_same() and all(side.still_same() for side in sides.values())


@contextmanager
def _sides(root: Root, path: bytes) -> Iterator[dict[bytes, OpenFile]]:
    """The files beside it that hold something."""
    opened: dict[bytes, OpenFile] = {}
    try:
        for side in SIDES:
            try:
                file = root.open(path + side)
            except ChangedFile:  # not there
                continue
            opened[side] = file
        yield {side: file for side, file in opened.items() if file.size}
    finally:
        for file in opened.values():
            file.close()


def _rows(
    file: OpenFile, sides: dict[bytes, OpenFile], table: str, columns: Sequence[str], most: int
) -> list[tuple[object, ...]]:
    try:
        _refuse_others(file)
        with tempfile.TemporaryDirectory(prefix="isotope-") as folder, _connection(file, sides, folder) as connection:
            return _ask(connection, table, columns, most)
    except (sqlite3.Error, NoDatabaseError) as error:
        raise _unreadable(file, str(error)) from error
    except (
        UnicodeError,
        OverflowError,
        MemoryError,
    ) as error:  # over a message or a size of SQLite's
        raise _unreadable(file, "it is damaged") from error


def _refuse_others(file: OpenFile) -> None:
    if file.read_at(0, min(file.size, len(_MAGIC))) != _MAGIC:
        raise NoDatabaseError("it is no SQLite database")


def _unreadable(file: OpenFile, reason: str) -> FileProblem:
    return UnreadableFile(FindingCode.NOTE_UNREADABLE, path=shown(file.name), reason=reason[:200])


@contextmanager
def _connection(file: OpenFile, sides: dict[bytes, OpenFile], folder: str) -> Iterator[sqlite3.Connection]:
    if sides:
        connection = sqlite3.connect(_copied(file, sides, folder), isolation_level=None)
    else:  # immutable: SQLite then takes no lock and looks for nothing beside it
        uri = f"file:/proc/self/fd/{file.fileno()}?mode=ro&immutable=1"
        connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    try:
        _tame(connection)
        yield connection
    finally:
        connection.close()


def _copied(file: OpenFile, sides: dict[bytes, OpenFile], folder: str) -> str:
    if file.size + sum(side.size for side in sides.values()) > _MOST_COPIED:
        raise NoDatabaseError("it is in use and too large to be copied")
    target = os.path.join(folder, "copy.db")
    for name, source in ((b"", file), *sides.items()):
        with open(os.fsencode(target) + name, "xb") as copy:
            copy.writelines(source.read_at(at, min(_BLOCK, source.size - at)) for at in range(0, source.size, _BLOCK))
    return target


def _tame(connection: sqlite3.Connection) -> None:
    calls = 0

    def too_many() -> bool:
        nonlocal calls
        calls += 1
        return calls > _MOST_CALLS

    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MOST_TEXT)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.set_progress_handler(too_many, _STEPS)
    connection.text_factory = bytes
    connection.execute("PRAGMA query_only = ON")
    connection.execute("PRAGMA mmap_size = 0")  # trusted_schema stays: without it InvokeAI's own table is refused


def _only_reads(action: int, *about: str | None) -> int:
    return sqlite3.SQLITE_OK if action in (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ) else sqlite3.SQLITE_DENY


def _ask(connection: sqlite3.Connection, table: str, columns: Sequence[str], most: int) -> list[tuple[object, ...]]:
    """Rows of a plain table with these columns; none where there is no such table.

    A view, a virtual table or a computed column may compute anything, so none of them is asked.
    """
    plain = "SELECT rootpage > 0 FROM sqlite_master WHERE type = 'table' AND name = ?"
    stored = {
        row[1].decode("utf-8", "replace") for row in connection.execute(f"PRAGMA table_xinfo({table})") if not row[6]
    }
    if connection.execute(plain, (table,)).fetchone() != (1,) or not stored.issuperset(columns):
        return []
    connection.set_authorizer(_only_reads)
    query = f"SELECT {', '.join(columns)} FROM {table} LIMIT {most}"  # noqa: S608 - names of ours
    found: list[tuple[object, ...]] = []
    size = 0
    for row in connection.execute(query):
        size += sum(len(value) for value in row if isinstance(value, bytes))
        if size > _MOST_IN_ALL:
            raise NoDatabaseError("its table of models is larger than any that was ever seen")
        found.append(tuple(row))
    return found
