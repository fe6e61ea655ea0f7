"""Many rows in one statement, where Django would send a CASE a row or make an object of each.

Columns are attribute names of the model (`variant_id`); values are plain ones, JSON as text. What a batch of a hundred
small files costs is mostly this, so new rows go by COPY, and columns as array literals that are written here: psycopg
takes five times as long for them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db import connection
from django.db.models import Field

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from django.db.models import Model

    Rows: TypeAlias = "Iterable[Sequence[object]]"


def update(table: type[Model], columns: Sequence[str], rows: Rows) -> int:
    """Sets the columns but the first, by which rows are found. Of two rows for one key the first counts. How many."""
    found = list({row[0]: row for row in reversed(list(rows))}.values())
    names = _columns(table, tuple(columns))
    setting = ", ".join(f"{name} = given.{name}" for name in names[1:])
    statement = (
        f"UPDATE {table._meta.db_table} changed SET {setting} FROM {_given(table, tuple(columns))} "  # noqa: S608 - names
        f"WHERE changed.{names[0]} = given.{names[0]}"
    )
    return _execute(statement, found)


def insert(table: type[Model], columns: Sequence[str], rows: Rows) -> None:
    """New rows in the order given, which should be that of a unique key others write to."""
    rows = list(rows)
    if not rows:
        return
    names = ", ".join(_columns(table, tuple(columns)))
    with connection.cursor() as cursor, cursor.copy(f"COPY {table._meta.db_table} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def insert_missing(table: type[Model], columns: Sequence[str], rows: Rows, *, otherwise: str = "DO NOTHING") -> int:
    """The same where rows may be there already; `otherwise` follows ON CONFLICT. How many were written."""
    names = ", ".join(_columns(table, tuple(columns)))
    statement = f"INSERT INTO {table._meta.db_table} ({names}) SELECT * FROM {_given(table, tuple(columns))}"  # noqa: S608 - names
    return _execute(f"{statement} ON CONFLICT {otherwise}", list(rows))


def _execute(statement: str, rows: Sequence[Sequence[object]]) -> int:
    if not rows:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(statement, [_literal(column) for column in zip(*rows, strict=True)])
        return int(cursor.rowcount)


def _literal(values: Iterable[object]) -> str:
    """A column as PostgreSQL writes an array."""
    return "{" + ",".join(map(_element, values)) + "}"


def _element(value: object) -> str:
    if isinstance(value, bytes | memoryview):
        return f'"\\\\x{value.hex()}"'
    if isinstance(value, int | UUID):
        return str(value)
    if value is None:
        return "NULL"
    text = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


@lru_cache(maxsize=128)
def _given(table: type[Model], columns: tuple[str, ...]) -> str:
    """The rows as a table. PostgreSQL's own arrays of arrays must be regular, so such columns are none of ours."""
    arrays = ", ".join(f"%s::{_type(table, name)}[]" for name in columns)
    return f"unnest({arrays}) given({', '.join(_columns(table, columns))})"


@lru_cache(maxsize=128)
def _columns(table: type[Model], names: tuple[str, ...]) -> list[str]:
    found = []
    for name in names:
        field = table._meta.get_field(name)
        assert isinstance(field, Field)  # noqa: S101 - the other sort has no column here
        found.append(connection.ops.quote_name(str(field.column)))
    return found


def _type(table: type[Model], name: str) -> str:
    """A cast to `varchar(n)` would cut a value in silence; a text that is too long is refused by the column."""
    field = table._meta.get_field(name)
    if isinstance(field, ArrayField):
        raise TypeError(f"{name} is an array: it cannot be part of an array of rows")
    kind = str(field.db_type(connection))
    return "text" if kind.startswith("varchar") else kind
