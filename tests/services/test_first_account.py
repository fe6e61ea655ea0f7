"""The first account and its link."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from catalog.errors import Refused
from catalog.models import SetupToken
from catalog.services import first_account

pytestmark = pytest.mark.django_db


def test_the_holder_of_the_link_becomes_the_first_superuser() -> None:
    token = first_account.issue_token()
    assert token is not None
    assert first_account.valid(token=token)

    user = first_account.redeem(token=token, username="ada", password="a long sentence")

    assert user.is_superuser
    assert user.check_password("a long sentence")
    assert not first_account.needed()


def test_a_link_works_once() -> None:
    token = first_account.issue_token()
    assert token is not None
    first_account.redeem(token=token, username="ada", password="a long sentence")

    assert not first_account.valid(token=token)
    with pytest.raises(Refused, match="not valid"):
        first_account.redeem(token=token, username="eve", password="a long sentence")
    assert User.objects.count() == 1


def test_no_link_is_given_out_while_an_account_exists() -> None:
    User.objects.create_user("ada")
    assert first_account.issue_token() is None


def test_a_link_is_worthless_once_an_account_exists() -> None:
    token = first_account.issue_token()
    assert token is not None
    User.objects.create_user("ada")
    assert not first_account.valid(token=token)


@pytest.mark.parametrize("guess", ["", "x", "\0", "\ud800", "é" * 500])
def test_a_guess_is_refused(guess: str) -> None:
    first_account.issue_token()
    assert not first_account.valid(token=guess)


def test_a_link_ends_after_a_week() -> None:
    token = first_account.issue_token()
    assert token is not None
    SetupToken.objects.update(created_at=timezone.now() - first_account.LIFETIME - timedelta(seconds=1))
    assert not first_account.valid(token=token)


def test_the_token_itself_is_not_kept() -> None:
    token = first_account.issue_token()
    assert token is not None
    assert bytes(SetupToken.objects.get().digest) != token.encode()
