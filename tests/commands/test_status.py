"""`status` and `doctor` say what runs and what is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from catalog.management import checking
from catalog.services import libraries
from catalog.vocabulary import Stage
from tests import rows
from tests.commands.running import run

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).parents[2]


def test_a_program_gets_the_numbers() -> None:
    place = rows.location(rows.variant(size=10), b"a")
    place.stage = Stage.HASH
    place.save()

    (row,) = run("status", "--json").rows

    assert row["running"] is False
    assert (row["libraries"], row["models"], row["variants"]) == (1, 1, 1)
    assert row["waiting"] == {"probe": 0, "hash": 1, "verify": 0}
    assert row["workers"] == []
    versions = row["versions"]
    assert isinstance(versions, dict)
    assert versions["PostgreSQL"]
    assert versions["Broker"]


def test_a_person_gets_them_in_lines() -> None:
    rows.location(rows.variant(size=10), b"a")

    ran = run("status")

    assert ran.code == 0
    assert "Models           1 in 1 variants" in ran.out
    assert "Waiting          nothing" in ran.out


def test_a_healthy_place_has_no_problem(tmp_path: Path) -> None:
    libraries.add(path=os.fsencode(tmp_path))

    ran = run("doctor", "--json")

    assert {row["name"] for row in ran.rows if not row["ok"]} == set()
    assert "computed by compiled code" in {row["text"] for row in ran.rows}
    assert ran.code == 0
    assert f"Library folder {tmp_path}" in {row["name"] for row in ran.rows}


def test_a_folder_that_is_gone_is_a_problem_with_its_way_out(tmp_path: Path) -> None:
    (tmp_path / "drive").mkdir()
    libraries.add(path=os.fsencode(tmp_path / "drive"))
    (tmp_path / "drive").rmdir()

    ran = run("doctor")

    assert ran.code == 1
    assert f"problem  Library folder {tmp_path / 'drive'}" in ran.out
    assert "Mount the drive" in ran.out


def test_a_data_folder_that_cannot_be_written_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "ISOTOPE_DATA", Path("/proc/self/no-such-folder"))

    found = checking.space()

    assert not found.ok
    assert found.fix


def test_a_server_that_is_away_is_a_problem_and_the_other_checks_go_on() -> None:
    nowhere = {"DATABASE_URL": "postgresql://127.0.0.1:1/no", "BROKER_URL": "redis://127.0.0.1:1/0"}

    done = subprocess.run(
        [sys.executable, "manage.py", "doctor"],
        cwd=ROOT, env=os.environ | nowhere, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 1
    assert "problem  Servers: The database does not answer" in done.stdout
    assert "ok       Python" in done.stdout
