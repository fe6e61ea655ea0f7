"""Another try for those who met, although everyone takes locks in one order."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from django.db import IntegrityError, OperationalError, transaction

if TYPE_CHECKING:
    from collections.abc import Callable

_TRIES = 8
_AGAIN = frozenset(
    {"40P01", "40001", "23505"}
)  # PostgreSQL: deadlock_detected, serialization_failure, unique_violation

Given = ParamSpec("Given")
Answer = TypeVar("Answer")


class MovedOnError(Exception):
    """Between looking and locking somebody else changed the rows: look again."""


def in_one_transaction(work: Callable[Given, Answer]) -> Callable[Given, Answer]:
    """Runs the whole function in a transaction, again from its start if rows moved on or two of us met."""

    @functools.wraps(work)
    def again(*args: Given.args, **named: Given.kwargs) -> Answer:
        for _ in range(_TRIES - 1):
            try:
                with transaction.atomic():
                    return work(*args, **named)
            except MovedOnError:
                continue
            except (OperationalError, IntegrityError) as error:
                if getattr(error.__cause__, "sqlstate", None) not in _AGAIN:
                    raise
        with transaction.atomic():
            return work(*args, **named)

    return again
