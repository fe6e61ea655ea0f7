"""What a decision changed, written so that it can be put back: one change of one field of one row after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple, cast
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Iterable

    from catalog.formats.base import Json


class Table(StrEnum):
    """Whose row was changed."""

    MODEL = "model"
    VARIANT = "variant"
    EXTERNAL_ID = "external id"
    REJECTION = "rejection"


class Change(NamedTuple):
    """One field of one row. Of the list fields and of the notes, only the difference is ever put back."""

    table: Table
    row: str
    field: str
    before: Json
    after: Json

    @property
    def place(self) -> tuple[str, str, str]:
        """What was changed, without the values."""
        return self.table, self.row, self.field

    def listed(self) -> list[Json]:
        """As JSON."""
        return [self.table.value, self.row, self.field, self.before, self.after]

    def reversed(self) -> Change:
        """The change that puts it back."""
        return self._replace(before=self.after, after=self.before)


@dataclass(frozen=True, slots=True)
class Image:
    """The changes in the order in which they were made, and the variants that were at the target already."""

    changes: tuple[Change, ...] = ()
    stayed: tuple[UUID, ...] = field(default=())

    def written(self) -> dict[str, Json]:
        """As `Decision.before` keeps it."""
        return {
            "changes": [change.listed() for change in self.changes],
            "stayed": [str(variant) for variant in self.stayed],
        }

    @classmethod
    def read(cls, before: object) -> Image:
        """From a `Decision.before`; one without changes gives an empty image."""
        if not isinstance(before, Mapping):
            return cls()
        rows = cast("Iterable[list[Json]]", before.get("changes", ()))
        return cls(
            changes=tuple(Change(Table(str(row[0])), str(row[1]), str(row[2]), row[3], row[4]) for row in rows),
            stayed=tuple(UUID(text) for text in before.get("stayed", ())),
        )

    def moved(self) -> dict[UUID, list[UUID]]:
        """The variants that went from one model to another, by the model that they were in before."""
        groups: dict[UUID, list[UUID]] = {}
        for change in self.changes:
            if change.table is Table.VARIANT and change.field == "model":
                groups.setdefault(UUID(str(change.before)), []).append(UUID(change.row))
        return groups

    def models(self) -> set[UUID]:
        """Every model that is named."""
        found: set[UUID] = set()
        for change in self.changes:
            if change.table is Table.MODEL:
                found.add(UUID(change.row))
            if change.field in {"model", "merged_into"}:
                found |= {UUID(str(value)) for value in (change.before, change.after) if value is not None}
        return found
