"""What a model is called before anybody gave it a name: the strongest source that says something."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from catalog.services.identity.known import NOTHING, Known, Name
from catalog.storage import hub
from catalog.storage.keys import stem
from catalog.vocabulary import NameSource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalog.models import Library
    from catalog.services.identity.reading import Reading

_UNNAMED = "unnamed"

RANK: Mapping[str, int] = {source.value: rank for rank, source in enumerate(NameSource)}
"""Smaller is stronger."""


def name_of(reading: Reading, library: Library, known: Known = NOTHING) -> Name:
    """The strongest of: what the program that keeps it calls it, the header's own title, the repository, the file."""
    path = bytes(reading.place.location.path)
    names = [known.name] if known.name is not None else []
    if reading.recognised.name:
        names.append(Name(reading.recognised.name, NameSource.HEADER))
    spot = hub.spot(os.path.join(bytes(library.path), path))
    if spot is not None:
        names.append(Name(spot.repository, NameSource.REPOSITORY))
    names.append(Name(stem(path, library=bytes(library.path)) or _UNNAMED, NameSource.FILE))
    return min(names, key=lambda name: RANK[name.source])
