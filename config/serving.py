"""What a command needs around it: servers that answer, and workers that work, whether `up` runs or not."""

from __future__ import annotations

import fcntl
import json
import os
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import OperationalError, connection

from config import programs
from config.embedded.joining import Membership, joined, prepare
from config.embedded.problems import ServersProblem
from config.migrating import bring_up_to_date
from config.supervise import Supervisor

if TYPE_CHECKING:
    from collections.abc import Iterator

LOCK = "up"
"""The file that the one `up` of a data folder keeps locked."""


@dataclass(frozen=True, slots=True)
class Running:
    """The `up` that runs on this data folder."""

    pid: int
    url: str


@contextmanager
def servers() -> Iterator[Membership | None]:
    """Database and broker answer while the body runs, and the tables are up to date. None if none of them is ours."""
    with servers_alone() as membership:
        if settings.EMBEDDED["database"]:
            bring_up_to_date()
        yield membership
        if membership is not None:
            connection.close()  # before our servers may stop


@contextmanager
def servers_alone() -> Iterator[Membership | None]:
    """As `servers`, but the tables are left as they are."""
    ours = embedded_names()
    if not ours:
        _see_database()
        yield None
        return
    with joined(settings.PLACES, ours) as membership:
        _see_database()
        yield membership


def _see_database() -> None:
    """A server that is not ours may be anywhere, and down."""
    try:
        connection.ensure_connection()
    except OperationalError as problem:
        raise ServersProblem(
            f"The database does not answer: {str(problem).strip().splitlines()[0]}. Start it, or correct DATABASE_URL."
        ) from problem


@contextmanager
def workers() -> Iterator[None]:
    """Somebody works off the queues while the body runs: the workers of `up`, or ones of our own."""
    if running() is not None or not settings.EMBEDDED["broker"]:
        yield
        return
    supervisor = Supervisor(settings.PLACES.logs, say=lambda _text: None)
    children = supervisor.launch([*programs.workers(bulk_pool=2), programs.beat()])
    try:
        supervisor.wait(children)
        yield
    finally:
        supervisor.stop()


def embedded_names() -> tuple[str, ...]:
    """Which servers the keeper has to run."""
    ours = {"postgres": settings.EMBEDDED["database"], "valkey": settings.EMBEDDED["broker"]}
    return tuple(name for name, is_ours in ours.items() if is_ours)


@contextmanager
def only_one(url: str, lock: str = LOCK) -> Iterator[Running | None]:
    """Marks this process as the one `up` of the data folder; yields the other one if there is one already."""
    prepare(settings.PLACES)
    handle = os.open(settings.ISOTOPE_DATA / lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not _locks(handle):
            yield _read(handle)
            return
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps({"pid": os.getpid(), "url": url}).encode(), 0)
        yield None
    finally:
        os.close(handle)


def _locks(handle: int) -> bool:
    """A command that only asks whether we run holds the lock for a moment."""
    for _attempt in range(10):
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.05)
        else:
            return True
    return False


def running() -> Running | None:
    """The `up` of this data folder, if one runs."""
    try:
        handle = os.open(settings.ISOTOPE_DATA / LOCK, os.O_RDWR)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(handle)
    finally:
        os.close(handle)
    return None


def _read(handle: int) -> Running:
    try:
        return Running(**json.loads(os.pread(handle, 4096, 0)))
    except (ValueError, TypeError):
        return Running(0, "")  # it is just starting
