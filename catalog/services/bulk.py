"""Many rows in one statement, where Django would send a CASE a row or make an object of each.

Columns are attribute names of the model (`variant_id`); values are as psycopg takes them, JSON as text.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import connection
from django.db.models import Field

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from django.db.models import Model


def update(table: type[Model], columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Sets the columns but the first, by which rows are found. Of two rows for one key the first counts. How many."""
    found = list({row[0]: row for row in reversed(list(rows))}.values())
    names = [_column(table, name) for name in columns]
    setting = ", ".join(f"{name} = given.{name}" for name in names[1:])
    return _execute(
        f"UPDATE {table._meta.db_table} changed SET {setting} FROM {_given(table, columns)} given "  # noqa: S608 - names
        f"WHERE changed.{names[0]} = given.{names[0]}",
        table,
        columns,
        found,
    )


def insert(table: type[Model], columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Inserts rows in the order given, which should be that of a unique key others write to. How many."""
    return _insert(table, columns, list(rows), "")


def insert_missing(
    table: type[Model], columns: Sequence[str], rows: Iterable[Sequence[object]], *, otherwise: str = "DO NOTHING"
) -> int:
    """The same where rows may be there already; `otherwise` follows ON CONFLICT."""
    return _insert(table, columns, list(rows), f" ON CONFLICT {otherwise}")


def _insert(table: type[Model], columns: Sequence[str], rows: list[Sequence[object]], conflict: str) -> int:
    names = ", ".join(_column(table, name) for name in columns)
    return _execute(
        f"INSERT INTO {table._meta.db_table} ({names}) SELECT * FROM {_given(table, columns)} given{conflict}",  # noqa: S608 - names
        table,
        columns,
        rows,
    )


def _execute(statement: str, table: type[Model], columns: Sequence[str], rows: list[Sequence[object]]) -> int:
    if not rows:
        return 0
    arrays = [
        [json.dumps(value) for value in column] if _is_array(table, name) else list(column)
        for name, column in zip(columns, zip(*rows, strict=True), strict=True)
    ]
    with connection.cursor() as cursor:
        cursor.execute(statement, arrays)
        return int(cursor.rowcount)


def _given(table: type[Model], columns: Sequence[str]) -> str:
    """The rows as a table. unnest flattens arrays of arrays, so those travel as JSON."""
    names = [_column(table, name) for name in columns]
    arrays = ", ".join(f"%s::{_type(table, name)}[]" for name in columns)
    values = ", ".join(
        f"ARRAY(SELECT jsonb_array_elements_text(plain.{column})) AS {column}" if _is_array(table, name) else column
        for name, column in zip(columns, names, strict=True)
    )
    return f"(SELECT {values} FROM unnest({arrays}) plain({', '.join(names)}))"  # noqa: S608 - our names


def _is_array(table: type[Model], name: str) -> bool:
    return isinstance(table._meta.get_field(name), ArrayField)


def _column(table: type[Model], name: str) -> str:
    field = table._meta.get_field(name)
    assert isinstance(field, Field)  # noqa: S101 - the other sort has no column here
    return str(field.column)


def _type(table: type[Model], name: str) -> str:
    """A cast to `varchar(n)` would cut a value in silence; a text that is too long is refused by the column."""
    if _is_array(table, name):
        return "jsonb"
    kind = str(table._meta.get_field(name).db_type(connection))
    return "text" if kind.startswith("varchar") else kind
