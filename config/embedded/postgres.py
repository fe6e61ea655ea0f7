"""One PostgreSQL of our own: made, started in the foreground, watched and stopped."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from config.embedded.children import spawn, stop
from config.embedded.places import DATABASE, POSTGRES_SOCKET
from config.embedded.problems import ServersProblem

if TYPE_CHECKING:
    from config.embedded.owner import Owner

SUPERUSER = "postgres"
_INITDB = (
    "--username=postgres", "--auth=trust", "--data-checksums", "--encoding=UTF8",
    "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C",
)  # fmt: skip
# The socket's folder is closed to everybody else, so "trust" trusts its owner (and root) alone.
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "log_checkpoints": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_UNSAFE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
_START_SECONDS = 60.0  # crash recovery after a power cut may replay a gigabyte
_ORPHANS_SECONDS = 15.0


@dataclass(slots=True)
class Postgres:
    """A cluster at `cluster`, listening in `sockets` only, run by `user` with the programs in `programs`.

    `durable=False` switches fsync off: for tests, whose data nobody needs tomorrow.
    """

    cluster: Path
    sockets: Path
    programs: Path
    user: Owner
    log: Path
    durable: bool = True
    child: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Makes the cluster if there is none, starts the server and returns when it answers."""
        self.user.private(self.sockets)
        if not (self.cluster / "PG_VERSION").exists():
            self._make()
        self._check_version()
        self._await_orphans()
        self._drop_stale_pid()
        self.child = self._spawn()
        self._await_ready(self.child)

    def alive(self) -> bool:
        """Is the process there?"""
        return self.child is not None and self.child.poll() is None

    def stop(self) -> None:
        """Fast stop: clients are disconnected, everything committed is kept. (SIGTERM would wait for clients.)"""
        if self.child is not None:
            stop(self.child, gently=signal.SIGINT, patience=20.0, harshly=signal.SIGQUIT)

    def _make(self) -> None:
        """A killed initdb leaves `postgres.part`, never a half-made cluster under the final name."""
        if not self.user.has_name():
            raise ServersProblem(
                f"User {self.user.uid} has no name on this machine, and PostgreSQL makes no database for such a user. "
                "Start Isotope as a user with a name (in a container: without --user), or set DATABASE_URL."
            )
        part = self.cluster.with_name(f"{self.cluster.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        self.user.private(part)
        hurry = () if self.durable else ("--no-sync", "--no-instructions")
        self._run("initdb", f"--pgdata={part}", *_INITDB, *hurry)
        self._run("postgres", "--single", "-D", str(part), "postgres", text=f"CREATE DATABASE {DATABASE}\n")
        if self.cluster.is_dir():
            self.cluster.rmdir()
        part.rename(self.cluster)

    def _run(self, program: str, *arguments: str, text: str = "") -> None:
        done = subprocess.run(  # noqa: S603 - the wheel's own programs
            [self.programs / program, *arguments],
            cwd="/", input=text.encode(), capture_output=True, check=False, **self.user.options(),
        )  # fmt: skip
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip() or done.stdout.decode(errors="replace").strip()
            raise ServersProblem(f"PostgreSQL's {program} failed: {said.splitlines()[-1] if said else 'no message'}")

    def _check_version(self) -> None:
        kept = (self.cluster / "PG_VERSION").read_text().strip()
        ours = self.version().split(".", maxsplit=1)[0]
        if kept != ours:
            raise ServersProblem(
                f"The database in {self.cluster} was made by PostgreSQL {kept}, but {ours} is installed. "
                "Go back to the release of Isotope that made it, or move that folder away to start anew."
            )

    def version(self) -> str:
        """Such as `18.6`."""
        done = subprocess.run(  # noqa: S603 - the wheel's own program
            [self.programs / "postgres", "--version"],
            cwd="/", capture_output=True, check=False, **self.user.options(),
        )  # fmt: skip
        return done.stdout.decode().split()[-1]

    def _spawn(self) -> subprocess.Popen[bytes]:
        settings = _SETTINGS | {"unix_socket_directories": str(self.sockets)} | ({} if self.durable else _UNSAFE)
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with open(self.log, "ab") as output:
            return spawn(
                [self.programs / "postgres", "-D", str(self.cluster), *options],
                death=signal.SIGINT, output=output, folder=Path("/"), user=self.user,
            )  # fmt: skip

    def _await_ready(self, child: subprocess.Popen[bytes]) -> None:
        limit = time.monotonic() + _START_SECONDS
        while time.monotonic() < limit:
            if child.poll() is not None:
                raise ServersProblem(f"PostgreSQL did not start: {_last_line(self.log)} (all of it: {self.log})")
            if (self.sockets / POSTGRES_SOCKET).exists() and self.answers():
                return
            time.sleep(0.02)
        raise ServersProblem(f"PostgreSQL did not answer within {_START_SECONDS:.0f} seconds; its log: {self.log}")

    def answers(self) -> bool:
        """Does it accept connections? (`pg_isready`)"""
        done = subprocess.run(  # noqa: S603 - the wheel's own program
            [self.programs / "pg_isready", "-q", "-U", SUPERUSER, "-h", str(self.sockets)],
            cwd="/", check=False, **self.user.options(),
        )  # fmt: skip
        return done.returncode == 0

    def _drop_stale_pid(self) -> None:
        """A number in postmaster.pid that is somebody else's by now would keep PostgreSQL from starting for ever.

        A dead number is left alone: PostgreSQL itself then looks for survivors through its shared memory.
        """
        path = self.cluster / "postmaster.pid"
        try:
            pid = int(path.read_text().split("\n", maxsplit=1)[0])
        except (OSError, ValueError):
            path.unlink(missing_ok=True)
            return
        if Path(f"/proc/{pid}").exists() and pid not in _running_on(self.cluster):
            path.unlink()

    def _await_orphans(self) -> None:
        """Processes of a server whose keeper was killed: they are on their way out; the last ones are shown it."""
        limit = time.monotonic() + _ORPHANS_SECONDS
        while left := _running_on(self.cluster):
            if time.monotonic() > limit:
                raise ServersProblem(f"Another PostgreSQL (process {left[0]}) uses {self.cluster} and does not stop.")
            if time.monotonic() > limit - _ORPHANS_SECONDS / 2:
                for pid in left:
                    _signal(pid, signal.SIGQUIT)
            time.sleep(0.05)


def _running_on(cluster: Path) -> list[int]:
    """Every PostgreSQL process that works in `cluster`: each of them, not the first alone, has it as its folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            if os.path.samefile(entry / "cwd", cluster) and (entry / "comm").read_text().startswith("postgres"):
                found.append(int(entry.name))
        except OSError:
            continue  # ended meanwhile, or another user's
    return sorted(found)


def _signal(pid: int, word: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, word)


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    telling = [line for line in lines if "FATAL" in line or "PANIC" in line] or lines
    return telling[-1] if telling else "it said nothing"
