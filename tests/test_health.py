"""Health and figures: what anybody may ask, and what only staff and tokens may."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client

from catalog.services import tokens
from tests import rows

pytestmark = pytest.mark.django_db


def test_the_process_says_that_it_answers() -> None:
    assert Client().get("/healthz").json()["status"] == "ok"


def test_ready_means_that_database_and_broker_answer() -> None:
    answer = Client().get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "database": "ok", "broker": "ok"}


def test_a_broker_that_is_down_is_named(settings: pytest.FixtureRequest) -> None:
    settings.CACHES = {"default": {"BACKEND": "x", "LOCATION": "unix:///nowhere/broker.sock"}}  # type: ignore[attr-defined]  # pytest-django's wrapper

    answer = Client().get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["broker"] == "down"


def test_figures_are_for_tokens_and_staff_alone() -> None:
    assert Client().get("/metrics").status_code == 401
    _row, secret = tokens.make(user=User.objects.create_user("watcher", password="x", is_staff=True), name="watch")
    rows.location(rows.variant("m"), b"m.safetensors")

    answer = Client(headers={"Authorization": f"Bearer {secret}"}).get("/metrics")

    assert answer.status_code == 200
    assert b"isotope_findings" in answer.content
