"""Fixtures for every room: the database, and real workers, a real site and a real browser for those who ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.core.management import call_command
from django.db import connection
from hypothesis import HealthCheck, settings

from tests import servers
from tests.browser import browser_page, chromium
from tests.processes import Site, Workers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django import DjangoDbBlocker

__all__ = ["browser_page", "chromium"]

# A busy machine can stop a test for longer than any deadline, and a search must not fail now and then: the examples are
# the same in each run. `pytest --hypothesis-profile=search` looks for new ones; what it finds becomes an `@example`.
_UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("steady", _UNTIMED, derandomize=True)
settings.register_profile("search", _UNTIMED, max_examples=1000, print_blob=True)
settings.load_profile("steady")


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: DjangoDbBlocker) -> None:
    """A database of this worker's own, cloned from the session's migrated template; the broker runs too."""
    with django_db_blocker.unblock():
        with servers.locked("template"):
            _make_template()
        servers.administer(f"CREATE DATABASE {servers.DATABASE} TEMPLATE {servers.TEMPLATE}")
    servers.running()


def _make_template() -> None:
    found = servers.administer(f"SELECT 1 FROM pg_database WHERE datname = '{servers.TEMPLATE}' AND datistemplate")  # noqa: S608
    if found:
        return
    servers.administer(f"DROP DATABASE IF EXISTS {servers.TEMPLATE}")
    servers.administer(f"CREATE DATABASE {servers.TEMPLATE}")
    name = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = servers.TEMPLATE
    try:
        call_command("migrate", verbosity=0, interactive=False)
    finally:
        connection.close()
        connection.settings_dict["NAME"] = name
    servers.administer(f"ALTER DATABASE {servers.TEMPLATE} IS_TEMPLATE true")


@pytest.fixture
def workers(transactional_db: None) -> Iterator[Workers]:
    """A hand that starts and stops real Celery processes on the test's database; none runs yet."""
    hand = Workers()
    servers.running()
    hand.empty_queues()
    yield hand
    hand.stop()


@pytest.fixture
def celery_workers(workers: Workers) -> Workers:
    """One real `celery worker` that takes from every queue. Mark the test `workers`."""
    workers.start()
    return workers


@pytest.fixture
def live_site(transactional_db: None) -> Iterator[Site]:
    """The site in a real web server on the test's database; `live_site.url` ends without a slash."""
    servers.running()
    site = Site()
    site.start()
    yield site
    site.stop()
