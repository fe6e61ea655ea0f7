"""Two addresses for whoever watches the service: does the process answer, and do the servers behind it."""

from __future__ import annotations

import logging

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse

log = logging.getLogger(__name__)


def healthz(request: HttpRequest) -> JsonResponse:
    """200 as soon as the process answers."""
    return JsonResponse({"status": "ok", "version": settings.VERSION})


def readyz(request: HttpRequest) -> JsonResponse:
    """200 when database and broker answer, 503 and which one does not otherwise."""
    parts = {"database": _database(), "broker": _broker()}
    well = all(parts.values())
    words = {name: "ok" if up else "down" for name, up in parts.items()}
    return JsonResponse({"status": "ok" if well else "down", **words}, status=200 if well else 503)


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        log.warning("the database does not answer: %s", error)
        return False
    return True


def _broker() -> bool:
    """The cache lies on the broker's server, so its address is one that the redis client understands."""
    address = settings.CACHES["default"].get("LOCATION")
    if not address:
        return True  # a broker of another sort, which has health checks of its own
    try:
        with redis.Redis.from_url(address, socket_timeout=2, socket_connect_timeout=2) as client:
            return bool(client.ping())
    except redis.RedisError as error:
        log.warning("the broker does not answer: %s", error)
        return False
