"""A library folder for whoever has no other in mind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.identity.catalogue import add

if TYPE_CHECKING:
    from pathlib import Path

    from catalog.models import Library


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where its files lie."""
    return tmp_path / "models"


@pytest.fixture
def library(folder: Path) -> Library:
    """The library of that folder."""
    return add(folder)
