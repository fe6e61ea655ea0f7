"""One Valkey of our own: the broker and the cache, in memory only, on a unix socket."""

from __future__ import annotations

import signal
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from config.embedded.children import spawn, stop
from config.embedded.problems import ServersProblem

if TYPE_CHECKING:
    import subprocess

    from config.embedded.owner import Owner

_START_SECONDS = 15.0


@dataclass(slots=True)
class Valkey:
    """A server at `socket`. It keeps nothing: at each start the queue is empty, and open rows are sent again.

    (A kept queue would hang: what was delivered before a kill comes back only after the visibility timeout.)
    """

    socket: Path
    folder: Path
    program: Path
    user: Owner
    log: Path
    child: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Starts the server and returns when it answers."""
        self.user.private(self.socket.parent)
        self.user.private(self.folder)
        self.socket.unlink(missing_ok=True)
        with open(self.log, "ab") as output:
            self.child = spawn(self._argv(), death=signal.SIGTERM, output=output, folder=Path("/"), user=self.user)
        limit = time.monotonic() + _START_SECONDS
        while not answers(self.socket):
            if self.child.poll() is not None or time.monotonic() > limit:
                self.stop()
                raise ServersProblem(f"Valkey did not start; its log: {self.log}")
            time.sleep(0.01)

    def alive(self) -> bool:
        """Is the process there?"""
        return self.child is not None and self.child.poll() is None

    def stop(self) -> None:
        """Stops it; nothing is written."""
        if self.child is not None:
            stop(self.child, gently=signal.SIGTERM, patience=3.0, harshly=signal.SIGKILL)

    def _argv(self) -> list[str]:
        return [
            str(self.program), "--port", "0", "--unixsocket", str(self.socket), "--unixsocketperm", "700",
            "--appendonly", "no", "--save", "", "--loglevel", "warning", "--daemonize", "no", "--dir", str(self.folder),
        ]  # fmt: skip


def answers(path: Path) -> bool:
    """Does a Valkey answer at `path`?"""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(2.0)
        try:
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False
