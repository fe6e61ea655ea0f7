"""`manage.py bench NAME`: our figures beside those of the usual tools, in one run.

`manage.py bench recognition FOLDER` judges pairs of weights instead: exit 1 for a false merge, or where too few of the
same ones are found.
"""

from __future__ import annotations

import dataclasses
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from django.core.management.base import BaseCommand
from rich.console import Console
from rich.table import Table

from catalog.errors import CatalogError
from catalog.management.bench import BENCHMARKS, run
from catalog.management.output import FAILED, NO

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from catalog.management.bench.measuring import Row

RECOGNITION = "recognition"
_PLAIN_WIDTH = 160


class Command(BaseCommand):
    """Needs no database and no server, but for candidates: these get a database of their own for the time."""

    help = (
        "Measure Isotope against the usual tools: interleaved rounds, medians of the ratios within each round. "
        "Or judge how well the same weights are recognised, over a folder with a truth.json."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", choices=sorted([*BENCHMARKS, RECOGNITION]), help="what to measure")
        parser.add_argument(
            "truth",
            nargs="?",
            type=Path,
            help="for recognition: the folder with truth.json and its artefacts; `python -m tests.builders.judged "
            "FOLDER` writes one with random networks in every conversion, and near misses",
        )
        parser.add_argument(
            "--size",
            type=int,
            help="how much to measure on: bytes for hashing, files for a scan or for probing, variants for candidates",
        )
        parser.add_argument("--rounds", type=int, default=5, help="rounds to take the median of (default: 5)")
        parser.add_argument("--folder", type=Path, help="where to put the files (default: a temporary folder)")
        parser.add_argument("--json", action="store_true", help="one object a line instead of a table")

    def handle(self, *args: object, **options: object) -> None:
        if options["name"] == RECOGNITION:
            sys.exit(self._recognition(options["truth"], as_json=bool(options["json"])))
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

    def _recognition(self, folder: object, *, as_json: bool) -> int:
        from catalog.management.bench import recognition, recognition_table  # noqa: PLC0415 - needs numpy

        if not isinstance(folder, Path):
            self.stderr.write("Name the folder with truth.json: manage.py bench recognition FOLDER.")
            return FAILED
        try:
            report = recognition.run(folder, _progress)
        except CatalogError as error:
            self.stderr.write(str(error))
            return FAILED
        if as_json:
            for line in recognition_table.lines(report):
                self.stdout.write(json.dumps(line))
        else:
            width = None if sys.stdout.isatty() else _PLAIN_WIDTH
            Console(width=width).print(recognition_table.table(report))
            self.stdout.write("\n".join([*report.notes, *recognition_table.sentences(report)]))
        return 0 if report.good else NO


def _progress(done: int, of: int) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{done} of {of} pairs" + ("\n" if done == of else ""))


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
