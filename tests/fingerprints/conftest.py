"""Tests of this room see the compiled loops, as a worker does that has counted some values."""

from __future__ import annotations

import pytest

from catalog.fingerprints import kernels


@pytest.fixture(autouse=True)
def _compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels._Spent, "values", kernels._PATIENCE + 1)
