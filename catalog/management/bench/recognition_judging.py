"""Judging pairs as the product does: each artefact is read once, each pair by keys and samples, in full where it must.

Needs neither database nor server: what is compared are the fingerprints that a worker would store.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from catalog.errors import CatalogError
from catalog.fingerprints.keys import component_keys
from catalog.fingerprints.packing import pack
from catalog.management.subjects import reached, read
from catalog.matching.full import compare_in_full
from catalog.matching.whole import compare
from catalog.vocabulary import SameModel

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalog.management.bench.recognition_truth import Judged, Truth
    from catalog.management.subjects import Reached
    from catalog.matching.base import Evidence, Subject

OPEN = 128
"""So many artefacts at most stay open for a full comparison; an earlier one is opened once more."""


class Cost(NamedTuple):
    """Of one artefact: its size, bytes read, CPU seconds of the one read, bytes and keys of its fingerprint."""

    path: str
    size: int
    read: int
    cpu_seconds: float
    fingerprint: int
    keys: int


class Judgement(NamedTuple):
    """One pair as it was judged: at once, and in the end. `error`: why it could not be."""

    pair: Judged
    quick: Evidence | None
    final: Evidence | None
    quick_seconds: float = 0.0
    full_seconds: float = 0.0
    error: str = ""

    @property
    def found(self) -> SameModel:
        """What the product says in the end."""
        return self.final.same_model if self.final else SameModel.UNKNOWN


class Bench:
    """The artefacts of a truth. `costs` fills as they are read, each once."""

    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        self._subjects: dict[str, Subject] = {}
        self._open: dict[str, tuple[Reached, ExitStack]] = {}
        self.costs: dict[str, Cost] = {}

    def judge(self) -> Iterator[Judgement]:
        """Pair by pair, in the order of the truth."""
        try:
            for pair in self._truth.pairs:
                yield self._judged(pair)
        finally:
            for _, stack in self._open.values():
                stack.close()

    def _judged(self, pair: Judged) -> Judgement:
        try:
            left, right = self._subject(pair.left), self._subject(pair.right)
            start = time.perf_counter()
            quick = final = compare(left, right)
            between = time.perf_counter()
            if quick.full:
                final = compare_in_full(left, right, self._reached(pair.left).values, self._reached(pair.right).values)
            full_seconds = time.perf_counter() - between if quick.full else 0.0
        except CatalogError as error:
            return Judgement(pair, None, None, error=str(error))
        return Judgement(pair, quick, final, between - start, full_seconds)

    def _subject(self, path: str) -> Subject:
        if path not in self._subjects:
            found = self._reached(path)
            if not self._subjects:
                read(found)  # compiles the kernels, which is no cost of the file
            before, cpu = _bytes_read(), sum(os.times()[:2])
            subject = self._subjects[path] = read(found)
            after, spent = _bytes_read(), sum(os.times()[:2]) - cpu
            self.costs[path] = Cost(path, found.size, after - before, spent, *fingerprint_size(subject))
        return self._subjects[path]

    def _reached(self, path: str) -> Reached:
        if path in self._open:
            self._open[path] = self._open.pop(path)  # the last one used
            return self._open[path][0]
        if len(self._open) >= OPEN:
            self._open.pop(next(iter(self._open)))[1].close()
        stack = ExitStack()
        found = stack.enter_context(reached(os.fspath(self._truth.folder / path)))
        self._open[path] = found, stack
        return found


def fingerprint_size(subject: Subject) -> tuple[int, int]:
    """Bytes stored for all components, and the keys they are found by."""
    packed = sum(len(pack(component)) for component in subject.components)
    return packed, sum(len(component_keys(component)) for component in subject.components)


def _bytes_read() -> int:
    """Bytes that this process has asked the system for until now; 0 where the system does not count them."""
    try:
        return int(Path("/proc/self/io").read_text(encoding="ascii").split()[1])
    except OSError:
        return 0
