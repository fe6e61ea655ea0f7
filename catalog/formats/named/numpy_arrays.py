"""NumPy's arrays (numpy/lib/format.py): `.npy` is one, `.npz` a zip of several, as MLX also writes them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from catalog.formats.heads import Guess
from catalog.vocabulary import Format

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.formats.heads import Head
    from catalog.formats.zip_names import Member

MAGIC = b"\x93NUMPY"

_DTYPE = re.compile(rb"'descr': '([<>|=]?[A-Za-z][0-9]{0,4})'")
_SHAPE = re.compile(rb"'shape': \(([0-9, ]{0,400})\)")


def recognise(head: Head) -> Guess | None:
    """One array; its dtype and shape stand in the header."""
    if not head.start.startswith(MAGIC):
        return None
    dtype, shape = _DTYPE.search(head.start, 0, 512), _SHAPE.search(head.start, 0, 1024)
    if dtype is None or shape is None:
        return Guess(Format.NUMPY)
    lengths = [int(length) for length in re.findall(rb"[0-9]{1,18}", shape[1])]
    return Guess(Format.NUMPY, facts={"dtype": dtype[1].decode(), "shape": [*lengths]})


def in_zip(members: Sequence[Member]) -> Guess | None:
    """An archive of arrays only."""
    if all(member.name.endswith(b".npy") for member in members):
        return Guess(Format.NUMPY, facts={"arrays": len(members)})
    return None
