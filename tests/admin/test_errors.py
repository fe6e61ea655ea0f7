"""What is said when the site itself fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import OperationalError

from catalog.queries import dashboard

if TYPE_CHECKING:
    from django.test import Client

    from catalog.models import ModelRecord

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("error", "status"), [(OperationalError("secret-host is down"), 503), (KeyError("secret"), 500)]
)
def test_a_failure_gets_a_plain_page_without_secrets(
    boss: Client, catalogue: list[ModelRecord], monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    def fail() -> None:
        raise error

    monkeypatch.setattr(dashboard, "storage", fail)
    boss.raise_request_exception = False
    answer = boss.get("/")
    assert answer.status_code == status
    assert b"Isotope" in answer.content
    assert b"secret" not in answer.content
    assert b"Traceback" not in answer.content
