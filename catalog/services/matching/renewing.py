"""Reading files again whose fingerprints were never made, or by an older version of the rules.

A few at a time, when nothing else waits to be read. What an older version found counts until the new one is stored in
its place; a variant whose files are gone keeps what it has.
"""

from __future__ import annotations

from django.db import connection

from catalog.fingerprints.base import VERSION
from catalog.models import Location
from catalog.vocabulary import Outcome, Stage

PRIORITY = 8
"""After all that anybody waits for, before what is only verified."""
AT_ONCE = 1000

_QUEUE = """
UPDATE catalog_location SET stage = 'hash', priority = %(priority)s, attempts = 0
WHERE stage = '' AND id IN (
    SELECT place.id FROM (
        SELECT variant_id FROM catalog_component WHERE version < %(version)s ORDER BY version, variant_id
    ) old
    JOIN catalog_variant v ON v.id = old.variant_id AND v.content IS NOT NULL AND v.merged_into_id IS NULL
    CROSS JOIN LATERAL (
        SELECT here.id FROM catalog_location here
        JOIN catalog_library lib ON lib.id = here.library_id AND lib.online AND lib.removed_at IS NULL
        WHERE here.variant_id = v.id AND here.state = 'present' AND here.stage = ''
          AND here.outcome = ANY(%(readable)s)
        ORDER BY here.id LIMIT 1
    ) place
    LIMIT %(most)s
)
"""


def renew(*, most: int = AT_ONCE) -> int:
    """Has the next of them read again. How many; none while anything waits to be read."""
    if Location.objects.filter(stage__in=(Stage.PROBE, Stage.HASH)).exists():
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            _QUEUE,
            {
                "priority": PRIORITY,
                "version": VERSION,
                "readable": [Outcome.OK.value, Outcome.SUSPICIOUS.value],
                "most": most,
            },
        )
        return int(cursor.rowcount)
