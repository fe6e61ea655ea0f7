"""NumPy's arrays (numpy/lib/format.py): `.npy` is one, `.npz` a zip of several, as MLX also writes them."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from catalog.formats.heads import Guess
from catalog.vocabulary import Format

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.formats.base import Json
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
    if dtype[1] == b"|O":
        return Guess(Format.NUMPY, "NumPy array of Python objects, which are a pickle")
    lengths = [int(length) for length in re.findall(rb"[0-9]{1,18}", shape[1])]
    facts: dict[str, Json] = {"dtype": dtype[1].decode(), "shape": [*lengths]}
    width = int(re.sub(rb"[^0-9]", b"", dtype[1]) or b"0") * (4 if b"U" in dtype[1] else 1)
    return Guess(Format.NUMPY, facts=facts, promised=_body(head.start) + math.prod(lengths) * width)


def _body(start: bytes) -> int:
    """Where the numbers begin: behind the header, whose length has four bytes since version 2."""
    wide = start[6] > 1
    return 8 + (4 if wide else 2) + int.from_bytes(start[8:12] if wide else start[8:10], "little")


def in_zip(members: Sequence[Member]) -> Guess | None:
    """An archive of arrays only."""
    if all(member.name.endswith(b".npy") for member in members):
        return Guess(Format.NUMPY, facts={"arrays": len(members)})
    return None
