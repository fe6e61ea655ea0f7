"""The scan's benchmark sets ours beside find, and leaves nothing behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from catalog.management.bench import run
from catalog.models import Library, Location

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.django_db(transaction=True)
def test_the_scan_stands_beside_find_and_nothing_of_it_stays(tmp_path: Path) -> None:
    rows = run("scan", size=150, rounds=1, folder=tmp_path)
    assert rows[0].name == "find -printf"
    assert {"isotope, walk", "isotope, scan of an unchanged library"} <= {row.name for row in rows}
    assert list(tmp_path.iterdir()) == []
    assert not Library.objects.exists()
    assert not Location.objects.exists()
