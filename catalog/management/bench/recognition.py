"""How well the same weights are recognised, over a folder of judged pairs (`recognition_truth`).

A folder with made-up networks, all of their conversions and near misses is written by `python -m
tests.builders.judged FOLDER`.
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, NamedTuple

from catalog.management.bench.recognition_judging import Bench, Judgement
from catalog.management.bench.recognition_truth import RELATIONS, read
from catalog.vocabulary import Doubt, SameModel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from catalog.management.bench.recognition_judging import Cost

RECALL = 0.99
"""Of the pairs that are the same, or the same in part, so many must be found."""
_GB = 1e9
_NO_READER = frozenset({Doubt.NO_VALUES})


class Kind(NamedTuple):
    """The pairs of one kind: a conversion (`same`) or a near miss.

    `right`: the answer is that of the truth, `quick`: at once, `relation`: by the very word. `undecided`: "cannot
    tell". `wrong`: the rest; of near misses the false merges alone.
    """

    name: str
    same: bool
    pairs: int
    right: int
    undecided: int
    wrong: int
    relation: int
    quick: int


class Report(NamedTuple):
    """All that is printed. Times are medians in seconds; bytes and CPU seconds are sums over the artefacts."""

    kinds: tuple[Kind, ...]
    notes: tuple[str, ...]
    costs: tuple[Cost, ...]
    missing: int
    left_out: int
    unread: int
    recall: float
    false_merges: int
    quick_seconds: float
    full_seconds: float

    @property
    def good(self) -> bool:
        """No false merge, and enough is found."""
        return not self.false_merges and self.recall >= RECALL

    @property
    def totals(self) -> dict[str, float]:
        """Of all artefacts: bytes read over their size, CPU seconds a GB, and a fingerprint's bytes, as median."""
        size = sum(cost.size for cost in self.costs) or 1
        return {
            "artefacts": len(self.costs),
            "bytes": size,
            "bytes_read_over_size": sum(cost.read for cost in self.costs) / size,
            "cpu_seconds_per_gb": sum(cost.cpu_seconds for cost in self.costs) / size * _GB,
            "fingerprint_bytes": statistics.median([cost.fingerprint for cost in self.costs] or [0]),
            "keys": statistics.median([cost.keys for cost in self.costs] or [0]),
        }


def run(folder: Path, told: Callable[[int, int], None] = lambda done, of: None) -> Report:
    """Judge all pairs; `told` hears after each how many are done. Raises `NotFound` without a truth."""
    truth = read(folder)
    bench = Bench(truth)
    judged: list[Judgement] = []
    for one in bench.judge():
        judged.append(one)
        told(len(judged), len(truth.pairs))
    readable = [one for one in judged if not _unread(one)]
    same = [one for one in readable if one.pair.same is not SameModel.NO]
    return Report(
        kinds=_kinds(readable),
        notes=tuple(_notes(judged)),
        costs=tuple(bench.costs.values()),
        missing=len(truth.missing),
        left_out=truth.left_out,
        unread=len(judged) - len(readable),
        recall=sum(map(_right, same)) / len(same) if same else 1.0,
        false_merges=sum(map(_false_merge, readable)),
        quick_seconds=_median(one.quick_seconds for one in readable),
        full_seconds=_median(one.full_seconds for one in readable if one.full_seconds),
    )


def _median(values: Iterable[float]) -> float:
    return statistics.median([*values] or [0.0])


def _kinds(judged: list[Judgement]) -> tuple[Kind, ...]:
    groups: dict[tuple[bool, str], list[Judgement]] = {}
    for one in judged:
        groups.setdefault((one.pair.same is SameModel.NO, one.pair.kind), []).append(one)
    return tuple(_kind(name, ones, same=not miss) for (miss, name), ones in sorted(groups.items()))


def _kind(name: str, ones: list[Judgement], *, same: bool) -> Kind:
    right = [one for one in ones if _right(one)]
    undecided = sum(one.found is SameModel.UNKNOWN for one in ones if not _right(one))
    wrong = len(ones) - len(right) - undecided if same else sum(map(_false_merge, ones))
    said = sum(one.final is not None and one.final.relation in RELATIONS.get(one.pair.relation, ()) for one in right)
    quick = sum(one.quick is not None and one.quick.same_model is one.pair.same for one in ones)
    return Kind(name, same, len(ones), len(right), undecided, wrong, said, quick)


def _right(one: Judgement) -> bool:
    if one.pair.same is SameModel.NO:
        return one.found in {SameModel.NO, SameModel.PARTIAL}
    return one.found is one.pair.same


def _false_merge(one: Judgement) -> bool:
    """Called the same, or a part called the whole, that is not."""
    return one.found is SameModel.YES and one.pair.same is not SameModel.YES


def _unread(one: Judgement) -> bool:
    """Nothing was compared, and that is said: one side lies in a format that has no reader, or is no sound file."""
    return one.final is None or one.final.doubt in _NO_READER


def _notes(judged: list[Judgement]) -> Iterable[str]:
    """A line for each pair that is not as the truth says, false merges first."""
    for one in sorted(judged, key=lambda one: not _false_merge(one)):
        if _unread(one):
            yield f"not compared: {_named(one)}: {one.error or 'no reader for the values of one'}"
        elif one.final is not None and not _right(one):
            word = "FALSE MERGE" if _false_merge(one) else "not as judged"
            doubt = f" ({one.final.doubt})" if one.final.doubt else ""
            yield f"{word}: {_named(one)}: {one.final.relation}, {one.final.certainty}{doubt}"


def _named(one: Judgement) -> str:
    return f"{one.pair.left} / {one.pair.right} [{one.pair.kind}, same: {one.pair.same or 'unknown'}]"
