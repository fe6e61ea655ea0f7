"""What InvokeAI notes of its models, by where they lie."""

from __future__ import annotations

import os
import random
import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import pytest

from catalog.errors import FileProblem
from catalog.storage.invokeai import Record, records, stamp
from tests.builders.stores import add_record, as_it_is, invokeai

if TYPE_CHECKING:
    from pathlib import Path

KEY = "12345678-1234-4234-8234-123456789abc"


def read(install: Path) -> dict[str, Record]:
    return {os.fsdecode(path): record for path, record in records(os.fsencode(install)).items()}


@pytest.mark.parametrize("version", [4, 6])
def test_records_are_found_by_the_absolute_path_of_their_models(tmp_path: Path, version: int) -> None:
    told = {
        "key": KEY, "path": f"{KEY}/x.safetensors", "name": "Fine", "hash": "blake3:" + "ab" * 32,
        "source": "org/name", "source_type": "hf_repo", "trigger_phrases": ["a", "b", 3],
    }  # fmt: skip
    invokeai(tmp_path, [told, {"path": "/elsewhere/y.safetensors"}], version=version)
    before = as_it_is(tmp_path)

    found = read(tmp_path)

    wanted = Record(KEY, "Fine", "blake3:" + "ab" * 32, "org/name", "hf_repo", ("a", "b"))
    assert found[str(tmp_path / "models" / KEY / "x.safetensors")] == wanted
    assert found["/elsewhere/y.safetensors"].name == "name 1"
    assert as_it_is(tmp_path) == before


@pytest.mark.parametrize("path", ["../../etc", "x/../../y", "", ".", "/", "a\0b", 7, None])
def test_a_path_that_means_no_model_is_passed_by(tmp_path: Path, path: object) -> None:
    database = invokeai(tmp_path, [])
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("DROP TABLE models")
        connection.execute("CREATE TABLE models (id TEXT, config TEXT)")
        add_record(connection, {"path": path})
        connection.commit()

    assert read(tmp_path) == {}


@pytest.mark.parametrize("config", ["", "{", "[]", "7", "[" * 100_000, b"\xff\xfe", None, '{"path": ["a"]}'])
def test_a_record_that_is_no_record_is_passed_by(tmp_path: Path, config: object) -> None:
    database = invokeai(tmp_path, [])
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("DROP TABLE models")
        connection.execute("CREATE TABLE models (id TEXT, config)")
        connection.execute("INSERT INTO models VALUES ('bad', ?)", (config,))
        add_record(connection, {"path": "good"})
        connection.commit()

    assert [record.name for record in read(tmp_path).values()] == ["name 0"]


def test_the_last_answer_is_kept_until_something_changes(tmp_path: Path) -> None:
    invokeai(tmp_path, [{"path": "a"}])
    first = records(os.fsencode(tmp_path))
    before = stamp(os.fsencode(tmp_path))
    assert records(os.fsencode(tmp_path)) is first

    invokeai(tmp_path, [{"path": "b"}])

    assert stamp(os.fsencode(tmp_path)) != before
    assert list(read(tmp_path)) == [str(tmp_path / "models" / "b")]


def test_while_invokeai_works_an_answer_does_for_a_moment(tmp_path: Path) -> None:
    """Else each picture that it makes would have its whole database copied."""
    database = invokeai(tmp_path, [{"path": "a"}])
    with closing(sqlite3.connect(database)) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("CREATE TABLE images (name TEXT)")
        writer.commit()
        first = records(os.fsencode(tmp_path))
        writer.execute("INSERT INTO images VALUES ('x')")
        writer.commit()

        assert records(os.fsencode(tmp_path)) is first
    assert list(read(tmp_path)) == [str(tmp_path / "models" / "a")]


def test_where_there_is_no_database_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert records(os.fsencode(tmp_path)) == {}
    assert records(os.fsencode(tmp_path / "nowhere")) == {}
    assert stamp(os.fsencode(tmp_path)) == ()


def test_a_folder_in_its_place_is_a_problem_and_no_crash(tmp_path: Path) -> None:
    (tmp_path / "databases" / "invokeai.db").mkdir(parents=True)

    with pytest.raises(FileProblem):
        records(os.fsencode(tmp_path))


def test_a_damaged_database_is_read_or_is_a_problem_of_the_file(tmp_path: Path) -> None:
    """Bytes changed, cut and repeated at random places, the same at each run; half of them in the first page."""
    database = invokeai(tmp_path, [{"path": f"a/{number}"} for number in range(60)])
    sound = database.read_bytes()
    for seed in range(200):
        chance = random.Random(seed)  # noqa: S311 - the same at each run
        damaged = bytearray(sound)
        for _ in range(chance.choice((1, 5, 50))):
            damaged[chance.randrange(4096 if seed % 2 else len(sound))] = chance.randrange(256)
        database.write_bytes(damaged[: chance.choice((len(damaged), chance.randrange(len(damaged))))])
        with suppress(FileProblem):
            assert len(read(tmp_path)) <= 60
