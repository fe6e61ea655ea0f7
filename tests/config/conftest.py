"""A data folder of a test's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from config.embedded.keeper import LOCK
from config.embedded.owner import owner
from config.embedded.places import Places
from config.embedded.postgres import Postgres
from config.embedded.programs import postgres_programs
from tests import servers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def data_folder() -> Iterator[Path]:
    """An empty folder with a short path, which the servers' user may enter; its keeper is gone in the end."""
    folder = Path(tempfile.mkdtemp(prefix="data-", dir=servers.FOLDER))
    folder.chmod(0o711)
    yield folder
    eventually(lambda: not keeper_pids(folder))
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def data() -> Iterator[Path]:
    """A data folder of the test's own."""
    with data_folder() as folder:
        yield folder


@pytest.fixture(scope="session")
def cluster() -> Path:
    """A cluster that was made once, to be copied: making one takes a second."""
    found = Places(data=servers.FOLDER / "cluster", servers=servers.FOLDER / "cluster")
    user = owner(found)
    with servers.locked("cluster"):
        if not found.cluster.exists():
            found.data.mkdir(mode=0o711)
            log = found.data / "log"
            made = Postgres(
                found.cluster, found.sockets, postgres_programs(found.programs, user), user, log, durable=False
            )
            made.start()
            made.stop()
    return found.cluster


@pytest.fixture
def filled(data: Path, cluster: Path) -> Path:
    """A data folder in which a cluster lies already."""
    subprocess.run(["cp", "-a", cluster, data / "postgres"], check=True)
    return data


def keeper_pids(folder: Path) -> list[int]:
    """The keeper of a data folder, if it lives."""
    try:
        pid = int((folder / LOCK).read_text())
    except (OSError, ValueError):
        return []
    return [pid] if alive(pid) else []


def alive(pid: int) -> bool:
    """Does the process exist, and is it more than a body that waits for its parent?"""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def processes(mark: str) -> list[int]:
    """Living processes whose command line or environment holds `mark`."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            told = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
        except OSError:
            continue
        if mark.encode() in told and alive(int(entry.name)):
            found.append(int(entry.name))
    return found


def eventually(true: Callable[[], bool], *, seconds: float = 120.0, log: Path | None = None) -> None:
    """Waits until `true` is; the end of `log` tells what hindered it."""
    limit = time.monotonic() + seconds
    while not true():
        told = log.read_text()[-2000:] if log is not None and time.monotonic() >= limit else ""
        assert time.monotonic() < limit, f"it did not come true. {told}"
        time.sleep(0.05)
