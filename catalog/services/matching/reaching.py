"""Which pairs can be compared by all their values: those whose files lie where one host's workers reach both.

The others do not wait in the way of those that can: they are marked, say so, and are taken up again when both can be
reached. Paused libraries and quiet hours are no obstacle, only a delay.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from django.db import connection

from catalog.models import Match
from catalog.services.identity import joining
from catalog.services.identity.locking import in_one_transaction
from catalog.vocabulary import Doubt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_AT_ONCE = 1000
_SLICES = 6
_turn = itertools.count()
_REASONS = {"apart": Doubt.OUT_OF_REACH.value, "gone": Doubt.BYTES_GONE.value}

_THERE = """EXISTS (
    SELECT FROM catalog_location place
    WHERE place.variant_id = m.EITHER AND place.state NOT IN ('missing', 'removed'))"""
_BOTH_THERE = f"{_THERE.replace('EITHER', 'left_id')} AND {_THERE.replace('EITHER', 'right_id')}"
_TOGETHER = """EXISTS (
    SELECT FROM catalog_location l
    JOIN catalog_library ll ON ll.id = l.library_id AND ll.online AND ll.removed_at IS NULL
    JOIN catalog_library rl ON rl.queue = ll.queue AND rl.online AND rl.removed_at IS NULL
    JOIN catalog_location r ON r.library_id = rl.id AND r.variant_id = m.right_id AND r.state = 'present'
    WHERE l.variant_id = m.left_id AND l.state = 'present')"""

_LOSE = f"""
UPDATE catalog_match lost SET compare_due = FALSE, out_of_reach = TRUE,
    evidence = jsonb_set(lost.evidence, '{{reach}}', to_jsonb(found.reason))
FROM (
    SELECT m.id, CASE WHEN {_BOTH_THERE} THEN %(apart)s ELSE %(gone)s END AS reason
    FROM catalog_match m
    WHERE m.compare_due AND m.lease IS NULL AND (%(ids)s::bigint[] IS NULL OR m.id = ANY(%(ids)s::bigint[]))
      AND NOT {_TOGETHER}
    ORDER BY m.id LIMIT %(most)s FOR NO KEY UPDATE OF m SKIP LOCKED
) found WHERE found.id = lost.id RETURNING lost.id
"""  # noqa: S608 - parts of this very statement
_MISS = f"""
UPDATE catalog_match missed SET evidence = jsonb_set(missed.evidence, '{{reach}}', to_jsonb(%(gone)s::text))
FROM (
    SELECT m.id FROM catalog_match m
    WHERE m.out_of_reach AND m.id %% %(slices)s = %(turn)s AND m.evidence ->> 'reach' = %(apart)s
      AND NOT ({_BOTH_THERE})
    ORDER BY m.id LIMIT %(most)s FOR NO KEY UPDATE OF m SKIP LOCKED
) found WHERE found.id = missed.id RETURNING missed.id
"""  # noqa: S608 - parts of this very statement
_FIND = f"""
UPDATE catalog_match back SET compare_due = TRUE, out_of_reach = FALSE, attempts = 0, evidence = back.evidence - 'reach'
FROM (
    SELECT m.id FROM catalog_match m WHERE m.out_of_reach AND m.id %% %(slices)s = %(turn)s AND {_TOGETHER}
    ORDER BY m.id LIMIT %(most)s FOR NO KEY UPDATE OF m SKIP LOCKED
) found WHERE found.id = back.id RETURNING back.id
"""  # noqa: S608 - parts of this very statement


def look(*, slices: int = _SLICES) -> int:
    """Sets aside what nobody reaches, and takes up again what somebody does. How many were set aside.

    Of those set aside one in `slices` is looked at in each turn: there may be as many as there are remembered files.
    """
    turn: dict[str, str | int] = {"slices": slices, "turn": next(_turn) % slices, "most": _AT_ONCE}
    _changed(_FIND, turn)
    return _lose(turn)


@in_one_transaction
def _lose(turn: Mapping[str, str | int]) -> int:
    """In one transaction: what was set aside and then not looked at would never be joined by what is known of it."""
    lost = set_aside()
    missed = _changed(_MISS, {**turn, **_REASONS})
    joining.join(Match.objects.filter(pk__in=[*lost, *missed]).only("pk"))
    return len(lost)


def set_aside(ids: Sequence[int] | None = None) -> list[int]:
    """Marks those that nobody reaches; of these, or of all that wait. What follows from that is the caller's."""
    return _changed(_LOSE, {"most": _AT_ONCE, "ids": None if ids is None else list(ids), **_REASONS})


def _changed(statement: str, given: Mapping[str, str | int | list[int] | None]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(statement, given)
        return [row[0] for row in cursor.fetchall()]
