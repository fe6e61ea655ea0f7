"""Transactions that met another one are tried again; other errors are not hidden."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from django.db import IntegrityError, OperationalError, connection

from catalog.models import Preference
from catalog.services.identity.locking import MovedOnError, in_one_transaction

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.django_db


def failing(times: int, fail: Callable[[], object]) -> Callable[[], int]:
    """A function that writes a row, then fails so often; gives the number of the try that went through."""
    tries = 0

    @in_one_transaction
    def work() -> int:
        nonlocal tries
        tries += 1
        Preference.objects.create(key=f"try {tries}", value=tries)
        if tries <= times:
            fail()
        return tries

    return work


def moved_on() -> None:
    raise MovedOnError


def deadlock() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'met' USING ERRCODE = 'deadlock_detected'; END $$")


def doubled() -> None:
    Preference.objects.create(key="try 1", value=0)
    Preference.objects.create(key="try 1", value=0)


@pytest.mark.parametrize("fail", [moved_on, deadlock, doubled])
def test_it_is_tried_again_from_its_start(fail: Callable[[], object]) -> None:
    assert failing(2, fail)() == 3

    assert list(Preference.objects.values_list("key", flat=True)) == ["try 3"]


def test_it_is_not_tried_for_ever() -> None:
    with pytest.raises(MovedOnError):
        failing(99, moved_on)()

    assert not Preference.objects.exists()


def test_another_error_is_the_callers_at_once() -> None:
    def broken() -> None:
        raise OperationalError("the server is gone") from psycopg.errors.AdminShutdown("gone")

    with pytest.raises(OperationalError):
        failing(1, broken)()

    def impossible() -> None:
        raise IntegrityError("a rule") from psycopg.errors.CheckViolation("a rule")

    with pytest.raises(IntegrityError):
        failing(1, impossible)()
