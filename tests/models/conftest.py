"""How a rule of the database is broken on purpose."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from django.db import IntegrityError, connection, transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    Refused = Callable[[str], AbstractContextManager[None]]


@pytest.fixture
def refused(db: None) -> Refused:
    """`with refused("name of the constraint")`: the database refuses what happens there, at the latest at its end."""

    @contextmanager
    def expect(name: str) -> Iterator[None]:
        try:
            with transaction.atomic():
                yield
                connection.check_constraints()
        except IntegrityError as error:
            assert name in str(error)  # noqa: PT017 - the fixture is the expectation
        else:
            pytest.fail("the database took it")

    return expect
