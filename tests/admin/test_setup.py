"""The one-time link for the first account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import User

from catalog.services import first_account

if TYPE_CHECKING:
    from django.test import Client

pytestmark = pytest.mark.django_db
GIVEN = {"username": "anna", "password1": "long-enough-1", "password2": "long-enough-1"}


def test_the_link_makes_the_first_account_and_signs_in(client: Client) -> None:
    token = first_account.issue_token()
    assert b"Create the first account" in client.get(f"/setup/{token}/").content
    assert client.post(f"/setup/{token}/", GIVEN)["Location"] == "/"
    assert User.objects.get().is_superuser
    assert b"Where are your models?" in client.get("/").content


def test_another_token_is_refused(client: Client) -> None:
    first_account.issue_token()
    for token in ("wrong", "x" * 200, "é"):
        assert client.get(f"/setup/{token}/").status_code == 403
        assert client.post(f"/setup/{token}/", GIVEN).status_code == 403
    assert not User.objects.exists()


def test_the_link_is_worth_nothing_once_there_is_an_account(client: Client) -> None:
    token = first_account.issue_token()
    client.post(f"/setup/{token}/", GIVEN)
    client.logout()
    answer = client.post(f"/setup/{token}/", {**GIVEN, "username": "eve"}, follow=True)
    assert answer.redirect_chain[-1][0].startswith("/login/")
    assert User.objects.count() == 1


def test_a_weak_password_is_refused_with_its_reason(client: Client) -> None:
    token = first_account.issue_token()
    answer = client.post(f"/setup/{token}/", {**GIVEN, "password1": "12345", "password2": "12345"})
    assert b"too short" in answer.content
    assert not User.objects.exists()
