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
        parser.add_argument("--size", type=int, help="how much to measure on: bytes for hashing, files for a scan")
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
    table = Table("what", "seconds", "CPU seconds", "times", "beside")
    for column in table.columns[1:4]:
        column.justify = "right"
    for row in rows:
        table.add_row(row.name, f"{row.seconds:.3f}", f"{row.cpu_seconds:.2f}", f"{row.ratio:.2f}", row.base)
    return table
