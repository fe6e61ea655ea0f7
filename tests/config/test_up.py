"""`manage.py up`, as a person meets it: real processes in a data folder of their own."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from config.embedded.places import may_enter
from tests import servers
from tests.config.conftest import alive, data_folder, eventually, keeper_pids, processes
from tests.processes import answers, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent.parent
NOBODY = 65534
pytestmark = [pytest.mark.workers, pytest.mark.xdist_group("up")]


@dataclass(slots=True)
class Up:
    """One `manage.py up`."""

    process: subprocess.Popen[bytes]
    output: Path
    port: int

    @property
    def url(self) -> str:
        """Where it says it is."""
        return f"http://127.0.0.1:{self.port}"

    def told(self) -> str:
        """Everything it has printed."""
        return self.output.read_text()

    def is_ready(self) -> bool:
        """Has the box been printed?"""
        assert self.process.poll() is None, self.told()
        return "Stop with Ctrl-C" in self.told()

    def stop(self) -> int:
        """Ctrl-C, and its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


class Starter:
    """Starts `up` on one data folder, and cleans up."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.started: list[Up] = []
        hidden = {"DATABASE_URL", "BROKER_URL"}
        self.environ = {name: value for name, value in os.environ.items() if name not in hidden}

    def __call__(
        self, *arguments: str, port: int = 0, user: int | None = None, env: dict[str, str] | None = None
    ) -> Up:
        """Returns at once."""
        port = port or free_port()
        output = self.data.parent / f"{self.data.name}-told-{len(self.started)}"
        with open(output, "wb") as told:
            process = subprocess.Popen(
                [sys.executable, "manage.py", "up", *arguments, "--port", str(port)],
                cwd=ROOT,
                env=self.environ | {"ISOTOPE_DATA": str(self.data)} | (env or {}),
                stdout=told,
                stderr=subprocess.STDOUT,
                user=user,
                group=user,
                extra_groups=[] if user is not None else None,
            )
        up = Up(process, output, port)
        self.started.append(up)
        return up

    def ready(self, *arguments: str, user: int | None = None, env: dict[str, str] | None = None) -> Up:
        """Returns when the box has been printed."""
        up = self(*arguments, user=user, env=env)
        eventually(up.is_ready, seconds=180)
        return up

    def end(self) -> None:
        """Nothing is left."""
        for up in self.started:
            if up.process.poll() is None:
                up.process.kill()
            up.process.wait()
            up.output.unlink()
        eventually(lambda: not processes(str(self.data)))


@pytest.fixture
def start(data: Path) -> Iterator[Starter]:
    starter = Starter(data)
    yield starter
    starter.end()


@pytest.fixture(scope="module")
def shared() -> Iterator[Starter]:
    """One `up` that several tests look at; it was given a folder that is not there. ComfyUI is, in the home folder."""
    with data_folder() as folder, tempfile.TemporaryDirectory() as home:
        models = Path(home, "ComfyUI", "models", "checkpoints")
        models.mkdir(parents=True)
        (models / "a.safetensors").write_bytes(b"x" * 2000)
        (models.parent.parent / "folder_paths.py").touch()
        starter = Starter(folder)
        starter.ready("/there/is/no/such/folder", "--no-flower", env={"HOME": home})
        yield starter
        starter.end()


def _get(url: str, *, secret: str = "") -> tuple[int, bytes]:
    request = urllib.request.Request(url)  # noqa: S310 - our own address
    if secret:
        request.add_header("Authorization", f"Basic {base64.b64encode(secret.encode()).decode()}")
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - our own address
        return answer.status, answer.read()


def _runnable_by(user: int) -> bool:
    """An interpreter below root's closed home can be run by root alone."""
    needed = (sys.executable, str(ROOT), *filter(None, map(str, sys.path)))
    return all(may_enter(Path(path).resolve(), user) for path in needed)


USERS = [None, *([NOBODY] if os.geteuid() == 0 and _runnable_by(NOBODY) else [])]


@pytest.mark.parametrize("user", USERS, ids=lambda user: "ourselves" if user is None else "nobody")
def test_one_command_starts_everything_and_ctrl_c_stops_it(start: Starter, data: Path, user: int | None) -> None:
    if user is not None:
        os.chown(data, user, user)
    up = start.ready(user=user)

    steps = re.findall(r"^ ?(\d+) ✓ (\w+)", up.told(), re.MULTILINE)
    assert [int(number) for number, _name in steps] == list(range(1, len(steps) + 1))
    assert [name for _number, name in steps][-3:] == ["Workers", "Web", "Flower"]
    assert "✗" not in up.told()
    assert json.loads(_get(f"{up.url}/readyz")[1])["status"] == "ok"
    (link,) = re.findall(rf"{up.url}/setup/[\w-]+/", up.told())
    assert link
    access = json.loads((data / "flower.json").read_text())
    assert (data / "flower.json").stat().st_mode & 0o077 == 0
    assert not _is_open(access["url"])
    assert _get(access["url"], secret=f"{access['user']}:{access['password']}")[0] == 200
    assert access["password"] not in _command_lines()

    assert up.stop() == 0
    assert "Everything is kept" in up.told()
    eventually(lambda: not processes(str(data)))
    assert not (data / "flower.json").exists()


def test_a_second_one_shows_the_way_to_the_first(shared: Starter) -> None:
    first = shared.started[0]
    second = shared("--no-flower")
    assert second.process.wait(60) == 2
    assert f"runs already on this data folder: {first.url}/" in second.told()
    assert "Traceback" not in second.told()
    assert answers(f"{first.url}/healthz")


def test_after_a_kill_nothing_is_left_and_the_next_start_goes_on(start: Starter, data: Path) -> None:
    up = start.ready("--no-flower")
    up.process.kill()
    up.process.wait()
    eventually(lambda: not processes(str(data)))

    again = start.ready("--no-flower")

    assert "up to date" in again.told()
    assert json.loads(_get(f"{again.url}/readyz")[1])["status"] == "ok"


def test_what_dies_is_started_again(shared: Starter) -> None:
    up = shared.started[0]
    for mark in ("granian", "quick@", "beat"):
        (victim, *_pool) = sorted(pid for pid in _children(up.process.pid) if mark in _command_line(pid))
        os.kill(victim, signal.SIGKILL)
        eventually(lambda victim=victim: not alive(victim))  # type: ignore[misc]  # mypy cannot infer the default's type
    os.kill(keeper_pids(shared.data)[0], signal.SIGKILL)

    def well() -> bool:
        names = " ".join(map(_command_line, _children(up.process.pid)))
        told = up.told().count("starting it again")
        return (
            told == 4 and all(mark in names for mark in ("granian", "quick@", "beat")) and _is_open(f"{up.url}/readyz")
        )

    eventually(well, seconds=60)


def test_a_port_that_is_taken_stops_it_in_one_sentence(start: Starter) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        up = start(port=port)
        assert up.process.wait(60) == 2
    assert f"Port {port} of 127.0.0.1 cannot be used" in up.told()
    assert "manage.py up --port" in up.told()
    assert "Traceback" not in up.told()


def test_a_folder_that_is_not_there_is_told_and_the_rest_starts(shared: Starter) -> None:
    up = shared.started[0]
    assert "✗ Folders" in up.told()
    assert "/there/is/no/such/folder" in up.told()
    assert answers(f"{up.url}/healthz")


def test_folders_of_known_tools_are_named_while_no_folder_is_known(shared: Starter) -> None:
    found = re.search(
        r"Found: ComfyUI, 1 file, 2 kB: add it in the browser, or start with its path: (.*)", _unfolded(shared)
    )
    assert found is not None, shared.started[0].told()
    assert found[1].startswith("manage.py up /")


def _unfolded(shared: Starter) -> str:
    """A remark may be broken into lines."""
    return re.sub(r"\s+", " ", shared.started[0].told())


def test_with_servers_of_others_it_starts_none(start: Starter, data: Path) -> None:
    servers.running()
    servers.administer("CREATE DATABASE for_up")
    try:
        url = os.environ["DATABASE_URL"].replace(f"/{servers.DATABASE}?", "/for_up?")
        up = start.ready("--no-flower", env={"DATABASE_URL": url, "BROKER_URL": os.environ["BROKER_URL"]})
        assert json.loads(_get(f"{up.url}/readyz")[1])["status"] == "ok"
        assert not keeper_pids(data)
        assert not (data / "postgres").exists()
        assert up.stop() == 0
    finally:
        servers.administer("DROP DATABASE for_up WITH (FORCE)")


def test_its_help_shows_how_to_begin() -> None:
    argv = [sys.executable, "manage.py", "up", "--help"]
    told = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert "manage.py up --demo" in told
    assert "read, never written" in told
    assert "--settings" not in told


def _is_open(url: str) -> bool:
    try:
        return _get(url)[0] == 200
    except OSError:
        return False


def _children(pid: int) -> list[int]:
    return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def _command_lines() -> str:
    return "".join(_command_line(int(entry.name)) for entry in Path("/proc").iterdir() if entry.name.isdigit())
