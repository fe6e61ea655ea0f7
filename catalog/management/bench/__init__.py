"""Benchmarks that set our figures beside those of the usual tools, in one run. `BENCHMARKS` names them all.

A benchmark is a module of this package with `run(*, size: int, rounds: int, folder: Path) -> list[Row]`; what `size`
counts is its own affair, `DEFAULT_SIZE` says how much is usual. It must not need a database to be imported.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from catalog.management.bench.measuring import Row

BENCHMARKS = {
    "candidates": "catalog.management.bench.candidates",
    "hashing": "catalog.management.bench.hashing",
    "probing": "catalog.management.bench.probing",
    "scan": "catalog.management.bench.scan",
}
"""Name -> module, imported only when it is run."""


class Benchmark(Protocol):
    """What such a module holds."""

    DEFAULT_SIZE: int
    run: Callable[..., list[Row]]


def run(name: str, *, rounds: int, folder: Path, size: int | None = None) -> list[Row]:
    """Run the benchmark of that name in `folder`, at its usual size where none is given."""
    benchmark = cast("Benchmark", import_module(BENCHMARKS[name]))
    return benchmark.run(size=size or benchmark.DEFAULT_SIZE, rounds=rounds, folder=folder)
