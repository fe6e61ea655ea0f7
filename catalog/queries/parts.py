"""The parts that Isotope runs on: their versions, whether they answer, and the workers that are there."""

from __future__ import annotations

import logging
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING

import celery
import django
import redis
from django.conf import settings
from django.db import DatabaseError, connection
from kombu.exceptions import ChannelError, KombuError, OperationalError

from config.celery import app as current_app

if TYPE_CHECKING:
    from collections.abc import Iterable

_PATIENCE_SECONDS = 0.7
_AWAY = (OperationalError, KombuError, redis.RedisError, OSError)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """One part and its version; empty when it does not answer."""

    name: str
    version: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker that answered, the queues it takes from, and how many tasks it runs."""

    name: str
    queues: tuple[str, ...]
    running: int


@dataclass(frozen=True, slots=True)
class Queue:
    """Messages that wait; None when the broker does not answer."""

    name: str
    purpose: str
    waiting: int | None


def versions() -> list[Part]:
    """What runs here."""
    return [
        Part("Isotope", settings.VERSION),
        Part("Python", platform.python_version()),
        Part("Django", django.get_version()),
        Part("Celery", celery.__version__),
        Part("PostgreSQL", _database(), _owner("database")),
        Part("Broker", _broker(), _owner("broker")),
    ]


def workers() -> list[Worker]:
    """The workers that answer within a moment, by name."""
    try:
        with current_app.connection_for_write() as connection:  # a fresh one: a late answer to others is not ours
            ask = current_app.control.inspect(timeout=_PATIENCE_SECONDS, connection=connection)
            taking, active = ask.active_queues() or {}, ask.active() or {}
    except _AWAY:
        log.warning("the broker does not answer", exc_info=True)
        return []
    return [
        Worker(name, tuple(sorted(queue["name"] for queue in queues)), len(active.get(name, ())))
        for name, queues in sorted(taking.items())
    ]


def queues() -> list[Queue]:
    """The queues of this host and of the office."""
    names = {
        settings.CELERY_TASK_DEFAULT_QUEUE: "sums and housekeeping",
        f"{settings.QUEUE}.quick": "scans, headers, small files",
        settings.QUEUE: "whole files",
    }
    lengths = _lengths(names)
    return [Queue(name, purpose, lengths.get(name)) for name, purpose in names.items()]


def _lengths(names: Iterable[str]) -> dict[str, int]:
    try:
        with current_app.connection_for_read() as broker:
            channel = broker.default_channel
            return {name: _length(channel, name) for name in names}
    except _AWAY:
        return {}


def _length(channel: object, name: str) -> int:
    try:
        return int(channel.queue_declare(name, passive=True).message_count)  # type: ignore[attr-defined]
    except ChannelError:
        return 0  # nothing was ever sent there


def _database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version")
            return str(cursor.fetchone()[0]).split()[0]
    except DatabaseError:
        return ""


def _broker() -> str:
    address = settings.CACHES["default"].get("LOCATION")
    if not address:
        return ""
    try:
        with redis.Redis.from_url(address, socket_timeout=1, socket_connect_timeout=1) as client:
            facts = client.info("server")
    except redis.RedisError:
        return ""
    valkey = facts.get("valkey_version")
    return f"Valkey {valkey}" if valkey else f"Redis {facts.get('redis_version', '')}"


def _owner(server: str) -> str:
    return "started by Isotope" if settings.EMBEDDED[server] else "a server of yours"
