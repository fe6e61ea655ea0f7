"""The broker forgets, the broker is away, the database is restarted under the workers' feet."""

from __future__ import annotations

import shutil
import signal
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.core.management import call_command
from django.db import connection

from catalog.models import Job
from catalog.vocabulary import JobState
from config.embedded.owner import owner
from config.embedded.places import Places, database_url
from config.embedded.postgres import Postgres
from config.embedded.programs import postgres_programs
from tests import servers
from tests.faults.helpers import LEASE, SLOW, Trial, await_, small_tree, with_slow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.processes import Workers

pytestmark = [pytest.mark.workers, pytest.mark.xdist_group("workers")]
PROMPT = 10.0  # bounded at all: a request that waited for the broker would not come back


def test_the_broker_forgets_everything_that_was_queued(workers: Workers, tmp_path: Path) -> None:
    trial = Trial.of(tmp_path, small_tree())
    trial.scan()
    workers.empty_queues()

    workers.start(env=LEASE)

    trial.recovered()


def test_the_broker_forgets_everything_in_the_middle_of_the_work(workers: Workers, tmp_path: Path) -> None:
    workers.start(env=LEASE)
    trial = Trial.of(tmp_path, with_slow(small_tree()), speed_limit=1)
    trial.scan()
    await_(lambda: trial.being_read(SLOW))

    workers.empty_queues()
    trial.change(speed_limit=None)

    trial.recovered()


def test_work_that_is_asked_for_while_the_broker_is_away_waits_for_it(workers: Workers, tmp_path: Path) -> None:
    trial = Trial.of(tmp_path, small_tree())
    servers.valkey().stop()
    try:
        started = time.monotonic()
        job = trial.scan()
        took = time.monotonic() - started
    finally:
        servers.running()

    assert took < PROMPT
    assert (job.state, Job.objects.count()) == (JobState.WAITING, 1)
    workers.start(env=LEASE)
    trial.recovered()


def test_a_broker_that_hangs_keeps_nobody_waiting(workers: Workers, tmp_path: Path) -> None:
    trial = Trial.of(tmp_path, small_tree())
    broker = servers.valkey().child
    assert broker is not None
    broker.send_signal(signal.SIGSTOP)
    try:
        started = time.monotonic()
        trial.scan()
        took = time.monotonic() - started
    finally:
        broker.send_signal(signal.SIGCONT)

    assert took < PROMPT
    workers.start(env=LEASE)
    trial.recovered()


def test_the_broker_is_restarted_under_a_worker(workers: Workers, tmp_path: Path) -> None:
    workers.start(env=LEASE)
    trial = Trial.of(tmp_path, with_slow(small_tree()), speed_limit=1)
    trial.scan()
    await_(lambda: trial.being_read(SLOW))

    servers.valkey().stop()
    servers.running()
    trial.change(speed_limit=None)

    trial.recovered()


@pytest.fixture
def own_database(transactional_db: None) -> Iterator[Postgres]:
    """A PostgreSQL for one test, since a restart of the common one would hurt all the others."""
    folder = Path(tempfile.mkdtemp(prefix="restart-", dir=servers.FOLDER))
    folder.chmod(0o711)
    places = Places(data=folder, servers=folder)
    user = owner(places)
    server = Postgres(places.cluster, places.sockets, postgres_programs(places.programs, user), user, folder / "log")
    server.start()
    before = dict(connection.settings_dict)
    connection.close()
    connection.settings_dict.update({"HOST": str(places.sockets), "NAME": "postgres"})
    call_command("migrate", verbosity=0, interactive=False)
    try:
        yield server
    finally:
        connection.close()
        connection.settings_dict.update(before)
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("word", [signal.SIGINT, signal.SIGQUIT], ids=["fast", "immediate"])
def test_the_database_is_restarted_in_the_middle_of_a_file(
    own_database: Postgres, workers: Workers, tmp_path: Path, word: signal.Signals
) -> None:
    address = {"DATABASE_URL": database_url(own_database.sockets, "postgres")}
    workers.start(env=LEASE | address)
    trial = Trial.of(tmp_path, with_slow(small_tree()), speed_limit=1)
    trial.scan()
    await_(lambda: trial.being_read(SLOW))

    assert own_database.child is not None
    own_database.child.send_signal(word)
    own_database.child.wait(20)
    own_database.start()
    connection.close()
    trial.change(speed_limit=None)

    trial.recovered()
