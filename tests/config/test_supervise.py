"""Children that are watched."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from config.supervise import Program, Supervisor
from tests.config.conftest import alive, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_WORKS = "import time; print('it works', flush=True); time.sleep(600)"
_STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('it works', flush=True); time.sleep(600)"
)


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, told: list[str]) -> Iterator[Supervisor]:
    made = Supervisor(tmp_path, say=told.append)
    yield made
    made.hurried = True
    made.stop()


def _program(code: str, name: str = "child") -> Program:
    return Program(name, (sys.executable, "-c", code), signal.SIGTERM, "it works")


def _pid(supervisor: Supervisor) -> int:
    process = supervisor.children[-1].process
    assert process is not None
    return process.pid


def test_a_program_counts_as_started_when_it_says_so(supervisor: Supervisor, tmp_path: Path) -> None:
    assert supervisor.start(_program(_WORKS))
    assert (tmp_path / "child.log").read_text() == "it works\n"


def test_one_that_ends_at_once_has_not_started_and_its_error_is_at_hand(supervisor: Supervisor) -> None:
    assert not supervisor.start(_program("print('hello'); raise ValueError('no room')"))
    assert supervisor.children[0].last_words() == "ValueError: no room"


def test_what_an_earlier_start_said_does_not_count(supervisor: Supervisor, tmp_path: Path) -> None:
    (tmp_path / "child.log").write_text("it works\n")
    assert not supervisor.start(_program("raise SystemExit"))


def test_a_child_that_died_is_started_again_and_that_is_told(supervisor: Supervisor, told: list[str]) -> None:
    supervisor.start(_program(_WORKS))
    first = _pid(supervisor)
    os.kill(first, signal.SIGKILL)

    def back() -> bool:
        supervisor.look()
        return _pid(supervisor) != first and supervisor.children[0].ready()

    eventually(back)
    assert told == ["child has ended (killed by SIGKILL); starting it again"]


def test_one_that_keeps_dying_is_given_longer_pauses(supervisor: Supervisor, told: list[str]) -> None:
    supervisor.start(_program("raise SystemExit"))

    def twice() -> bool:
        supervisor.look()
        return len(told) == 2

    eventually(twice)
    assert supervisor.children[0].pause > 0.5


def test_stopping_asks_first_and_insists_when_hurried(supervisor: Supervisor) -> None:
    supervisor.start(_program(_STUBBORN))
    pid = _pid(supervisor)
    supervisor.hurried = True
    supervisor.stop()
    assert not alive(pid)


def test_all_are_stopped_at_once(supervisor: Supervisor) -> None:
    children = supervisor.launch([_program(_WORKS, f"child-{number}") for number in range(3)])
    assert supervisor.wait(children)
    supervisor.stop()
    assert all(child.ended() for child in children)


def test_children_die_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    parent = os.fork()
    if parent == 0:
        supervisor = Supervisor(tmp_path, say=lambda _text: None)
        supervisor.start(_program(_STUBBORN.replace("SIGTERM", "SIGHUP")))
        os.write(writer, str(_pid(supervisor)).encode())
        signal.pause()
    pid = int(os.read(reader, 20))
    os.close(reader)
    os.close(writer)
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    eventually(lambda: not alive(pid))


def test_a_containers_log_shows_what_the_children_say(supervisor: Supervisor, told: list[str]) -> None:
    supervisor.echo = True
    supervisor.start(
        _program("import time; print('it works', flush=True); time.sleep(.2); print('oh!', flush=True); time.sleep(60)")
    )

    def shown() -> bool:
        supervisor.look()
        return told == ["child: oh!"]

    eventually(shown)
