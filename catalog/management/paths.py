"""What a person writes for a place: a file, a folder, or one set of a folder."""

from __future__ import annotations

import os

from catalog.errors import PathRefused
from catalog.formats.sets import parse_printed


def path_and_set(text: str) -> tuple[bytes, str]:
    """The path, and of `PATH#SET` the name of the set, else "". Raises `PathRefused` when nothing is there.

    A path that exists as it is written is that path, whatever its name holds.
    """
    path, set_name = os.fsencode(text), ""
    if not os.path.lexists(path):
        path, set_name = parse_printed(text)
    if not os.path.lexists(path):
        raise PathRefused(f"There is nothing at {text}. Check the path.")
    return path, set_name
