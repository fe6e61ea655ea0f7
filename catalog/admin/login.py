"""Signing in, slowed down after ten wrong tries for one name from one address."""

from __future__ import annotations

import hashlib
import logging
from typing import Any

import redis
from django.contrib.admin.forms import AdminAuthenticationForm
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

TRIES = 10
PAUSE_SECONDS = 300
log = logging.getLogger(__name__)


class LoginForm(AdminAuthenticationForm):
    """The stock form; the count of wrong tries lies in the cache, so all web processes share it."""

    error_messages = {
        **AdminAuthenticationForm.error_messages,
        "invalid_login": _("This name and password do not belong together, or the account may not log in here."),
        "too_many": _("Too many wrong tries. Wait five minutes, then try again."),
    }

    def clean(self) -> dict[str, Any]:
        """Raises before the password is looked at when there were too many wrong ones."""
        key = self._key()
        if _tries(key) >= TRIES:
            raise ValidationError(self.error_messages["too_many"], code="too_many")
        try:
            cleaned: dict[str, Any] = super().clean()
        except ValidationError:
            _count(key)
            raise
        return cleaned

    def _key(self) -> str:
        name = str(self.cleaned_data.get("username", ""))[:150].lower()
        address = self.request.META.get("REMOTE_ADDR", "") if self.request else ""
        return "login:" + hashlib.sha256(f"{name}\0{address}".encode("utf-8", "surrogatepass")).hexdigest()


def _tries(key: str) -> int:
    try:
        return int(cache.get(key, 0))
    except redis.RedisError:
        log.warning("wrong log-ins cannot be counted: the cache does not answer")
        return 0


def _count(key: str) -> None:
    try:
        cache.add(key, 0, PAUSE_SECONDS)
        cache.incr(key)
    except (redis.RedisError, ValueError):  # the key ended between the two
        log.warning("a wrong log-in was not counted", exc_info=True)
