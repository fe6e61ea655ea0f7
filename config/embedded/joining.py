"""Using the embedded servers: whoever needs them joins their keeper, or starts it.

with joined(found):    # a data folder's places
    ...                # both servers answer; they stay as long as anybody is here
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from config.embedded.keeper import BOTH, LOCK, PROBLEM, USERS
from config.embedded.owner import owner
from config.embedded.places import SYSTEM_FOLDER, VALKEY_SOCKET, Places, note
from config.embedded.problems import ServersProblem
from config.embedded.valkey import answers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_ROOT = Path(__file__).resolve().parent.parent.parent
_START_SECONDS = 90.0


@contextmanager
def joined(found: Places, servers: Sequence[str] = BOTH) -> Iterator[Membership]:
    """The servers answer while the body runs."""
    prepare(found)
    owner(found)  # says at once if PostgreSQL has nobody to run as
    membership = Membership(found, tuple(servers), _hold(found.data / USERS, fcntl.LOCK_SH))
    try:
        membership.ensure()
        yield membership
    finally:
        os.close(membership.handle)


@dataclass(frozen=True, slots=True)
class Membership:
    """One user of the servers; `handle` is the open file that holds the shared lock."""

    found: Places
    servers: tuple[str, ...]
    handle: int

    def ensure(self) -> None:
        """Returns when the servers answer; starts the keeper if there is none (any more)."""
        limit = time.monotonic() + _START_SECONDS
        started = False
        while not self.kept():
            lock = _try_lock(self.found.data / LOCK)
            if lock is not None:
                if started:
                    os.close(lock)
                    raise ServersProblem(self._complaint())
                self._start_keeper(lock)
                started = True
            if time.monotonic() > limit:
                raise ServersProblem(f"The embedded servers do not answer; see the logs in {self.found.logs}.")
            time.sleep(0.02)

    def kept(self) -> bool:
        """Does a living keeper hold servers that answer?"""
        return self.keeper_lives() and all(self._answers(name) for name in self.servers)

    def keeper_lives(self) -> bool:
        """Is the keeper's process there? (Costs a look at /proc.)"""
        return _keeper_lives(self.found.data / LOCK)

    def _answers(self, name: str) -> bool:
        if name == "valkey":
            return answers(self.found.sockets / VALKEY_SOCKET)
        try:
            psycopg.connect(self.found.database_url, connect_timeout=3).close()
        except psycopg.OperationalError:
            return False
        return True

    def _start_keeper(self, lock: int) -> None:
        (self.found.data / PROBLEM).unlink(missing_ok=True)
        argv = [sys.executable, "-m", "config.embedded.keeper", str(self.found.data), str(lock)]
        with open(self.found.logs / "keeper.log", "ab") as output:
            subprocess.Popen(  # noqa: S603 - ourselves
                [*argv, ",".join(self.servers)],
                cwd=_ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=(lock,),
                start_new_session=True,  # it outlives us, and a Ctrl-C in our terminal is not for it
            ).returncode = 0  # nobody waits for it, and nobody should be warned that it still runs
        os.close(lock)

    def _complaint(self) -> str:
        try:
            return (self.found.data / PROBLEM).read_text()
        except OSError:
            return f"The embedded servers did not start; see the logs in {self.found.logs}."


def prepare(found: Places) -> None:
    """Makes the folders. As root, the servers' user may pass through them, but nobody may list them."""
    passable = 0o711 if os.geteuid() == 0 else 0o700
    try:
        for folder in _missing(found.data):
            folder.mkdir(mode=passable, exist_ok=True)
            folder.chmod(passable)
        for folder in (found.logs, found.backups):
            folder.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() == 0:
            found.data.chmod(found.data.stat().st_mode | 0o111)
            _prepare_elsewhere(found)
        if not os.access(found.data, os.W_OK | os.X_OK):
            raise PermissionError(13, os.strerror(13))
    except OSError as problem:
        raise ServersProblem(
            f"The data folder {found.data} cannot be used ({problem.strerror}). "
            "Set ISOTOPE_DATA to a folder of your own, or give this one to the user that runs Isotope."
        ) from problem


def _prepare_elsewhere(found: Places) -> None:
    if found.servers == found.data:
        return
    for folder in _missing(found.servers):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o711)
    SYSTEM_FOLDER.chmod(0o711)
    note(found)


def _missing(folder: Path) -> list[Path]:
    """The folders that have to be made, outermost first."""
    return [part for part in (*reversed(folder.parents), folder) if not part.exists()]


def _hold(path: Path, kind: int) -> int:
    """Opens and locks `path`. It waits while a keeper that found itself unused is stopping its servers."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as problem:
        raise ServersProblem(
            f"The data folder {path.parent} cannot be used ({problem.strerror}): it belongs to another user."
        ) from problem
    fcntl.flock(handle, kind)
    return handle


def _try_lock(path: Path) -> int | None:
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def _keeper_lives(path: Path) -> bool:
    """The keeper writes its number into the file it has locked."""
    try:
        pid = int(path.read_text())
        return b"config.embedded.keeper" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return False
