"""Under which names the machine is reached."""

from __future__ import annotations

import socket

from config import hosts

ANYWHERE = hosts.ANY[0]


def test_listening_everywhere_shows_and_allows_each_address() -> None:
    shown = hosts.urls(ANYWHERE, 8000, contained=False)
    assert shown[-1] == "http://127.0.0.1:8000/"
    assert {url.split("/")[2].removesuffix(":8000") for url in shown} <= set(hosts.allowed(ANYWHERE, []))
    assert socket.gethostname() in hosts.allowed(ANYWHERE, [])


def test_listening_for_this_machine_alone_allows_no_more_than_that() -> None:
    assert hosts.allowed("127.0.0.1", ["localhost", "127.0.0.1"]) == ["localhost", "127.0.0.1"]
    assert hosts.urls("127.0.0.1", 80, contained=False) == ["http://127.0.0.1:80/"]


def test_an_address_of_the_sixth_version_is_written_in_brackets() -> None:
    assert hosts.urls("::1", 8000, contained=False) == ["http://[::1]:8000/"]
    assert hosts.allowed("::1", []) == ["[::1]"]


def test_a_container_shows_the_address_that_is_of_use_outside() -> None:
    assert hosts.urls(ANYWHERE, 8000, contained=True) == ["http://localhost:8000/"]


def test_names_that_were_configured_stay_allowed() -> None:
    assert hosts.allowed(ANYWHERE, ["nas.local"])[0] == "nas.local"
