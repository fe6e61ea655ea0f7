"""`manage.py bench NAME`: our figures beside those of the usual tools, in one run."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from django.core.management.base import BaseCommand
from rich.console import Console
from rich.table import Table

from catalog.management.bench import BENCHMARKS, run

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from catalog.management.bench.measuring import Row


class Command(BaseCommand):
    """Needs no database and no server."""

    help = "Measure Isotope against the usual tools: interleaved rounds, medians of the ratios within each round."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", choices=sorted(BENCHMARKS), help="what to measure")
        parser.add_argument(
            "--size", type=int, help="how much to measure on: bytes for hashing, files for a scan or for probing"
        )
        parser.add_argument("--rounds", type=int, default=5, help="rounds to take the median of (default: 5)")
        parser.add_argument("--folder", type=Path, help="where to put the files (default: a temporary folder)")
        parser.add_argument("--json", action="store_true", help="one object a line instead of a table")

    def handle(self, *args: object, **options: object) -> None:
        size, rounds, folder = options["size"], options["rounds"], options["folder"]
        with tempfile.TemporaryDirectory(prefix="isotope-bench-", dir=str(folder) if folder else None) as place:
            rows = run(
                str(options["name"]),
                rounds=max(1, rounds) if isinstance(rounds, int) else 1,
                folder=Path(place),
                size=size if isinstance(size, int) else None,
            )
        if options["json"]:
            for row in rows:
                self.stdout.write(json.dumps(dataclasses.asdict(row)))
        else:
            Console().print(_table(rows))


def _table(rows: list[Row]) -> Table:
    counted = any(row.items for row in rows)
    table = Table("what", "seconds", "CPU seconds", "times", "beside", *["files a second"] * counted)
    for column in [*table.columns[1:4], *table.columns[5:]]:
        column.justify = "right"
    for row in rows:
        seconds = f"{row.seconds:.3f}" if row.seconds >= 0.1 else f"{row.seconds:.5f}"
        ratio = f"{row.ratio:.2f}" if row.ratio >= 0.1 else f"{row.ratio:.4f}"
        rate = f"{row.items / row.seconds:,.0f}" if row.items else ""
        table.add_row(row.name, seconds, f"{row.cpu_seconds:.2f}", ratio, row.base, *[rate] * counted)
    return table
