"""The keeper: one detached process for each data folder, which owns PostgreSQL and Valkey while anybody uses them.

It lives as long as somebody holds a shared lock on the file `users`; a process that is killed lets go too. Commands
start it through `config.embedded.joining`, which hands it the locked file `keeper`: there can be no second one.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import SubprocessError
from typing import TYPE_CHECKING

from config.embedded.owner import owner
from config.embedded.places import VALKEY_SOCKET, Places, places
from config.embedded.postgres import Postgres
from config.embedded.problems import ServersProblem
from config.embedded.programs import postgres_programs, valkey_program
from config.embedded.valkey import Valkey

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

LOCK, USERS, PROBLEM = "keeper", "users", "keeper-problem"
BOTH = ("postgres", "valkey")
_LOOK_SECONDS = 0.25
_LONGEST_PAUSE = 30.0
_LARGEST_LOG = 5_000_000


@dataclass(slots=True)
class Kept:
    """One server and when it may be started again."""

    server: Postgres | Valkey
    pause: float = 0.5
    not_before: float = 0.0

    def revive(self) -> None:
        """Starts a server that ended; after each failure the pause doubles."""
        if self.server.alive() or time.monotonic() < self.not_before:
            return
        _say(f"{type(self.server).__name__} has ended; starting it again")
        try:
            self.server.start()
            self.pause = 0.5
        except (ServersProblem, OSError, SubprocessError) as problem:  # a machine short of processes, too
            _say(str(problem))
            self.pause = min(self.pause * 2, _LONGEST_PAUSE)
            self.not_before = time.monotonic() + self.pause


@dataclass(slots=True)
class Keeper:
    """Holds the servers of one data folder."""

    found: Places
    names: tuple[str, ...] = BOTH
    kept: list[Kept] = field(default_factory=list)
    stopping: bool = False

    def run(self) -> int:
        """Until the last user is gone or we are told to stop; 1 if the servers could not be started."""
        for word in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(word, self._on_signal)
        try:
            for make in self._makers():
                server = make()
                self.kept.append(Kept(server))
                server.start()
        except (ServersProblem, OSError) as problem:
            _say(str(problem))
            (self.found.data / PROBLEM).write_text(str(problem))
            self._stop()
            return 1
        _say("ready")
        self._watch()
        self._stop()
        _say("stopped")
        return 0

    def _makers(self) -> list[Callable[[], Postgres | Valkey]]:
        known: dict[str, Callable[[], Postgres | Valkey]] = {"postgres": self._postgres, "valkey": self._valkey}
        return [known[name] for name in self.names]

    def _postgres(self) -> Postgres:
        user = owner(self.found)
        programs = postgres_programs(self.found.programs, user)
        log = self.found.logs / "postgres.log"
        return Postgres(self.found.cluster, self.found.sockets, programs, user, log)

    def _valkey(self) -> Valkey:
        user = owner(self.found)
        program = valkey_program(self.found.programs, user)
        log = self.found.logs / "valkey.log"
        return Valkey(self.found.sockets / VALKEY_SOCKET, self.found.valkey, program, user, log)

    def _watch(self) -> None:
        """Returns holding the exclusive lock on `users`: whoever comes now waits until we are gone."""
        users = os.open(self.found.data / USERS, os.O_RDWR | os.O_CREAT, 0o600)
        while not self.stopping:
            for kept in self.kept:
                kept.revive()
            for log in self.found.logs.glob("*.log"):
                trim(log)
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(_LOOK_SECONDS)
            else:
                return

    def _stop(self) -> None:
        for kept in self.kept:
            kept.server.stop()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.stopping = True


def trim(log: Path) -> None:
    """Keeps one old part. The writers append, so that the file may be cut under them."""
    try:
        if log.stat().st_size > _LARGEST_LOG:
            shutil.copyfile(log, log.with_name(f"{log.name}.1"))
            os.truncate(log, 0)
    except FileNotFoundError:
        pass  # another process was faster


def _say(text: str) -> None:
    print(time.strftime("%Y-%m-%d %H:%M:%S"), text, flush=True)  # noqa: T201 - our standard output is the log


def main(arguments: list[str]) -> int:
    """`keeper DATA LOCK SERVERS`: LOCK is the number of the open and locked file, inherited from who started us."""
    data, lock, names = arguments
    os.set_inheritable(int(lock), False)  # noqa: FBT003 - the servers must not hold it after us
    os.ftruncate(int(lock), 0)
    os.pwrite(int(lock), f"{os.getpid()}\n".encode(), 0)
    return Keeper(places(Path(data)), tuple(names.split(","))).run()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
