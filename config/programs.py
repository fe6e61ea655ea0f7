"""The programs that `up` runs: the web, the workers, the clock that wakes them, and the monitor."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from django.conf import settings

from config.supervise import Program

WEB_PROCESSES = 2
QUICK_POOL = 2
FLOWER_PORT = 5555


@dataclass(frozen=True, slots=True)
class FlowerAccess:
    """Where the monitor listens, and who may enter; for the staff's status page."""

    url: str
    user: str
    password: str


def web(host: str, port: int) -> Program:
    """The site in its web server."""
    argv = [sys.executable, "-m", "granian", "--interface", "wsgi", "config.wsgi:application", "--no-ws"]
    argv += ["--host", host, "--port", str(port), "--workers", str(WEB_PROCESSES)]
    argv += ["--respawn-failed-workers", "--respawn-interval", "1", "--workers-kill-timeout", "5"]
    return Program("web", tuple(argv), signal.SIGTERM, "Started worker-1", {"ISOTOPE_PROCESS": "web"})


def workers(bulk_pool: int) -> list[Program]:
    """One worker for short work, which never waits behind the other, the one that reads whole files."""
    quick = f"{settings.CELERY_TASK_DEFAULT_QUEUE},{settings.QUEUE}.quick"
    return [worker("quick", quick, QUICK_POOL), worker("bulk", settings.QUEUE, bulk_pool)]


def worker(name: str, queues: str, pool: int) -> Program:
    """A Celery worker with `pool` processes. A killed parent must cut it off: after SIGTERM it would work on."""
    argv = [*_celery("worker"), "-Q", queues, "-n", f"{name}@{socket.gethostname()}", "-c", str(pool)]
    argv += ["-E", "-l", settings.LOG_LEVEL, "--without-gossip", "--without-mingle"]
    return Program(f"worker-{name}", tuple(argv), signal.SIGQUIT, " ready.")


def beat() -> Program:
    """The clock: it wakes the reconciler."""
    argv = [*_celery("beat"), "--schedule", settings.CELERY_BEAT_SCHEDULE_FILENAME, "--pidfile="]
    return Program("beat", tuple(argv), signal.SIGTERM, " is starting.")


def flower() -> Program:
    """The monitor, for this machine alone, with a password made for this start. Its access is noted for the staff."""
    access = FlowerAccess(f"http://127.0.0.1:{free_port(FLOWER_PORT)}/", "isotope", secrets.token_urlsafe(12))
    _note(access)
    port = access.url.rstrip("/").rsplit(":", maxsplit=1)[1]
    argv = [*_celery("flower"), "--address=127.0.0.1", f"--port={port}"]
    # The password goes by the environment: everybody on the machine can read a command line.
    secret = {"FLOWER_BASIC_AUTH": f"{access.user}:{access.password}"}
    return Program("flower", tuple(argv), signal.SIGTERM, "Visit me at", secret)


def flower_access() -> FlowerAccess | None:
    """How staff reach the monitor that runs beside us; None when none does."""
    try:
        return FlowerAccess(**json.loads(_flower_note().read_text()))
    except (OSError, ValueError, TypeError):
        return None


def forget_flower() -> None:
    """The monitor does not run any more."""
    _flower_note().unlink(missing_ok=True)


def free_port(wanted: int, host: str = "127.0.0.1") -> int:
    """`wanted` if nobody listens there, else any free one."""
    return wanted if listens(host, wanted) is None else _any_port(host)


def listens(host: str, port: int) -> OSError | None:
    """Why we cannot listen there (such as `Address already in use`), or None if we can."""
    try:
        family, kind, _proto, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as problem:
        return problem
    return None


def _any_port(host: str) -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def _celery(command: str) -> list[str]:
    return [sys.executable, "-m", "celery", "-A", "config.celery", command]


def _flower_note() -> Path:
    return Path(settings.ISOTOPE_DATA) / "flower.json"


def _note(access: FlowerAccess) -> None:
    part = _flower_note().with_suffix(".part")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as handle:
        json.dump(asdict(access), handle)
    part.replace(_flower_note())
