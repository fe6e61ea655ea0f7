"""What a model is called before anybody gave it a name: the strongest source that says something."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from catalog.storage.keys import stem
from catalog.storage.values import shown
from catalog.vocabulary import NameSource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.models import Library
    from catalog.services.identity.reading import Reading

_REPOSITORY = b"models--"
_UNNAMED = "unnamed"

RANK: Mapping[str, int] = {source.value: rank for rank, source in enumerate(NameSource)}
"""Smaller is stronger."""


class Name(NamedTuple):
    """A name, and who says it."""

    text: str
    source: NameSource


def name_of(reading: Reading, library: Library, ollama: Mapping[bytes, tuple[str, ...]]) -> Name:
    """The header's own title, else the repository, else what Ollama calls the blob, else the name of the file."""
    path = bytes(reading.place.location.path)
    if reading.recognised.name:
        return Name(reading.recognised.name, NameSource.HEADER)
    repository = _repository(os.path.join(bytes(library.path), path))
    if repository:
        return Name(repository, NameSource.REPOSITORY)
    if path in ollama:
        return Name(ollama[path][0], NameSource.OLLAMA)
    return Name(stem(path, library=bytes(library.path)) or _UNNAMED, NameSource.FILE)


def _repository(path: bytes) -> str:
    """`owner/name` of a place in a cache of Hugging Face: `models--owner--name/snapshots/...`."""
    for part in reversed(path.split(b"/")):
        if part.startswith(_REPOSITORY):
            return shown(part[len(_REPOSITORY) :].replace(b"--", b"/", 1))
    return ""
