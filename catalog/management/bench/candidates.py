"""From a fingerprint to ranked candidates, in a simulated catalogue of `size` variants with two components each.

Every component has the keys of a real one: twelve over all values and twenty-six anchors. The smaller component is
held by hundreds of thousands in one case of ten (a well-known VAE), and by seven otherwise; the larger is the
variant's own, and shares its norms with the hundred variants of its family, or, of the first ten thousand, with ten
thousand fine-tunes of one base, of which each keeps a probe. All of it lies in a database of its own that is dropped
afterwards. Asked are: copies in another precision, quantisations of one of the ten thousand, checkpoints with that VAE,
and models that nobody knows. The times are from the fingerprint's keys to the candidates in their order.

How probable is it to miss a true pair? Keys over all values are equal or not: two files whose values are each other's
exact rounding always meet (by accident others do with 2**-128). A quantisation meets its source by anchors: the eight
least keys of each kind are chosen by the keys themselves, so two sides that have the same set of small tensors choose
the same, and it is missed only if none of the eight aux tensors of either kind was left as it was. Of those that share
their anchors with more than `POPULAR`, the one is found by its probe: the source of a quantisation lies nowhere outside
by construction (a bounded rounding; 0 of 512), so it is among the `nearest` unless more than that many others have
nothing outside either, which takes fine-tunes whose change lies below the quantiser's noise at all places.
"""

from __future__ import annotations

import statistics
import sys
import time
from typing import TYPE_CHECKING

from django.db import connection

from catalog.management.bench.measuring import Row
from catalog.management.bench.simulated import Catalogue, Question, scratch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

DEFAULT_SIZE = 1_000_000

_ALLOWED = 0.3
_QUERIES = 50
_BASE = "300 ms"


def run(*, size: int, rounds: int, folder: Path) -> list[Row]:
    """Fills a database, asks, and drops it. Raises `RuntimeError` where a plan reads a table from end to end."""
    del rounds, folder
    with scratch():
        catalogue = Catalogue(size)
        began = time.monotonic()
        catalogue.fill()
        print(f"{catalogue.told()}; filled in {time.monotonic() - began:.0f} s", file=sys.stderr)  # noqa: T201
        rows = [row for kind in Question for row in _asked(catalogue, kind)]
        _refuse_scans(catalogue)
    return rows


def _asked(catalogue: Catalogue, kind: Question) -> Iterable[Row]:
    seconds, cpu, found = [], [], 0
    for number in range(_QUERIES):
        query = catalogue.question(kind, number)
        wall, used = time.perf_counter(), time.process_time()
        best = catalogue.answer(query)
        seconds.append(time.perf_counter() - wall)
        cpu.append(time.process_time() - used)
        found += query.wanted is None or query.wanted in {one.variant for one in best}
    name = f"{kind.value}: found {found} of {_QUERIES}"
    for label, value in (("median", statistics.median(seconds)), ("p95", statistics.quantiles(seconds, n=20)[-1])):
        yield Row(f"{name}, {label}", value, statistics.median(cpu), value / _ALLOWED, _BASE)


def _refuse_scans(catalogue: Catalogue) -> None:
    """Looks at the plan of every statement that an answer takes."""
    with connection.execute_wrapper(_explained):
        for kind in Question:
            catalogue.answer(catalogue.question(kind, 0))


def _explained(execute: Callable[..., object], sql: str, params: object, *rest: object) -> object:
    with connection.connection.cursor() as cursor:
        plan = "\n".join(row[0] for row in cursor.execute(f"EXPLAIN {sql}", params))
    if "Seq Scan on catalog_" in plan:
        raise RuntimeError(f"This reads a table from end to end:\n{plan}")
    return execute(sql, params, *rest)
