"""Former names: under what a variant was seen before it moved. A picture may know nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone

from catalog.models import FormerName
from catalog.storage.keys import path_key, path_text, stem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from catalog.models import Library, Location


def remember(library: Library, moves: Iterable[tuple[Location, bytes]]) -> None:
    """Notes the old and the new path of locations that have a variant; call it while they still have the old one."""
    now = timezone.now()
    rows = {
        (row.variant_id, key): FormerName(
            variant_id=row.variant_id,
            library=library,
            path=path,
            path_key=key,
            path_text=path_text(path),
            stem=stem(path, library=bytes(library.path)),
            first_seen=now,
            last_seen=now,
        )
        for row, new in moves
        if row.variant_id is not None
        for path in (bytes(row.path), new)
        for key in (path_key(path),)
    }
    FormerName.objects.bulk_create(
        (rows[key] for key in sorted(rows)),
        update_conflicts=True,
        unique_fields=["variant", "library", "path_key"],
        update_fields=["last_seen"],
    )
