"""CTranslate2's `model.bin` (python/ctranslate2/specs/model_spec.py): versions, a name, variables.

A text is a u16 length, its closing zero included, and the bytes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from catalog.formats.heads import Guess
from catalog.vocabulary import Format

if TYPE_CHECKING:
    from catalog.formats.base import Json
    from catalog.formats.heads import Head

_NEWEST = 20  # the version of the container was 6 in 2025; before 2 it named no specification
_SPEC = re.compile(rb"[A-Z][A-Za-z0-9]{2,60}")


def recognise(head: Head) -> Guess | None:
    """By the name of its specification, such as `WhisperSpec`."""
    version, length = head.u32(), int.from_bytes(head.start[4:6], "little")
    if not 2 <= version <= _NEWEST or not 4 <= length <= 62:
        return None
    name, rest = head.start[6 : 6 + length - 1], head.start[6 + length - 1 :]
    if not _SPEC.fullmatch(name) or len(rest) < 9 or rest[0] != 0:
        return None
    variables = int.from_bytes(rest[5:9], "little")
    revision = int.from_bytes(rest[1:5], "little")
    if not 0 < revision < 1000 or not 0 < variables < 1_000_000:
        return None
    facts: dict[str, Json] = {"version": version, "specification": name.decode(), "revision": revision}
    return Guess(Format.CTRANSLATE2, facts={**facts, "variables": variables})
