"""`manage.py match A B`: are these the same weights? With the evidence, tensor by tensor."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from catalog.errors import FileProblem
from catalog.management.output import DONE, NO, CatalogCommand, printable
from catalog.management.sides import OpenSide, is_path, open_side
from catalog.matching.full import compare_in_full
from catalog.matching.whole import compare
from catalog.matching.wording import as_json, mapped, summary
from catalog.vocabulary import SameModel, TensorVerdict

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rich.table import Table

    from catalog.matching.base import Evidence, Row

_FOLDED = frozenset({TensorVerdict.EQUAL, TensorVerdict.ROUNDED, TensorVerdict.QUANTISED})
"""Lines that say what the sentence says already."""
_COLUMNS = ("tensor", "types", "shape", "lies", "outside", "largest", "typical", "verdict")
_NARROW = ("tensor", "outside", "verdict")
_WIDE = 140
"""Columns of characters from which the whole table fits."""
_MOST_LINES = 40
"""Of the rest, so many are shown without `--tensors`."""


class Command(CatalogCommand):
    """Exit code 0 when both are the same model, 1 when they are not or nobody can tell."""

    help = "Say whether two models hold the same weights, whatever their formats and precisions, with the evidence."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("one", metavar="A", help="a file, a folder, PATH#SET, or what the catalogue answers to")
        parser.add_argument("other", metavar="B", help="the same")
        parser.add_argument("--quick", action="store_true", help="by digests, keys and samples; not by every value")
        parser.add_argument("--tensors", action="store_true", help="list every tensor (--json always does)")

    def work(self, options: Mapping[str, object]) -> int:
        one, other = str(options["one"]), str(options["other"])
        quick, tensors = bool(options["quick"]), bool(options["tensors"])
        with ExitStack() as stack:
            if not (is_path(one) and is_path(other)):
                from config.serving import servers  # noqa: PLC0415 - what needs only files starts without the office

                stack.enter_context(servers())
            left, right = (stack.enter_context(open_side(text)) for text in (one, other))
            evidence = self._compare(left, right, quick=quick)
            self._answer(evidence, *_names(left, right, one, other), tensors=tensors)
        return DONE if evidence.same_model == SameModel.YES else NO

    def _compare(self, left: OpenSide, right: OpenSide, *, quick: bool) -> Evidence:
        """By what one read of each file gives; then by every value, unless that would say no more."""
        with self._bar("reading", left.unread + right.unread) as more:
            subjects = left.subject(more), right.subject(more)
        evidence = compare(*subjects)
        if evidence.full and not quick and left.values is not None and right.values is not None:
            with self._bar("comparing", left.size + right.size) as more:
                tell = _Share(left.size + right.size, more)
                try:
                    evidence = compare_in_full(*subjects, left.values, right.values, progress=tell)
                except FileProblem:
                    _refuse_changes(left, right)
                    raise
        _refuse_changes(left, right)
        return evidence

    def _answer(self, evidence: Evidence, left: str, right: str, *, tensors: bool) -> None:
        if self.json:
            self.emit(as_json(evidence, left, right))
            return
        self.show(summary(evidence, left, right))
        rows = list(evidence.rows)
        shown = rows if tensors else [row for row in rows if row.verdict not in _FOLDED]
        cut = shown if tensors else shown[:_MOST_LINES]
        if cut:
            self.show(_table(cut, self._out.width))
        for line in _rest(rows, shown, cut):
            self.show(line)

    @contextmanager
    def _bar(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
        """A bar in bytes, on standard error, where that is a terminal."""
        if not self.stderr.isatty():
            yield lambda _more: None
            return
        from rich import progress  # noqa: PLC0415 - costs time that only a person at a terminal needs to spend

        columns = (progress.TextColumn("{task.description}"), progress.BarColumn(), progress.DownloadColumn())
        with progress.Progress(*columns, progress.TimeRemainingColumn(), console=self._err, transient=True) as bar:
            task = bar.add_task(what, total=total)
            yield lambda more: bar.advance(task, more)


def _refuse_changes(left: OpenSide, right: OpenSide) -> None:
    """Raises `Refused` if a file is no longer what it was when it was opened."""
    for side in (left, right):
        side.refuse_changes()


class _Share:
    """Values compared, told as the same share of so many bytes."""

    def __init__(self, size: int, more: Callable[[int], None]) -> None:
        self._size, self._more, self._told = size, more, 0

    def __call__(self, done: int, of: int) -> None:
        now = self._size * done // max(1, of)
        self._more(now - self._told)
        self._told = now


def _names(left: OpenSide, right: OpenSide, one: str, other: str) -> tuple[str, str]:
    """What both are called; by all that was given where their own names are alike."""
    return (left.label, right.label) if left.label != right.label else (one, other)


def _rest(rows: Sequence[Row], shown: Sequence[Row], cut: Sequence[Row]) -> Iterator[str]:
    """What the table leaves out."""
    if len(cut) < len(shown):
        yield f"  and {len(shown) - len(cut):,} more lines; --tensors lists all."
    folded = len(rows) - len(shown)
    if folded:
        yield f"  {folded:,} tensors agree and are not listed; --tensors lists all."


def _table(rows: Sequence[Row], width: int) -> Table:
    """A line a tensor, with the other side's name below its own where that differs; in a narrow window the least."""
    from rich.table import Table  # noqa: PLC0415 - costs time, and not every answer has a table

    columns = _COLUMNS if width >= _WIDE else _NARROW
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        right = name in {"outside", "largest", "typical"}
        table.add_column(name, justify="right" if right else "left", no_wrap=name != "tensor", overflow="fold")
    for row in rows:
        cells = _cells(row)
        table.add_row(*(printable(cells[name]) for name in columns))
    return table


def _cells(row: Row) -> dict[str, str]:
    """By column. `outside` is of the values that were compared; of all, unless it says of how many more."""
    types = " / ".join(dict.fromkeys(filter(None, (row.left_dtype, row.right_dtype))))
    compared = f"{row.outside:,} of {row.compared:,}" if row.compared else ""
    return {
        "tensor": "\n".join(dict.fromkeys(filter(None, (row.left, row.right)))),
        "types": types,
        "shape": _shape(row),
        "lies": mapped(row),
        "outside": compared if row.compared in {0, row.of} else f"{compared} (has {row.of:,})",
        "largest": _steps(row.largest),
        "typical": _steps(row.typical),
        "verdict": TensorVerdict.label_of(row.verdict),
    }


def _shape(row: Row) -> str:
    shapes = [" x ".join(map(str, shape)) for shape in (row.left_shape, row.right_shape)]
    return " / ".join(dict.fromkeys(filter(None, shapes)))


def _steps(number: float | None) -> str:
    """Units in the last place."""
    return f"{number:.3g}" if number is not None else ""
