"""Counting rows without reading all of them: exact while that is cheap, the planner's estimate beyond."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from django.db.models import Model, QuerySet

    Row = TypeVar("Row", bound=Model)

EXACT_UP_TO = 10_000


class Counted(NamedTuple):
    """`exact` is false when the number is an estimate."""

    rows: int
    exact: bool


def count_of(rows: QuerySet[Row], limit: int = EXACT_UP_TO) -> Counted:
    """How many rows a queryset has; never reads more than `limit` of them."""
    plain = rows.order_by().values("pk")
    counted = plain[: limit + 1].count()
    if counted <= limit:
        return Counted(counted, exact=True)
    plan = json.loads(plain.explain(format="json"))
    return Counted(max(int(plan[0]["Plan"]["Plan Rows"]), counted), exact=False)
