"""Rows in batches."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from django.db import connection

from catalog.services import bulk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from django.db.models import Model

BATCH = 5_000

_Item = TypeVar("_Item")


def batches(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    """The items in lists of at most `BATCH`."""
    left = iter(items)
    while batch := list(islice(left, BATCH)):
        yield batch


def new_ids(table: type[Model], count: int) -> list[int]:
    """Numbers for rows that are to be inserted."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)",
            [table._meta.db_table, count],
        )
        return [number for (number,) in cursor.fetchall()]


def save(rows: Iterable[Model], columns: Sequence[str]) -> None:
    """Writes these columns of rows of one table as they stand in memory."""
    for batch in batches(rows):
        values = ([getattr(row, column) for column in ("id", *columns)] for row in batch)
        bulk.update(type(batch[0]), ("id", *columns), values)
