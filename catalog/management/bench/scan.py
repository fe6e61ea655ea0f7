"""A scan beside `find -printf`, on a tree of `size` small models with half as many files beside them.

Where a database answers, a whole scan of the unchanged tree is measured too. It stands in one transaction that is
rolled back, so that no catalogue sees it.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

from django.db import Error, connection, transaction

from catalog.formats.sets import partition
from catalog.management.bench.measuring import Row, compare, tool
from catalog.services import libraries, scanning
from catalog.storage.root import Root
from catalog.storage.walk import walk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DEFAULT_SIZE = 10_000

_IN_A_FOLDER = 100
_BESIDE = (".preview.png", ".json")


def run(*, size: int, rounds: int, folder: Path) -> list[Row]:
    """Make `size` files below `folder`, measure, remove them. Nothing is opened but folders."""
    tree = folder / "bench-scan"
    made = _make(tree, size)
    try:
        with ExitStack() as stack:
            cases = _cases(tree)
            rescan = _rescan(tree, stack)
            if rescan is not None:
                cases["isotope, scan of an unchanged library"] = rescan
            return compare(cases, rounds)
    finally:
        for path in made:
            path.unlink(missing_ok=True)
        for place in [*{path.parent for path in made}, tree]:
            place.rmdir()


def _cases(tree: Path) -> dict[str, Callable[[], object]]:
    place = os.fsencode(tree)
    return {
        "find -printf": tool("find", os.fspath(tree), "-printf", "%p %s %T@ %C@ %i\\n"),
        "os.walk and os.stat": lambda: _plain_walk(place),
        "isotope, walk": lambda: _walk(place),
        "isotope, walk and sets": lambda: _walk_and_sets(place),
    }


def _rescan(tree: Path, stack: ExitStack) -> Callable[[], object] | None:
    """A scan of the tree, which is known already; None where no database with our tables answers."""
    try:
        tables = connection.introspection.table_names()
    except Error:
        return None
    if "catalog_location" not in tables:
        return None
    stack.enter_context(transaction.atomic())
    stack.callback(transaction.set_rollback, True)  # noqa: FBT003 - Django's own signature
    library = libraries.add(path=os.fsencode(tree))
    scanning.scan(library_id=library.pk)
    return lambda: scanning.scan(library_id=library.pk)


def _walk(place: bytes) -> None:
    with Root(place) as root:
        walk(root)


def _walk_and_sets(place: bytes) -> None:
    with Root(place) as root:
        found = walk(root)
    partition(found.entries, found.twins)


def _plain_walk(place: bytes) -> None:
    """What a script does."""
    for folder, _, names in os.walk(place):
        for name in names:
            os.stat(os.path.join(folder, name))


def _make(tree: Path, count: int) -> list[Path]:
    made: list[Path] = []
    for number in range(count):
        place = tree / f"folder-{number // _IN_A_FOLDER:04}"
        if number % _IN_A_FOLDER == 0:
            place.mkdir(parents=True)
        made.append(place / f"model-{number:06}.safetensors")
        if number % 2 == 0:
            made.append(place / f"model-{number:06}{_BESIDE[number // 2 % 2]}")
    for path in made:
        path.write_bytes(path.name.encode())
    return made
