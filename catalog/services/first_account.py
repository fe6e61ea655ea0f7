"""The first account: made by whoever holds the link that `up` printed, and only while there is no account."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone

from catalog.errors import Refused
from catalog.models import SetupToken

LIFETIME = timedelta(days=7)
_LOCK = 0x15070_0001  # two people with the link at once: one of them is first


def needed() -> bool:
    """Is there no account yet?"""
    return not User.objects.exists()


def issue_token() -> str | None:
    """A new token for the link, shown once and kept as a digest; None when there is an account already."""
    if not needed():
        return None
    token = secrets.token_urlsafe(24)
    SetupToken.objects.filter(created_at__lt=timezone.now() - LIFETIME).delete()
    SetupToken.objects.create(digest=_digest(token))
    return token


def valid(*, token: str) -> bool:
    """May the holder of `token` make the first account?"""
    fresh = SetupToken.objects.filter(digest=_digest(token), created_at__gte=timezone.now() - LIFETIME)
    return fresh.exists() and needed()


def redeem(*, token: str, username: str, password: str, email: str = "") -> User:
    """The first account, which may do everything; the token and all others are used up.

    Raises `Refused` when the token is not valid (any more). The password is the caller's to check.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        if not valid(token=token):
            raise Refused("This link is not valid: it was used, or it is older than a week. Start `up` for a new one.")
        SetupToken.objects.all().delete()
        return User.objects.create_superuser(username, email, password)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
