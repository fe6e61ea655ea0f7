"""The API keeps its own description, whatever is asked of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from django.contrib.auth.models import User
from django.test import Client
from hypothesis import HealthCheck, given, settings
from schemathesis.core.result import Ok

from catalog.services import tokens
from tests import rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemathesis.schemas import APIOperation

    from tests.processes import Site

EXAMPLES = 15


@pytest.fixture
def secret(transactional_db: None) -> str:
    return tokens.make(user=User.objects.create_superuser("root", password="x"), name="fuzz")[1]


@pytest.fixture
def described(secret: str, live_site: Site) -> schemathesis.BaseSchema:
    rows.location(rows.variant("known"), b"known.safetensors")
    headers = {"Authorization": f"Bearer {secret}"}
    return schemathesis.openapi.from_url(f"{live_site.url}/api/v1/openapi.json", headers=headers)


def test_every_answer_is_one_that_the_description_knows(described: schemathesis.BaseSchema, secret: str) -> None:
    asked = 0
    for found in described.get_all_operations():
        assert isinstance(found, Ok), found
        asked += 1
        _ask(found.ok(), {"Authorization": f"Bearer {secret}"})
    assert asked > 10


def _ask(operation: APIOperation[Any, Any, Any, Any], headers: dict[str, str]) -> None:
    @given(case=operation.as_strategy())
    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    def ask(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(headers=headers)

    ask()


def test_the_documentation_needs_no_other_host(caller: Callable[..., Client]) -> None:
    page = caller("view_modelrecord").get("/api/v1/docs").content.decode()

    assert "//cdn" not in page
    assert "https://" not in page


@pytest.mark.parametrize("path", ["docs", "openapi.json"])
def test_the_documentation_is_not_for_strangers(db: None, path: str) -> None:
    assert Client().get(f"/api/v1/{path}").status_code == 401
