"""Databases of other programs: read without a trace, and stopped when they are not what they seem."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from catalog.errors import ChangedFile, FileProblem, UnreadableFile
from catalog.storage import sqlite
from catalog.storage.root import Root
from catalog.vocabulary import FindingCode
from tests.builders.stores import as_it_is

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def made(folder: Path, *statements: str) -> Path:
    """A database of these statements."""
    path = folder / "x.db"
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    return path


def read(folder: Path, table: str = "models", most: int = 10) -> list[tuple[object, ...]]:
    with Root(os.fsencode(folder)) as root:
        return sqlite.rows(root, b"x.db", table, ("id", "config"), most)


def test_rows_come_as_bytes_and_so_many_at_most(tmp_path: Path) -> None:
    made(tmp_path, "CREATE TABLE models (id TEXT, config TEXT)", "INSERT INTO models VALUES ('a', '{}'), ('b', 7)")

    assert read(tmp_path) == [(b"a", b"{}"), (b"b", b"7")]
    assert read(tmp_path, most=1) == [(b"a", b"{}")]


def test_what_is_still_in_the_log_is_seen_and_nothing_is_touched(tmp_path: Path) -> None:
    path = made(tmp_path, "CREATE TABLE models (id TEXT, config TEXT)", "PRAGMA journal_mode = WAL")
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("PRAGMA wal_autocheckpoint = 0")
        writer.execute("INSERT INTO models VALUES ('late', '{}')")
        writer.commit()
        before = as_it_is(tmp_path)
        assert before.keys() == {"x.db", "x.db-wal", "x.db-shm"}

        assert read(tmp_path) == [(b"late", b"{}")]

        assert as_it_is(tmp_path) == before


def test_a_transaction_that_was_cut_off_is_not_seen(tmp_path: Path) -> None:
    """Its journal is rolled back in the copy alone."""
    path = made(tmp_path, "CREATE TABLE models (id TEXT, config TEXT)", "INSERT INTO models VALUES ('a', '{}')")
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        writer.execute("PRAGMA cache_size = 1")
        writer.execute("PRAGMA cache_spill = 1")
        writer.execute("BEGIN")
        writer.executemany("INSERT INTO models VALUES (?, ?)", [(str(n), "x" * 4000) for n in range(200)])
        (tmp_path / "crashed").mkdir()
        for name in ("x.db", "x.db-journal"):
            (tmp_path / "crashed" / name).write_bytes((tmp_path / name).read_bytes())
    before = as_it_is(tmp_path / "crashed")

    assert read(tmp_path / "crashed") == [(b"a", b"{}")]
    assert as_it_is(tmp_path / "crashed") == before


def test_a_folder_that_may_not_be_written_to_is_read(tmp_path: Path) -> None:
    path = made(tmp_path, "CREATE TABLE models (id TEXT, config TEXT)", "PRAGMA journal_mode = WAL")
    path.chmod(0o400)
    tmp_path.chmod(0o500)
    before = as_it_is(tmp_path)

    assert read(tmp_path) == []

    assert as_it_is(tmp_path) == before
    tmp_path.chmod(0o700)


def test_a_database_without_the_table_says_nothing(tmp_path: Path) -> None:
    made(tmp_path, "CREATE TABLE other (id TEXT)")

    assert read(tmp_path) == []


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE VIEW models AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)"
        " SELECT x AS id, x AS config FROM n",
        "CREATE VIRTUAL TABLE models USING fts5(id, config)",
    ],
)
def test_only_a_plain_table_is_asked(tmp_path: Path, statement: str) -> None:
    made(tmp_path, statement)

    assert read(tmp_path) == []


@pytest.mark.parametrize("computed", ["hex(zeroblob(9))", "json_extract(id, '$.a')"])
def test_a_column_that_functions_compute_is_not_asked(tmp_path: Path, computed: str) -> None:
    made(
        tmp_path,
        f"CREATE TABLE models (id TEXT, config TEXT GENERATED ALWAYS AS ({computed}) VIRTUAL)",
        "INSERT INTO models (id) VALUES ('{}')",
    )

    assert read(tmp_path) == []


def test_other_columns_may_be_computed(tmp_path: Path) -> None:
    made(
        tmp_path,
        "CREATE TABLE models (id TEXT, config TEXT, a TEXT GENERATED ALWAYS AS (json_extract(config, '$.a')) VIRTUAL)",
        "INSERT INTO models (id, config) VALUES ('a', '{}')",
    )

    assert read(tmp_path) == [(b"a", b"{}")]


def test_a_table_with_text_without_end_is_stopped(tmp_path: Path) -> None:
    made(tmp_path, "CREATE TABLE models (id TEXT, config TEXT)", "INSERT INTO models VALUES ('a', zeroblob(5000000))")

    with pytest.raises(UnreadableFile, match="too big"):
        read(tmp_path)


def garbled(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[100:4000] = b"\xff" * 3900
    path.write_bytes(content)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:3000])


@pytest.mark.parametrize("harm", [garbled, cut, lambda path: path.write_bytes(b""), lambda path: path.write_text("{}")])
def test_what_is_no_sound_database_is_a_problem_of_the_file(tmp_path: Path, harm: Callable[[Path], None]) -> None:
    harm(made(tmp_path, "CREATE TABLE models (id TEXT, config TEXT)", "INSERT INTO models VALUES ('a', '{}')"))
    before = as_it_is(tmp_path)

    with pytest.raises(UnreadableFile) as raised:
        read(tmp_path)

    assert raised.value.code == FindingCode.NOTE_UNREADABLE
    assert raised.value.params["path"] == "x.db"
    assert as_it_is(tmp_path) == before


def test_a_log_that_is_garbage_adds_nothing(tmp_path: Path) -> None:
    made(tmp_path, "CREATE TABLE models (id TEXT, config TEXT)", "INSERT INTO models VALUES ('a', '{}')")
    (tmp_path / "x.db-wal").write_bytes(b"\xff" * 9000)
    (tmp_path / "x.db-journal").write_bytes(b"\xff" * 9000)
    before = as_it_is(tmp_path)

    assert read(tmp_path) == [(b"a", b"{}")]
    assert as_it_is(tmp_path) == before


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "inside").mkdir()
    made(tmp_path / "outside", "CREATE TABLE models (id TEXT, config TEXT)")
    (tmp_path / "inside" / "x.db").symlink_to(tmp_path / "outside" / "x.db")

    with pytest.raises(FileProblem) as raised:
        read(tmp_path / "inside")
    assert raised.value.code == FindingCode.LINK_LEAVES


def test_no_database_is_no_surprise(tmp_path: Path) -> None:
    with pytest.raises(ChangedFile):
        read(tmp_path)
