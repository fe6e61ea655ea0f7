"""Rows in batches."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from catalog.services import bulk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from django.db.models import Model

BATCH = 5_000

_Item = TypeVar("_Item")


def batches(items: Iterable[_Item], size: int = BATCH) -> Iterator[list[_Item]]:
    """The items in lists of at most `size`."""
    left = iter(items)
    while batch := list(islice(left, size)):
        yield batch


def save(rows: Iterable[Model], columns: Sequence[str]) -> None:
    """Writes these columns of rows of one table as they stand in memory."""
    for batch in batches(rows):
        values = ([getattr(row, column) for column in ("id", *columns)] for row in batch)
        bulk.update(type(batch[0]), ("id", *columns), values)
