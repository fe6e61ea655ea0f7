"""Real files, opened as the storage room opens them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeAlias

import pytest

from catalog.storage.root import open_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from catalog.storage.files import OpenFile

Opener: TypeAlias = "Callable[[bytes], OpenFile]"


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opener]:
    """Writes bytes into a file and opens it; called again, it writes the next file."""
    files: list[OpenFile] = []

    def write(data: bytes) -> OpenFile:
        path = tmp_path / f"model-{len(files)}.safetensors"
        path.write_bytes(data)
        files.append(open_path(os.fsencode(path)))
        return files[-1]

    yield write
    for file in files:
        file.close()
