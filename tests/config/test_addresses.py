"""Addresses of servers, as people write them."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from environs import Env

from config.addresses import cache, celery_broker, database, secret
from config.embedded.places import broker_url, database_url


def test_a_database_is_named_as_an_url() -> None:
    found = database("postgresql://me:p%40ss@db.example:5433/isotope?sslmode=require")
    assert (found["NAME"], found["USER"], found["PASSWORD"]) == ("isotope", "me", "p@ss")
    assert (found["HOST"], found["PORT"]) == ("db.example", "5433")
    assert found["OPTIONS"]["sslmode"] == "require"


def test_a_database_is_named_as_libpq_writes_it() -> None:
    found = database("host=/run/postgresql dbname=isotope user=me")
    assert (found["HOST"], found["NAME"], found["USER"]) == ("/run/postgresql", "isotope", "me")


def test_the_password_of_the_address_comes_before_the_one_beside_it() -> None:
    assert database("postgresql://me@db/isotope", password="beside")["PASSWORD"] == "beside"
    assert database("postgresql://me:inside@db/isotope", password="beside")["PASSWORD"] == "inside"


def test_only_the_web_pools_its_connections() -> None:
    assert database("dbname=x", pooled=True)["OPTIONS"]["pool"] == {"min_size": 1, "max_size": 16, "timeout": 10.0}
    assert database("dbname=x", pooled=True)["CONN_MAX_AGE"] == 0
    assert "pool" not in database("dbname=x")["OPTIONS"]


def test_what_is_no_address_is_refused_without_repeating_it() -> None:
    with pytest.raises(ImproperlyConfigured) as refused:
        database("mysql://me:hidden@db/isotope")
    assert "hidden" not in str(refused.value)
    assert "postgresql://" in str(refused.value)


def test_our_own_socket_is_found_in_a_folder_with_any_name() -> None:
    sockets = Path("/run/a b/ü?#%41")
    assert database(database_url(sockets, "isotope"))["HOST"] == str(sockets)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("redis://valkey:6379/0", "redis://valkey:6379/1"),
        ("rediss://:secret@valkey/0", "rediss://:secret@valkey/1"),
        ("unix:///run/valkey.sock", "unix:///run/valkey.sock?db=1"),
        ("redis+socket:///run/valkey.sock", "unix:///run/valkey.sock?db=1"),
    ],
)
def test_the_cache_lies_beside_the_queue(given: str, wanted: str) -> None:
    assert cache(given)["LOCATION"] == wanted


def test_a_broker_of_another_sort_is_no_cache() -> None:
    assert cache("amqp://rabbit")["BACKEND"].endswith("LocMemCache")


def test_celery_reads_a_socket_in_its_own_words() -> None:
    assert celery_broker("unix:///run/valkey.sock") == "redis+socket:///run/valkey.sock"
    assert celery_broker("redis://valkey") == "redis://valkey"
    assert broker_url(Path("/run/valkey.sock")) == "redis+socket:///run/valkey.sock"


def test_a_secret_may_lie_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "secret").write_text("from the file\n")
    monkeypatch.setenv("THING_FILE", str(tmp_path / "secret"))
    assert secret(Env(), "THING") == "from the file"
    monkeypatch.setenv("THING", "given")
    assert secret(Env(), "THING") == "given"


def test_a_secret_in_a_file_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THING_FILE", "/nowhere")
    with pytest.raises(ImproperlyConfigured, match="THING_FILE names /nowhere"):
        secret(Env(), "THING")
