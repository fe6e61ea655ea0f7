"""Wrong settings are named before anything starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog import checks

if TYPE_CHECKING:
    import pytest


def test_a_misspelt_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISOTOPE_DATTA", "/somewhere")

    found = checks.names(None)

    assert [message.id for message in found if "ISOTOPE_DATTA" in message.msg] == ["catalog.W001"]


def test_known_settings_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ISOTOPE_HOSTS", "localhost")
    monkeypatch.setenv("ISOTOPE_SECRET_KEY_FILE", "/run/secrets/key")

    assert checks.names(None) == []
