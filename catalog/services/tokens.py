"""Keys of programs to the API: shown once when made, kept as a digest only."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import Q
from django.utils import timezone

from catalog.models import ApiToken

if TYPE_CHECKING:
    from django.contrib.auth.models import User

PREFIX = "isotope_"
_STAMP_EVERY = timedelta(minutes=1)


def make(*, user: User, name: str, expires_at: datetime | None = None) -> tuple[ApiToken, str]:
    """The new row and its secret, which nobody can see again."""
    secret = PREFIX + secrets.token_urlsafe(32)
    row = ApiToken.objects.create(user=user, name=name, digest=_digest(secret), expires_at=expires_at)
    return row, secret


def resolve(*, token: str) -> User | None:
    """The active staff member whose token this is; None when it is unknown or has ended."""
    now = timezone.now()
    valid = ApiToken.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now), digest=_digest(token))
    row = valid.filter(user__is_active=True, user__is_staff=True).select_related("user").first()
    if row is None:
        return None
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - _STAMP_EVERY)
    ApiToken.objects.filter(stale, pk=row.pk).update(last_used_at=now)
    return row.user


def revoke(*, token_id: int) -> None:
    """Ends a token at once."""
    ApiToken.objects.filter(pk=token_id).delete()


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
