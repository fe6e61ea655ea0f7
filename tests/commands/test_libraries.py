"""`libraries` lists, adds, removes and pauses folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from catalog.models import Job, Library
from tests.commands.running import run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    run("libraries", "add", tmp_path / "models", "--name", "attic")
    return tmp_path / "models"


def test_an_added_folder_is_scanned(folder: Path) -> None:
    library = Library.objects.get()

    assert (library.name, library.path_text) == ("attic", str(folder))
    assert Job.objects.get().library == library


@pytest.mark.parametrize("arguments", [("--json",), ("list", "--json"), ("--json", "list")])
def test_a_program_gets_a_line_for_each(folder: Path, arguments: tuple[str, ...]) -> None:
    (row,) = run("libraries", *arguments).rows

    assert (row["id"], row["name"], row["path"], row["paused"]) == (
        Library.objects.get().pk,
        "attic",
        str(folder),
        False,
    )


def test_a_person_sees_them_too(folder: Path) -> None:
    assert f"attic  {folder}" in run("libraries").out


def test_without_any_it_says_how_to_begin() -> None:
    ran = run("libraries")

    assert (ran.code, ran.out) == (0, "")
    assert "manage.py scan FOLDER" in ran.err


def test_one_is_found_by_number_name_or_path(folder: Path) -> None:
    number = str(Library.objects.get().pk)

    for which in (number, "attic", str(folder)):
        assert run("libraries", "pause", which).code == 0
        assert Library.objects.get().paused
        assert run("libraries", "resume", which).code == 0
        assert not Library.objects.get().paused


def test_a_removed_one_is_hidden_and_its_folder_untouched(folder: Path) -> None:
    ran = run("libraries", "remove", "attic", "--json")

    assert [row["removed"] for row in ran.rows] == [True]
    assert run("libraries", "--json").rows == []
    assert folder.is_dir()


def test_one_that_never_was_is_not_found(folder: Path) -> None:
    ran = run("libraries", "remove", "cellar")

    assert ran.code == 2
    assert "cellar" in ran.err


def test_a_name_that_several_have_is_not_enough(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    run("libraries", "add", tmp_path / "more", "--name", "attic")

    ran = run("libraries", "pause", "attic")

    assert ran.code == 2
    assert "Give the number" in ran.err
