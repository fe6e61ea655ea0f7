"""The rows that change for every note, each table in one statement: a library has thousands of them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from django.db import connection

if TYPE_CHECKING:
    from collections.abc import Iterable

    from catalog.models import ModelRecord, Note

FIELDS = ("name", "name_source", "version_name", "licence", "source", "notes", "tags", "trigger_words")
"""What a model can learn; the last two are lists."""

# Rows go as JSON, since an array of arrays would have to be regular.
_MODELS = """
UPDATE catalog_modelrecord told SET name = given.name, name_source = given.name_source,
    version_name = given.version_name, licence = given.licence, source = given.source, notes = given.notes,
    tags = ARRAY(SELECT word FROM jsonb_array_elements_text(given.tags) WITH ORDINALITY _(word, at) ORDER BY at),
    trigger_words = ARRAY(
        SELECT word FROM jsonb_array_elements_text(given.trigger_words) WITH ORDINALITY _(word, at) ORDER BY at),
    updated_at = now()
FROM jsonb_to_recordset(%s::jsonb) given(
    id uuid, name text, name_source text, version_name text, licence text, source text, notes text, tags jsonb,
    trigger_words jsonb)
WHERE told.id = given.id
"""

_READ = """
UPDATE catalog_note note SET read_at = now()
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[]) seen(id, size, mtime_ns, ctime_ns)
WHERE note.id = seen.id AND note.read_at IS NULL
  AND (note.size, note.mtime_ns, note.ctime_ns) = (seen.size, seen.mtime_ns, seen.ctime_ns)
"""


def save(models: Iterable[ModelRecord]) -> None:
    """What these models say now; their rows are locked by the caller."""
    rows = [{"id": str(model.pk), **{name: getattr(model, name) for name in FIELDS}} for model in models]
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(_MODELS, [json.dumps(rows)])


def mark_read(notes: Iterable[Note]) -> None:
    """These were read; not those that a scan found changed meanwhile."""
    rows = [(note.pk, note.size, note.mtime_ns, note.ctime_ns) for note in notes]
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(_READ, [list(column) for column in zip(*rows, strict=True)])
