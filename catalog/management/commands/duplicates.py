"""`manage.py duplicates`: what lies here more than once, the most bytes to gain first."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.table import Table

from catalog.management.output import DONE, NO, CatalogCommand, printable
from catalog.queries import duplicates
from catalog.services import grouping
from catalog.vocabulary import Certainty, GroupSort, Relation
from catalog.vocabulary.sizes import human_size

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Mapping

    from catalog.queries.duplicates import Group, Sums

_RELATIONS = (
    Relation.IDENTICAL.value,
    Relation.SAME_TENSORS.value,
    Relation.SAME_WEIGHTS.value,
    Relation.OTHER_PRECISION.value,
    Relation.QUANTISED.value,
)


class Command(CatalogCommand):
    """Exit code 1 when there is none."""

    help = "List files with the same bytes, and models that are here in several forms; the most bytes to gain first."
    needs_servers = True

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--relation", choices=_RELATIONS, default="", help="only groups with this relation")

    def work(self, options: Mapping[str, object]) -> int:
        grouping.refresh_due()
        relation = str(options["relation"] or "")
        beside = 0
        for group in duplicates.groups(relation=relation):
            beside += not group.of_weights
            self._answer(group)
        sums = duplicates.sums(relation=relation)
        if not self.json:
            self._sum_up(sums, relation, beside)
        return DONE if sums.groups else NO

    def _answer(self, group: Group) -> None:
        if self.json:
            self.emit(asdict(group))
            return
        if group.of_weights:
            self.show(_headline(group))
            self.show(_table(group))

    def _sum_up(self, sums: Sums, relation: str, beside: int) -> None:
        kind = f" of this kind ({Relation.label_of(relation)})" if relation else ""
        if not sums.groups:
            self.say(f"No duplicates{kind}: nothing that was read in full lies here twice.")
            return
        groups = "1 group" if sums.groups == 1 else f"{sums.groups:,} groups"
        self.show(f"{groups}{kind}; {human_size(sums.reclaimable)} to gain. Nothing was changed.")
        if beside:
            are = "is" if beside == 1 else "are"
            self.show(f"{beside:,} of them {are} of files beside weights, configurations and such: see --json.")


def _headline(group: Group) -> str:
    """`2 identical files: 6.94 GB to gain of 13.9 GB (group 7)`."""
    count = len(group.members)
    gain = f"{human_size(group.reclaimable)} to gain of {human_size(group.bytes)} (group {group.group})"
    if group.sort == GroupSort.IDENTICAL:
        return f"{count} identical files: {gain}"
    said = f"{Relation.label_of(group.relation)}, {Certainty.label_of(group.certainty)}"
    return f"{count} variants of one model, {said}: {gain}"


def _table(group: Group) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 2))
    for _ in range(3):
        table.add_column(overflow="fold")
    for one in group.members:
        said = "keep" if one.kept else Relation.label_of(one.relation)
        table.add_row(said, human_size(one.size), printable(one.where))
    return table
