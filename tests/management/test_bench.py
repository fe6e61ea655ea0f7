"""The benchmark of hashing runs anywhere, beside whatever tools there are."""

from __future__ import annotations

import json
from io import StringIO
from typing import TYPE_CHECKING

from django.core.management import call_command

from catalog.management.bench import BENCHMARKS, run
from catalog.management.bench.measuring import compare

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_hashing_sets_our_figures_beside_those_of_the_tools(tmp_path: Path) -> None:
    rows = run("hashing", size=3 << 20, rounds=1, folder=tmp_path)
    names = {row.name for row in rows}
    assert {"isotope, six digests", "isotope, six digests and tensors", "isotope, BLAKE3 alone"} <= names
    assert all(row.seconds > 0 and row.ratio > 0 for row in rows)
    assert not list(tmp_path.iterdir())


def test_the_command_prints_a_line_for_each_row(tmp_path: Path) -> None:
    out = StringIO()
    call_command("bench", "hashing", size=1 << 20, rounds=1, folder=tmp_path, json=True, stdout=out)
    rows = [json.loads(line) for line in out.getvalue().splitlines()]
    assert {"name", "seconds", "cpu_seconds", "ratio", "base", "items"} == set(rows[0])


def test_the_command_prints_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("bench", "hashing", size=1 << 20, rounds=1, folder=tmp_path)
    assert "isotope" in capsys.readouterr().out


def test_every_benchmark_can_be_imported() -> None:
    for module in BENCHMARKS.values():
        __import__(module)


def test_ratios_are_those_within_a_round() -> None:
    rows = compare({"a": lambda: sum(range(10)), "b": lambda: sum(range(20))}, 3, [("a", "b")])
    assert [(row.name, row.base) for row in rows] == [("a", "a"), ("b", "a"), ("a", "b")]
    assert rows[0].ratio == 1
