"""The simulated catalogue answers every question, and leaves no database behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connection

from catalog.management.bench import run
from catalog.models import Variant

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.django_db(transaction=True)


def test_every_question_finds_its_answer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = connection.settings_dict["NAME"]

    rows = run("candidates", rounds=1, folder=tmp_path, size=300)

    assert len(rows) == 8
    assert all("found 10 of 10" in row.name for row in rows)
    assert "300 variants, 600 components" in capsys.readouterr().err
    assert connection.settings_dict["NAME"] == name
    assert Variant.objects.count() == 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_database WHERE datname LIKE 'isotope_bench%%'")
        assert cursor.fetchone()[0] == 0
