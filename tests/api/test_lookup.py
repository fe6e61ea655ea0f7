"""The API gives the answer that the shared query gives, and only to those who may see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests import rows

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.django_db


def test_look_up_answers_a_program_with_a_token(caller: Callable[..., Client]) -> None:
    variant = rows.variant("known")
    rows.hashes(variant, {"sha256": "ab" * 32})

    answer = caller("view_modelrecord").get("/api/v1/lookup", {"q": "abababab"}).json()

    assert [hit["variant"] for hit in answer["hits"]] == [str(variant.pk)]
    assert answer["hits"][0]["matched"] == 8


def test_many_questions_are_answered_in_order(caller: Callable[..., Client]) -> None:
    rows.hashes(rows.variant("known"), {"sha256": "ab" * 32})

    answer = caller("view_modelrecord").post(
        "/api/v1/lookup", {"queries": ["ffffffffff", "abababab"]}, content_type="application/json"
    )

    assert [len(item["hits"]) for item in answer.json()] == [0, 1]


@pytest.mark.parametrize("path", ["/api/v1/lookup?q=abababab", "/api/v1/models", "/api/v1/jobs", "/api/v1/libraries"])
def test_nobody_without_a_token_or_a_session_gets_in(path: str) -> None:
    assert Client().get(path).status_code == 401
    assert Client(headers={"Authorization": "Bearer isotope_wrong"}).get(path).status_code == 401


def test_a_permission_that_is_missing_is_a_403(caller: Callable[..., Client]) -> None:
    client = caller()

    assert client.get("/api/v1/models").status_code == 403
    assert client.post("/api/v1/scan", {"path": "/"}, content_type="application/json").status_code == 403


def test_a_session_without_the_cross_site_token_changes_nothing() -> None:
    User.objects.create_superuser("anna", password="secret words")
    client = Client(enforce_csrf_checks=True)
    client.login(username="anna", password="secret words")

    assert client.get("/api/v1/models").status_code == 200
    assert client.post("/api/v1/lookup", {"queries": ["x"]}, content_type="application/json").status_code == 403


def test_an_unknown_field_is_refused(caller: Callable[..., Client]) -> None:
    client = caller("view_modelrecord")

    answer = client.post("/api/v1/lookup", {"queries": ["x"], "owner": 1}, content_type="application/json")

    assert answer.status_code == 422


def test_an_ended_token_is_worth_nothing(caller: Callable[..., Client]) -> None:
    client = caller("view_modelrecord")
    User.objects.update(is_active=False)

    assert client.get("/api/v1/models").status_code == 401
