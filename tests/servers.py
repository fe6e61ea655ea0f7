"""The servers of one test session: an early plugin (`-p tests.servers`), read before Django's settings.

One PostgreSQL a session, with fsync off, and in it a database for each xdist worker, cloned from one migrated
template; one Valkey a worker. Their addresses are known at once, the processes start when a test first needs them:
a test of the pure rooms pays for neither. The kernel stops them with us, even if we are killed.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from config.embedded.owner import owner
from config.embedded.places import Places, broker_url, database_url
from config.embedded.postgres import Postgres
from config.embedded.programs import postgres_programs, valkey_program
from config.embedded.valkey import Valkey, answers

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

SESSION = "ISOTOPE_TEST_SESSION"
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")
TEMPLATE = "template_isotope"
_PREFIX = "isotope-tests-"


def _begin() -> Path:
    """The session's folder: made by the first process, inherited by its xdist workers."""
    if SESSION in os.environ:
        return Path(os.environ[SESSION])
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir="/tmp"))
    folder.chmod(0o711)  # as root, the servers run as another user
    os.environ[SESSION] = str(folder)
    return folder


def _sweep() -> None:
    """Removes what sessions left behind that were killed: folders whose lock nobody holds."""
    for old in Path("/tmp").glob(f"{_PREFIX}*"):  # noqa: S108 - see above
        try:
            lock = os.open(old / "alive", os.O_RDWR)
        except OSError:
            continue  # just being made, or somebody else's
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(old, ignore_errors=True)
        except BlockingIOError:
            pass
        finally:
            os.close(lock)


FIRST = SESSION not in os.environ
FOLDER = _begin()
_ALIVE = os.open(FOLDER / "alive", os.O_RDWR | os.O_CREAT, 0o600)
fcntl.flock(_ALIVE, fcntl.LOCK_SH)
PLACES = Places(data=FOLDER, servers=FOLDER)
VALKEY_SOCKET = FOLDER / WORKER / "valkey.sock"
DATABASE = f"isotope_{WORKER}"

os.environ.update(
    {
        "ISOTOPE_DATA": str(FOLDER / WORKER / "data"),
        "ISOTOPE_SECRET_KEY": "only-for-tests",
        "DATABASE_URL": database_url(PLACES.sockets, DATABASE),
        "BROKER_URL": broker_url(VALKEY_SOCKET),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
)
for _name in ("ISOTOPE_PROCESS", "ISOTOPE_FOLDERS", "ISOTOPE_QUEUE", "ISOTOPE_HOSTS", "ISOTOPE_SECRET_KEY_FILE"):
    os.environ.pop(_name, None)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Under xdist the controller owns PostgreSQL, since it is the first to come and the last to go."""
    if FIRST and getattr(session.config.option, "numprocesses", None):
        postgres()


def pytest_unconfigure() -> None:
    """Stops what this process started; the first process removes the folder."""
    for server in _started:
        server.stop()
    _started.clear()
    if FIRST:
        shutil.rmtree(FOLDER, ignore_errors=True)


_started: list[Postgres | Valkey] = []


@cache
def postgres() -> Postgres:
    """The session's PostgreSQL, started now if this process owns it and it does not run."""
    user = owner(PLACES)
    server = Postgres(
        cluster=PLACES.cluster,
        sockets=PLACES.sockets,
        programs=postgres_programs(PLACES.programs, user),
        user=user,
        log=FOLDER / "postgres.log",
        durable=False,
    )
    if FIRST:
        server.start()
        _started.append(server)
    return server


@cache
def valkey() -> Valkey:
    """This worker's Valkey, started now."""
    user = owner(PLACES)
    VALKEY_SOCKET.parent.mkdir(mode=0o711, exist_ok=True)
    server = Valkey(
        socket=VALKEY_SOCKET,
        folder=FOLDER / WORKER / "valkey",
        program=valkey_program(PLACES.programs, user),
        user=user,
        log=FOLDER / f"valkey-{WORKER}.log",
    )
    server.start()
    _started.append(server)
    return server


def running() -> None:
    """Sees to it that the broker runs: a test may have killed it."""
    if not answers(VALKEY_SOCKET):
        valkey.cache_clear()
    valkey()


@contextmanager
def locked(name: str) -> Iterator[None]:
    """One process of the session at a time."""
    with open(FOLDER / f"{name}.lock", "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def administer(statement: str) -> list[tuple[object, ...]]:
    """Runs one statement in the database `postgres`, outside a transaction."""
    postgres()
    with psycopg.connect(database_url(PLACES.sockets, "postgres"), autocommit=True) as connection:
        answer = connection.execute(statement.encode())
        return answer.fetchall() if answer.description else []
