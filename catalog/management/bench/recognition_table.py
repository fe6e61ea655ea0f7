"""The answer of `bench recognition`: a table for people, lines of JSON for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Column, Table

from catalog.management.bench.recognition import RECALL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalog.management.bench.recognition import Kind, Report

Line = dict[str, "str | int | float | bool"]


def table(report: Report) -> Table:
    """Recall by kind of conversion, then false merges by kind of near miss."""
    found = Table(Column("kind", no_wrap=True), "pairs", "right", "at once", "the word", "cannot tell", "wrong")
    for column in found.columns[1:]:
        column.justify = "right"
    for before, kind in zip((None, *report.kinds), report.kinds, strict=False):
        if before is not None and before.same != kind.same:
            found.add_section()
        found.add_row(*_row(kind), style=_style(kind))
    return found


def _row(kind: Kind) -> tuple[str, ...]:
    counts = (kind.pairs, kind.right, kind.quick, kind.relation, kind.undecided, kind.wrong)
    return (
        kind.name if kind.same else f"not the same: {kind.name}",
        *(str(count) if count else "" for count in counts),
    )


def _style(kind: Kind) -> str:
    return "red" if kind.wrong else "yellow" if kind.right < kind.pairs else ""


def sentences(report: Report) -> Iterator[str]:
    """What the table does not hold."""
    totals = report.totals
    yield f"recall {report.recall:.4f} (wanted: {RECALL}), false merges {report.false_merges} (wanted: 0)"
    yield (
        f"{totals['artefacts']:,.0f} artefacts, {totals['bytes'] / 1e6:,.0f} MB: "
        f"read {totals['bytes_read_over_size']:.3f} times their size, "
        f"{totals['cpu_seconds_per_gb']:.1f} CPU seconds a GB"
    )
    yield (
        f"fingerprint {totals['fingerprint_bytes'] / 1024:,.0f} KiB and {totals['keys']:,.0f} keys, "
        f"comparison {report.quick_seconds * 1000:,.1f} ms, in full {report.full_seconds * 1000:,.0f} ms (medians)"
    )
    if report.left_out or report.unread:
        yield (
            f"left out: {report.left_out} pairs with artefacts that are not here ({report.missing} of those listed), "
            f"{report.unread} with a file that has no reader"
        )


def lines(report: Report) -> Iterator[Line]:
    """One object for each kind, each note and each artefact, then one for the whole."""
    for kind in report.kinds:
        yield {"line": "kind", **kind._asdict()}
    for note in report.notes:
        yield {"line": "note", "text": note}
    for cost in report.costs:
        yield {"line": "artefact", **cost._asdict()}
    yield {
        "line": "whole",
        "good": report.good,
        "recall": report.recall,
        "false_merges": report.false_merges,
        "missing": report.missing,
        "pairs_left_out": report.left_out,
        "pairs_without_reader": report.unread,
        "quick_seconds": report.quick_seconds,
        "full_seconds": report.full_seconds,
        **report.totals,
    }
