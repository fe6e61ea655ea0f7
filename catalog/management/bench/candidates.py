"""From a fingerprint to ranked candidates, in a simulated catalogue of `size` variants with two components each.

Every component has the keys of a real one: twelve over all values and twenty-six anchors. The smaller component is
held by a hundred thousand of a million (a well-known VAE) in one case of ten, and by seven otherwise; the larger is the
variant's own, and shares its norms with the hundred variants of its family, or, of the first ten thousand, with ten
thousand fine-tunes of one base, of which each keeps a probe. All of it lies in a database of its own that is dropped
afterwards. Asked are: copies in another precision, quantisations of one of the ten thousand, checkpoints with that VAE,
and models that nobody knows. The times are from the fingerprint's keys to the candidates in their order; CPU seconds
are those of both ends of the connection, in the mean.

Measured on two shared cores, p95 of 50 questions of a kind. A million variants (76 million keys, 11 GB), with ten busy
processes beside: 103, 586, 40 and 19 ms, in the order above; the second read its ten thousand probes of 2 KiB in
115 ms of CPU then, 90 now. A hundred thousand variants with as many probes and four busy processes beside: 5, 196,
21 and 11 ms, of which CPU 90 for the second. All that were looked for were found.

How probable is it to miss a true pair? Keys over all values are equal or not: of two files whose values are each
other's exact rounding, none is missed (and by accident others meet with 2**-128). The f16 and the bf16 rounding of one
f32 parent that is not here meet by extremes: four values of a tensor, each of which rounding twice leaves as it is in
93.7 % of cases, so those of a tensor agree in 77 %; of the eight least keys of 8 and of 20 tensors none is common in
1e-5 and 2e-5 of cases, of 60 and of 200 in none of 20,000 draws. A quantisation meets its source by anchors: everybody
who has the same aux tensors chooses the same eight of each kind, so it is missed only if every one of them was changed
too and its family is none of the four oldest of its build. Of more than `POPULAR` that share their anchors it is found
by its probe: rounding is bounded, so the source lies nowhere outside (0 of 512 places), and it is missed only where
more than 24 others do neither. Drawn 120 times each, from 10,000 fine-tunes at distances of 1e-3 to 0.3: always found
with steps as wide as those of Q8_0, Q6_K, Q5_K and Q4_K; of Q3_K and Q2_K always or in 97 % of cases where the
siblings differ by more than 0.6 %, in 63 % and 10 % among those that differ by less, of which samples cannot say "the
same" either.
"""

from __future__ import annotations

import os
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
_QUERIES = 10
"""Of each kind, a round."""
_BASE = "300 ms"
_WORTH_AN_INDEX = 10_000
"""Of fewer variants, reading all may be the better plan."""


def run(*, size: int, rounds: int, folder: Path) -> list[Row]:
    """Fills a database, asks, and drops it. Raises `RuntimeError` where a plan reads a table from end to end."""
    del folder
    with scratch():
        catalogue = Catalogue(size)
        began = time.monotonic()
        catalogue.fill()
        print(f"{catalogue.told()}; filled in {time.monotonic() - began:.0f} s", file=sys.stderr)  # noqa: T201
        rows = [row for kind in Question for row in _asked(catalogue, kind, rounds * _QUERIES)]
        if size >= _WORTH_AN_INDEX:
            _refuse_scans(catalogue)
    return rows


def _asked(catalogue: Catalogue, kind: Question, queries: int) -> Iterable[Row]:
    seconds, cpu, found = [], [], 0
    for number in range(queries):
        query = catalogue.question(kind, number)
        wall, used = time.perf_counter(), _cpu()
        best = catalogue.answer(query)
        seconds.append(time.perf_counter() - wall)
        cpu.append(_cpu() - used)
        found += query.wanted is None or query.wanted in {one.variant for one in best}
    name = f"{kind.value}: found {found} of {queries}"
    for label, value in (("median", statistics.median(seconds)), ("p95", statistics.quantiles(seconds, n=20)[-1])):
        yield Row(f"{name}, {label}", value, statistics.fmean(cpu), value / _ALLOWED, _BASE)


def _cpu() -> float:
    """Seconds of this process and, where it can be seen, of the database's process that serves it."""
    ours = time.process_time()
    try:
        with open(f"/proc/{connection.connection.info.backend_pid}/stat") as stat:
            fields = stat.read().rpartition(")")[2].split()
    except OSError:
        return ours
    return ours + (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


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
