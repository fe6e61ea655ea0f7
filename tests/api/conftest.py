"""Callers with rights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from catalog.services import tokens

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def caller(db: None) -> Callable[..., Client]:
    """A program whose token belongs to a staff member with these permissions."""

    def make(*permissions: str) -> Client:
        user = User.objects.create_user(f"program-{User.objects.count()}", password="x", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        _row, secret = tokens.make(user=user, name="test")
        return Client(headers={"Authorization": f"Bearer {secret}"})

    return make


@pytest.fixture
def viewer(caller: Callable[..., Client]) -> Client:
    """May look at everything, and change nothing."""
    return caller("view_modelrecord", "view_library", "view_job")


@pytest.fixture
def editor(caller: Callable[..., Client]) -> Client:
    """May look, add and scan library folders, and steer jobs."""
    return caller("view_modelrecord", "view_library", "view_job", "add_library", "change_library", "change_job")
