"""The embedded PostgreSQL on its own."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import threading
from typing import TYPE_CHECKING

import psycopg
import pytest

from config.embedded.owner import Owner, owner
from config.embedded.places import DATABASE, Places, database_url
from config.embedded.postgres import Postgres
from config.embedded.problems import ServersProblem
from config.embedded.programs import postgres_programs
from tests.config.conftest import alive, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def server(data: Path) -> Iterator[Postgres]:
    found = Places(data=data, servers=data)
    user = owner(found)
    made = Postgres(
        found.cluster, found.sockets, postgres_programs(found.programs, user), user, data / "log", durable=False
    )
    yield made
    made.stop()


@pytest.fixture
def made(server: Postgres, filled: Path) -> Postgres:
    """One whose cluster lies there already."""
    assert (filled / "postgres") == server.cluster
    return server


def _ask(server: Postgres, question: str) -> object:
    with psycopg.connect(database_url(server.sockets, DATABASE)) as connection:
        row = connection.execute(question.encode()).fetchone()
        assert row is not None
        return row[0]


def test_it_is_made_with_our_database_and_an_unsurprising_locale(server: Postgres) -> None:
    server.start()
    assert _ask(server, "SELECT current_database()") == "isotope"
    assert (
        _ask(server, "SELECT datlocprovider::text || datlocale FROM pg_database WHERE datname = 'isotope'")
        == "bC.UTF-8"
    )
    assert _ask(server, "SHOW server_encoding") == "UTF8"
    assert _ask(server, "SHOW data_checksums") == "on"


def test_it_listens_to_nothing_but_a_socket_that_is_closed_to_others(made: Postgres) -> None:
    made.start()
    assert _ask(made, "SHOW listen_addresses") == ""
    for path in (made.sockets, made.sockets / ".s.PGSQL.5432", made.cluster):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
        assert path.stat().st_uid == made.user.uid


def test_fsync_is_off_only_where_it_was_asked_for(made: Postgres) -> None:
    made.durable = True
    made.start()
    assert _ask(made, "SHOW fsync") == "on"
    assert _ask(made, "SHOW synchronous_commit") == "on"


def test_what_was_committed_survives_a_kill(made: Postgres) -> None:
    made.durable = True
    made.start()
    _run(made, "CREATE TABLE kept (n int)")
    _run(made, "INSERT INTO kept VALUES (42)")
    assert made.child is not None
    made.child.kill()
    made.child.wait()

    made.start()

    assert _ask(made, "SELECT n FROM kept") == 42


def test_stopping_does_not_wait_for_clients(made: Postgres) -> None:
    made.start()
    with psycopg.connect(database_url(made.sockets, DATABASE)) as connection:
        made.stop()
        with pytest.raises(psycopg.OperationalError):
            connection.execute(b"SELECT 1")
    assert not made.alive()


def test_a_stale_pid_that_is_somebody_elses_by_now_does_not_stop_it(made: Postgres) -> None:
    made.start()
    made.stop()
    other = subprocess.Popen(["sleep", "60"])
    try:
        lines = [str(other.pid), str(made.cluster), "1", "5432", str(made.sockets), "", "1 1", "ready"]
        (made.cluster / "postmaster.pid").write_text("\n".join(lines) + "\n")
        made.start()
        assert _ask(made, "SELECT 1") == 1
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_it_waits_for_the_server_of_a_keeper_that_was_killed(made: Postgres) -> None:
    made.start()
    assert made.child is not None
    old = made.child
    client = psycopg.connect(database_url(made.sockets, "postgres"))
    old.send_signal(signal.SIGTERM)  # a slow stop: it waits for this client
    threading.Timer(0.3, client.close).start()

    made.start()

    assert made.child.pid != old.pid
    assert _ask(made, "SELECT 1") == 1
    old.wait()


def test_a_cluster_of_another_major_version_stops_with_what_to_do(made: Postgres) -> None:
    made.start()
    made.stop()
    (made.cluster / "PG_VERSION").write_text("12\n")
    with pytest.raises(ServersProblem, match=r"made by PostgreSQL 12.*Go back to the release"):
        made.start()


def test_a_killed_making_leaves_no_half_cluster(server: Postgres) -> None:
    part = server.cluster.with_name("postgres.part")
    part.mkdir()
    (part / "PG_VERSION").write_text("18\n")
    server.start()
    assert _ask(server, "SELECT 1") == 1
    assert not part.exists()


def test_a_user_without_a_name_is_told(server: Postgres) -> None:
    server.sockets.mkdir()
    nameless = Owner(uid=987_654, gid=987_654, switch=False)
    with pytest.raises(ServersProblem, match="User 987654 has no name"):
        Postgres(server.cluster, server.sockets, server.programs, nameless, server.log).start()


def test_it_dies_with_whoever_started_it(made: Postgres) -> None:
    """A process forked off for the purpose starts it and is killed."""
    reader, writer = os.pipe()
    parent = os.fork()
    if parent == 0:
        made.start()
        assert made.child is not None
        os.write(writer, str(made.child.pid).encode())
        signal.pause()
    pid = int(os.read(reader, 20))
    os.close(reader)
    os.close(writer)
    assert alive(pid)
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    eventually(lambda: not alive(pid))


def _run(server: Postgres, statement: str) -> None:
    with psycopg.connect(database_url(server.sockets, DATABASE)) as connection:
        connection.execute(statement.encode())
