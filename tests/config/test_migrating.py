"""The tables are brought up to date."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from config.embedded.joining import joined
from config.embedded.places import places

ROOT = Path(__file__).resolve().parent.parent.parent
_MIGRATE = """
import django; django.setup()
from config.migrating import bring_up_to_date, pending
from config.embedded.problems import ServersProblem
try:
    done = bring_up_to_date()
    print(len(done.applied), done.dump, done.warning, pending(), sep="|")
except ServersProblem as problem:
    print(problem)
"""


def _migrate(data: Path) -> str:
    env = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "BROKER_URL"}}
    done = subprocess.run(
        [sys.executable, "-c", _MIGRATE], cwd=ROOT, env=env | {"ISOTOPE_DATA": str(data)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


def test_a_dump_is_made_before_old_tables_are_changed(data: Path) -> None:
    with joined(places(data), ["postgres"]):
        applied, dump, warning, pending = _migrate(data).split("|")
        assert (dump, warning, pending) == ("None", "", "False")
        assert int(applied) > 1
        assert _migrate(data).split("|")[0] == "0"
        with psycopg.connect(places(data).database_url) as connection:
            connection.execute(b"DELETE FROM django_migrations WHERE app = 'sessions'")
            connection.execute(b"DROP TABLE django_session")

        applied, dump, warning, pending = _migrate(data).split("|")

        assert (applied, warning, pending) == ("1", "", "False")
        assert Path(dump).parent == data / "backups"
        assert Path(dump).read_bytes().startswith(b"PGDMP")
        assert Path(dump).stat().st_mode & 0o077 == 0


def test_a_database_of_a_newer_release_is_refused(data: Path) -> None:
    with joined(places(data), ["postgres"]):
        _migrate(data)
        with psycopg.connect(places(data).database_url) as connection:
            connection.execute(
                b"INSERT INTO django_migrations (app, name, applied) VALUES ('catalog', '9999_future', now())"
            )
        assert "newer Isotope (it knows 9999_future" in _migrate(data)


pytestmark = pytest.mark.xdist_group("embedded")
