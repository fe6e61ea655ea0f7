"""Groups of duplicates, kept as rows so that no page adds up a million places.

The database notes which variants changed their places, their model or a relation; whoever stores digests or decides
that two are not the same says so with `due`. What was noted is grouped anew here, and nothing else.
"""

from __future__ import annotations

import time
from math import inf
from typing import TYPE_CHECKING

from django.db import connection, transaction

from catalog.models import GroupDue, Variant
from catalog.services.grouping import copies, variants

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

_LOCK = 0x1507_0007
_AT_ONCE = 2000


def due(ids: Iterable[UUID]) -> None:
    """These variants have to be grouped anew, with whatever is like them."""
    GroupDue.objects.bulk_create(GroupDue(variant_id=pk) for pk in sorted(set(ids)))


def refresh_due(*, at_once: int = _AT_ONCE, seconds: float = inf) -> int:
    """Groups anew all that is due, so many marks a transaction; how many there were. After `seconds` the rest waits."""
    total, until = 0, time.monotonic() + seconds
    while count := _refresh(at_once):
        total += count
        if time.monotonic() > until:
            break
    return total


def _refresh(most: int) -> int:
    """One at a time. A mark that is written meanwhile is not among those that are deleted."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        marks = dict(GroupDue.objects.order_by("pk").values_list("pk", "variant_id")[:most])
        if marks:
            ids = set(marks.values())
            targets = Variant.objects.filter(pk__in=ids, merged_into__isnull=False)
            ids |= {pk for pk in targets.values_list("merged_into", flat=True) if pk is not None}
            owners = copies.refresh(ids)
            variants.refresh(ids | owners)
            GroupDue.objects.filter(pk__in=marks).delete()
    return len(marks)
