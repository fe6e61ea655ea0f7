"""The scan's benchmark sets our walk beside find, and leaves nothing behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.management.bench import run

if TYPE_CHECKING:
    from pathlib import Path


def test_the_walk_stands_beside_find_and_the_tree_is_removed(tmp_path: Path) -> None:
    rows = run("scan", size=150, rounds=1, folder=tmp_path)
    assert rows[0].name == "find -printf"
    assert {"isotope, walk", "isotope, walk and sets"} <= {row.name for row in rows}
    assert list(tmp_path.iterdir()) == []
