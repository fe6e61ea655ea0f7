"""Addresses of servers, as Django, Celery and the cache want them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit, urlunsplit

from django.core.exceptions import ImproperlyConfigured
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

if TYPE_CHECKING:
    from environs import Env

_DJANGO_NAMES = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
_POOL = {"min_size": 1, "max_size": 16, "timeout": 10.0}
"""Of the web processes alone: their many threads would otherwise use up PostgreSQL's connections."""


def secret(env: Env, name: str) -> str:
    """The variable `name`, else the content of the file that `<name>_FILE` names, else ''."""
    given = env.str(name, "")
    path = env.str(f"{name}_FILE", "")
    if given or not path:
        return given
    try:
        return Path(path).read_text().strip()
    except OSError as problem:
        raise ImproperlyConfigured(f"{name}_FILE names {path}, which cannot be read: {problem.strerror}.") from problem


def database(url: str, *, password: str = "", pooled: bool = False) -> dict[str, Any]:
    """Django's database settings for a libpq address: `postgresql://...` or `host=... dbname=...`.

    `password` is used when the address has none.
    """
    try:
        parts = conninfo_to_dict(url)
    except ProgrammingError as problem:
        raise ImproperlyConfigured(
            "DATABASE_URL is not an address of PostgreSQL such as postgresql://user:password@host:5432/isotope."
        ) from problem
    named = {django: str(parts.pop(libpq)) for libpq, django in _DJANGO_NAMES.items() if parts.get(libpq)}
    return {
        "ENGINE": "django.db.backends.postgresql",
        **({"PASSWORD": password} if password else {}),
        **named,
        "CONN_MAX_AGE": 0 if pooled else 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": 10, **parts, **({"pool": _POOL} if pooled else {})},
    }


def celery_broker(url: str) -> str:
    """Celery writes `redis+socket:///path` where others write `unix:///path`."""
    return f"redis+socket{url.removeprefix('unix')}" if url.startswith("unix://") else url


def cache(broker: str) -> dict[str, Any]:
    """Django's cache settings: database 1 of the broker's server; of a broker of another sort, none is shared."""
    parts = urlsplit(celery_broker(broker))
    if parts.scheme == "redis+socket":
        location = f"unix://{unquote(parts.path)}?db=1"
    elif parts.scheme in {"redis", "rediss"}:
        location = urlunsplit(parts._replace(path="/1"))
    else:
        return {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    return {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": location, "KEY_PREFIX": "isotope"}
