"""The processes of `manage.py up`: started, watched, started again when they die, and stopped in order.

A child writes into its own log file, so that it needs nobody to read it; the kernel stops it when we are killed.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from config.embedded.children import spawn
from config.embedded.keeper import trim

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Mapping
    from types import FrameType

ROOT = Path(__file__).resolve().parent.parent
LOOK_SECONDS = 0.25
PATIENCE_SECONDS = 5.0
_LONGEST_PAUSE = 30.0
_LIVED_WELL_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Program:
    """What to run: `death` is the signal it gets when we die, `ready` the text in its log that says it works."""

    name: str
    argv: tuple[str, ...]
    death: signal.Signals
    ready: str
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Child:
    """One program and the process that runs it now."""

    program: Program
    log: Path
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    not_before: float = 0.0
    pause: float = 0.5
    log_start: int = 0
    told: int = 0

    def start(self) -> None:
        """Starts the process; what it says is appended to its log."""
        self.log_start = self.log.stat().st_size if self.log.exists() else 0
        if self.process is None:
            self.told = self.log_start
        self.started = time.monotonic()
        with open(self.log, "ab") as output:
            self.process = spawn(
                self.program.argv,
                death=self.program.death,
                output=output,
                folder=ROOT,
                env=os.environ | dict(self.program.env),
            )

    def ended(self) -> bool:
        """Is there no process (any more)?"""
        return self.process is None or self.process.poll() is not None

    def ready(self) -> bool:
        """Has this start said that it works?"""
        return self.program.ready in self._said()

    def last_words(self) -> str:
        """Why it ended: the signal that killed it, else the line of its log that tells most."""
        code = self.process.returncode if self.process is not None else 0
        if code is not None and code < 0:
            return f"killed by {signal.Signals(-code).name}"
        lines = [line.strip() for line in self._said().splitlines() if line.strip()]
        telling = [line for line in lines if "rror" in line]
        return (telling or lines or ["it said nothing"])[-1]

    def news(self) -> list[str]:
        """The whole lines that came since it was last asked."""
        try:
            with open(self.log, "rb") as log:
                log.seek(self.told if self.told <= os.fstat(log.fileno()).st_size else 0)
                whole, newline, rest = log.read(1_000_000).rpartition(b"\n")
                self.told = log.tell() - len(rest)
        except OSError:
            return []
        return (whole + newline).decode(errors="replace").splitlines()

    def _said(self) -> str:
        try:
            with open(self.log, "rb") as log:
                log.seek(self.log_start if self.log_start <= os.fstat(log.fileno()).st_size else 0)
                return log.read(1_000_000).decode(errors="replace")
        except OSError:
            return ""


@dataclass(slots=True)
class Supervisor:
    """All children. `say` gets a sentence whenever something happens that a person should know."""

    logs: Path
    say: Callable[[str], None]
    echo: bool = False
    """Show what the children log, too: where the logs of a container are looked for."""
    children: list[Child] = field(default_factory=list)
    stopping: bool = False
    hurried: bool = False

    def listen(self) -> None:
        """Ctrl-C, SIGTERM and a closed terminal ask us to stop; a second time: at once."""
        for word in (signal.SIGINT, signal.SIGTERM):
            signal.signal(word, self._on_signal)
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # as under nohup
            signal.signal(signal.SIGHUP, self._on_signal)

    def start(self, program: Program, *, seconds: float = 60.0) -> bool:
        """Starts a program and waits until it works; False if it ended, or says nothing for too long."""
        child = Child(program, self.logs / f"{program.name}.log")
        self.children.append(child)
        child.start()
        return self.wait([child], seconds=seconds)

    def launch(self, programs: list[Program]) -> list[Child]:
        """Starts several programs at once, and does not wait."""
        made = [Child(program, self.logs / f"{program.name}.log") for program in programs]
        self.children.extend(made)
        for child in made:
            child.start()
        return made

    def wait(self, children: list[Child], *, seconds: float = 120.0) -> bool:
        """Waits until all of them work."""
        limit = time.monotonic() + seconds
        while not all(child.ready() for child in children):
            if self.stopping or time.monotonic() > limit or any(child.ended() for child in children):
                return False
            time.sleep(0.02)
        for child in children:
            child.news()  # what is said at every start tells nobody anything
        return True

    def look(self) -> None:
        """One round: starts what has died, with growing pauses; keeps the logs short."""
        for child in self.children:
            self._look_at(child)
            if self.echo:
                for line in child.news():
                    self.say(f"{child.program.name}: {line}")
            trim(child.log)
        if os.getpid() == 1:
            self._reap_strangers()

    def _look_at(self, child: Child) -> None:
        if not child.ended():
            return
        now = time.monotonic()
        if child.not_before < child.started:
            child.pause = 0.5 if now - child.started > _LIVED_WELL_SECONDS else min(child.pause * 2, _LONGEST_PAUSE)
            child.not_before = now + child.pause
            self.say(f"{child.program.name} has ended ({child.last_words()}); starting it again")
        elif now >= child.not_before:
            child.start()

    def _reap_strangers(self) -> None:
        """As the first process of a container we inherit every orphan; ours are waited for by their owners."""
        ours = {child.process.pid for child in self.children if child.process is not None}
        while True:
            try:
                seen = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if seen is None or seen.si_pid in ours:
                return
            os.waitpid(seen.si_pid, 0)

    def stop(self) -> None:
        """SIGTERM; after five seconds (or a second Ctrl-C) SIGQUIT; after five more SIGKILL. To all at once."""
        for word in (signal.SIGTERM, signal.SIGQUIT, signal.SIGKILL):
            left = [child for child in self.children if not child.ended()]
            for child in left:
                if child.process is not None:
                    child.process.send_signal(word)
            self._await_ends(left, hurry=word is signal.SIGTERM)

    def _await_ends(self, left: list[Child], *, hurry: bool) -> None:
        limit = time.monotonic() + PATIENCE_SECONDS
        while any(not child.ended() for child in left) and time.monotonic() < limit:
            if hurry and self.hurried:
                return
            time.sleep(0.02)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self.hurried = self.stopping
        self.stopping = True
