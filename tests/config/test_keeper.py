"""The keeper: who shares the embedded servers, and what happens when somebody is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING

import psycopg
import pytest

from config.embedded.joining import joined
from config.embedded.keeper import USERS, trim
from config.embedded.places import LONGEST_SOCKET_PATH, Places, may_enter, places
from config.embedded.problems import ServersProblem
from config.embedded.valkey import answers
from tests.config.conftest import alive, eventually, keeper_pids, processes

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent.parent
_USER = """
import sys
from pathlib import Path
from config.embedded.joining import joined
from config.embedded.places import places
with joined(places(Path(sys.argv[1]))):
    print("in", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def users(data: Path) -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that use the servers until their standard input is closed."""
    started: list[subprocess.Popen[str]] = []
    yield started
    for user in started:
        user.kill()
        user.communicate()


def _user(data: Path, users: list[subprocess.Popen[str]]) -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", _USER, str(data)]
    user = subprocess.Popen(argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    users.append(user)
    return user


def _is_in(user: subprocess.Popen[str]) -> bool:
    output: IO[str] | None = user.stdout
    return output is not None and output.readline() == "in\n"


def test_the_servers_answer_inside_and_are_gone_after_the_last_user(data: Path) -> None:
    found = places(data)
    with joined(found):
        with psycopg.connect(found.database_url) as connection:
            assert connection.execute(b"SELECT current_database()").fetchone() == ("isotope",)
        assert answers(found.sockets / "valkey.sock")
        assert keeper_pids(data)
    eventually(lambda: not keeper_pids(data))
    assert not answers(found.sockets / "valkey.sock")
    assert (data / "logs" / "keeper.log").read_text().rstrip().endswith("stopped")


def test_many_that_come_at_once_share_one_keeper(filled: Path, users: list[subprocess.Popen[str]]) -> None:
    comers = [_user(filled, users) for _ in range(4)]
    assert all(_is_in(user) for user in comers)
    log = filled / "logs" / "keeper.log"
    eventually(lambda: "ready" in log.read_text())
    assert log.read_text().count("ready") == 1


def test_a_user_that_is_killed_lets_go(filled: Path, users: list[subprocess.Popen[str]]) -> None:
    user = _user(filled, users)
    assert _is_in(user)
    user.kill()
    eventually(lambda: not keeper_pids(filled))


def test_servers_stay_while_anybody_is_left(filled: Path, users: list[subprocess.Popen[str]]) -> None:
    first, second = _user(filled, users), _user(filled, users)
    assert _is_in(first)
    assert _is_in(second)
    keeper = keeper_pids(filled)
    first.communicate("")
    with psycopg.connect(places(filled).database_url) as connection:
        connection.execute(b"SELECT 1")
    assert keeper_pids(filled) == keeper


def test_killing_the_keeper_takes_its_servers_along_and_the_next_one_recovers(filled: Path) -> None:
    found = places(filled)
    with joined(found) as membership:
        with psycopg.connect(found.database_url) as connection:
            connection.execute(b"CREATE TABLE kept AS SELECT 42 AS n")
        os.kill(keeper_pids(filled)[0], signal.SIGKILL)
        eventually(lambda: not membership.kept())

        membership.ensure()

        with psycopg.connect(found.database_url) as connection:
            assert connection.execute(b"SELECT n FROM kept").fetchone() == (42,)


@pytest.mark.parametrize("server", ["postgres -D", "valkey-server"])
def test_the_keeper_starts_a_server_again_that_was_killed(filled: Path, server: str) -> None:
    name = server.split(maxsplit=1)[0]
    with joined(places(filled)) as membership:
        (victim,) = [
            pid for pid in processes(str(filled)) if _program(pid) == name and _parent(pid) in keeper_pids(filled)
        ]
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: not alive(victim))
        eventually(membership.kept, log=filled / "logs" / "keeper.log")


def test_the_queue_is_empty_after_the_keeper_was_started_again(filled: Path) -> None:
    import redis

    found = places(filled)
    with joined(found), redis.Redis(unix_socket_path=str(found.sockets / "valkey.sock")) as client:
        client.lpush("office", "a task")
    eventually(lambda: not keeper_pids(filled))
    with joined(found), redis.Redis(unix_socket_path=str(found.sockets / "valkey.sock")) as client:
        assert client.keys() == []


def test_what_is_wrong_reaches_whoever_asked(filled: Path) -> None:
    found = places(filled)
    with joined(found):
        pass
    eventually(lambda: not keeper_pids(filled))
    (filled / "postgres" / "PG_VERSION").write_text("12\n")
    with pytest.raises(ServersProblem, match="made by PostgreSQL 12"), joined(found):
        raise AssertionError("there is no server to be with")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    inside = tmp_path / "file" / "data"
    with pytest.raises(ServersProblem, match="cannot be used"), joined(Places(data=inside, servers=inside)):
        raise AssertionError("there is no such folder")


def test_one_server_alone_can_be_asked_for(data: Path) -> None:
    found = places(data)
    with joined(found, ["valkey"]):
        assert answers(found.sockets / "valkey.sock")
        assert not (data / "postgres").exists()


def test_sockets_of_a_deep_folder_lie_elsewhere(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["a-long-name-for-a-folder"] * 5)
    found = Places(data=deep, servers=deep)
    assert len(os.fsencode(found.sockets / ".s.PGSQL.5432")) <= LONGEST_SOCKET_PATH
    other = deep / "x"
    assert Places(data=other, servers=other).sockets != found.sockets


def test_a_folder_nobody_may_enter_is_seen(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    assert not may_enter(closed, os.geteuid() + 1)
    assert may_enter(Path("/usr/bin"), 65534)


def test_a_log_is_cut_and_one_old_part_is_kept(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    with open(log, "ab") as writer:
        writer.write(b"x" * 5_000_001)
        writer.flush()
        trim(log)
        writer.write(b"new")
    assert log.read_bytes() == b"new"
    assert (tmp_path / "x.log.1").stat().st_size == 5_000_001


def test_the_users_file_is_ours_alone(data: Path) -> None:
    with joined(places(data), ["valkey"]):
        for name in (USERS, "keeper"):
            assert (data / name).stat().st_mode & 0o077 == 0
        assert (data / "logs").stat().st_mode & 0o077 == 0


def _program(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])


def test_the_note_of_folders_elsewhere_is_followed(tmp_path: Path) -> None:
    (tmp_path / "servers-folder").write_text("/somewhere/else\n")
    assert places(tmp_path).cluster == Path("/somewhere/else/postgres")
