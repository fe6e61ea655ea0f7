"""A filled catalogue, and the people who look at it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from tests.journeys.catalogue import fill

if TYPE_CHECKING:
    from pytest_django import Settings

    from catalog.models import ModelRecord


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Settings) -> None:
    """Real password hashes take a third of a second each."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def catalogue(db: None) -> list[ModelRecord]:
    """A dozen models in three library folders."""
    return fill()


@pytest.fixture
def boss(db: None) -> Client:
    """May do everything."""
    return _signed_in(User.objects.create_superuser("boss", password="long-enough-1"))


@pytest.fixture
def viewer(db: None) -> Client:
    """Staff with every permission to view, and no other."""
    user = User.objects.create_user("viewer", password="long-enough-1", is_staff=True)
    looks = Permission.objects.filter(content_type__app_label="catalog", codename__startswith="view_")
    user.user_permissions.set(looks)
    return _signed_in(user)


def _signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client
