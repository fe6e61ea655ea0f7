"""Real processes for tests: Celery workers, and the site in its web server."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import redis

from config.embedded.children import spawn, stop
from tests import servers

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parent.parent
EVERY_QUEUE = "office,local.quick,local"
_START_SECONDS = 60.0


@dataclass(slots=True)
class Workers:
    """Starts and stops `celery worker` processes that use the test's database and broker."""

    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    log: Path = field(default_factory=lambda: _log("workers"))

    def start(
        self, queues: str = EVERY_QUEUE, *, concurrency: int = 2, env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Starts one worker and returns it when it takes tasks."""
        name = f"worker-{len(self.processes)}@test"
        argv = [sys.executable, "-m", "celery", "-A", "config.celery", "worker", "-Q", queues, "-n", name]
        argv += ["-c", str(concurrency), "-l", "INFO", "-E", "--without-gossip", "--without-mingle"]
        seen = self.log.stat().st_size if self.log.exists() else 0
        with open(self.log, "ab") as output:
            child = spawn(argv, death=signal.SIGQUIT, output=output, folder=ROOT, env=os.environ | dict(env or {}))
        self.processes.append(child)
        _await_text(child, self.log, f"{name} ready.", seen)
        return child

    def kill(self) -> None:
        """kill -9 of every worker; their pools go with them."""
        for child in self.processes:
            child.kill()
            child.wait()
        self.processes.clear()

    def stop(self) -> None:
        """Stops every worker; a task that still runs is cut off after three seconds."""
        for child in self.processes:
            stop(child, gently=signal.SIGTERM, patience=3.0, harshly=signal.SIGQUIT)
        self.processes.clear()

    def empty_queues(self) -> None:
        """Forgets what earlier tests sent."""
        with redis.Redis(unix_socket_path=str(servers.VALKEY_SOCKET)) as client:
            client.flushall()


@dataclass(slots=True)
class Site:
    """The site, served by granian on a free port of this machine.

    `folders`: where library folders may be added and are looked for; nowhere unless a test says so.
    """

    url: str = ""
    folders: str = "/nowhere"
    process: subprocess.Popen[bytes] | None = None
    log: Path = field(default_factory=lambda: _log("site"))

    def start(self) -> None:
        """Starts the server and returns when it answers."""
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        argv = [sys.executable, "-m", "granian", "--interface", "wsgi", "config.wsgi:application"]
        argv += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
        with open(self.log, "ab") as output:
            self.process = spawn(
                argv,
                death=signal.SIGTERM,
                output=output,
                folder=ROOT,
                env=os.environ | {"ISOTOPE_PROCESS": "web", "ISOTOPE_FOLDERS": self.folders},
            )
        limit = time.monotonic() + _START_SECONDS
        while not answers(f"{self.url}/healthz"):
            if self.process.poll() is not None or time.monotonic() > limit:
                raise AssertionError(f"the site did not start:\n{self.log.read_text()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Stops the server."""
        if self.process is not None:
            stop(self.process, gently=signal.SIGTERM, patience=3.0, harshly=signal.SIGKILL)


def answers(url: str) -> bool:
    """Does a web server answer there, whatever it says?"""
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own address
            return True
    except urllib.error.HTTPError as said:
        said.close()
        return True
    except OSError:
        return False


def free_port() -> int:
    """A port that nobody listens at just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _log(name: str) -> Path:
    folder = servers.FOLDER / servers.WORKER
    folder.mkdir(mode=0o711, exist_ok=True)
    return folder / f"{name}.log"


def _await_text(child: subprocess.Popen[bytes], log: Path, text: str, seen: int) -> None:
    limit = time.monotonic() + _START_SECONDS
    while text not in log.read_bytes()[seen:].decode(errors="replace"):
        if child.poll() is not None or time.monotonic() > limit:
            raise AssertionError(f"it did not start:\n{log.read_text(errors='replace')}")
        time.sleep(0.02)
