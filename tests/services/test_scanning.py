"""A scan of real folders against a real database."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.models import Library, Location
from catalog.services import libraries, scanning

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.django_db


def put(folder: Path, name: str, content: bytes = b"weights") -> Path:
    """A file with its folders; its time is that of an hour ago."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, ns=(0, path.stat().st_mtime_ns - 3_600_000_000_000))
    return path


def test_a_second_scan_writes_nothing_but_a_stamp(tmp_path: Path) -> None:
    for number in range(30):
        put(tmp_path, f"{number // 10}/model-{number}.safetensors", b"x" * number)
    library = libraries.add(path=os.fsencode(tmp_path))
    first = scanning.scan(library_id=library.pk)
    assert first.new == 30

    with CaptureQueriesContext(connection, ) as statements:
        second = scanning.scan(library_id=library.pk)

    assert second.unchanged == 30
    assert len(statements) <= 5
    written = [one["sql"] for one in statements if not one["sql"].startswith("SELECT")]
    assert len(written) == 1
    assert "last_scan_at" in written[0]
