"""The house keeps its own rules: imports run one way, migrations are complete, files stay small, pages are true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import call_command, get_commands
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from catalog.vocabulary import FindingCode

ROOT = Path(__file__).resolve().parent.parent
SOURCES = [
    path
    for room in ("catalog", "config", "tests")
    for path in (ROOT / room).rglob("*.py")
    if "migrations" not in path.parts
]
TOP_LEVEL = {"manage.py", "catalog", "config", "tests", "requirements.txt", "docker", "README.md", "LICENSE"}
LONGEST = 400


def test_imports_only_look_down() -> None:
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == EXIT_STATUS_SUCCESS


@pytest.mark.django_db
def test_the_migrations_say_what_the_models_say() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_no_file_grows_beyond_what_one_reads_at_once() -> None:
    long = {str(path.relative_to(ROOT)): n for path in SOURCES if (n := len(path.read_text().splitlines())) > LONGEST}

    assert long == {}


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        str(path.relative_to(ROOT)) for path in SOURCES if (text := path.read_text()) and not text.startswith('"')
    ]

    assert [name for name in silent if not name.endswith("manage.py")] == []


def test_nothing_else_stands_at_the_top() -> None:
    ignored = {"pyproject.toml", "staticfiles"}
    found = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}

    assert found - TOP_LEVEL - ignored == set()


@pytest.mark.parametrize("code", FindingCode)
def test_every_finding_has_a_sentence_and_a_next_step(code: FindingCode) -> None:
    names = re.findall(r"%\((\w+)\)s", code.template)

    sentence = code.sentence(dict.fromkeys(names, "something"))

    assert "%(" not in sentence
    assert code.advice.endswith(".")


def test_the_readme_shows_only_commands_that_exist() -> None:
    text = (ROOT / "README.md").read_text()

    shown = set(re.findall(r"manage\.py ([a-z]+)", text))

    assert shown <= set(get_commands())


def test_the_readme_names_only_settings_that_are_read() -> None:
    settings = "".join(path.read_text() for path in (ROOT / "config").rglob("*.py"))

    named = set(re.findall(r"`(ISOTOPE_[A-Z]+|DATABASE_URL|BROKER_URL)`", (ROOT / "README.md").read_text()))

    assert {name for name in named if name not in settings} == set()


def test_the_readme_refers_only_to_files_that_exist() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text())

    assert [link for link in links if not (ROOT / link).exists()] == []
