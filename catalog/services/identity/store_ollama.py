"""What the manifests of Ollama say of the blobs among some places."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from catalog.services.identity.known import Known, Name, one_line
from catalog.storage.manifests import licence_line, used_blobs
from catalog.vocabulary import NameSource

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from catalog.services.identity.places import Place
    from catalog.storage.manifests import Use
    from catalog.storage.root import Root

_BLOBS = b"blobs"
_MODEL = "model"
_LONGEST_LICENCE = 100
"""A longer first line is no title."""
_ON_HUGGING_FACE = frozenset(("hf.co", "huggingface.co"))


def of_places(root: Root, places: Sequence[Place]) -> Mapping[int, Known]:
    """By the number of the location."""
    paths = {place.id: bytes(place.location.path) for place in places}
    stores = {os.path.dirname(folder) for folder in map(os.path.dirname, paths.values()) if _is_blobs(folder)}
    uses: dict[bytes, tuple[Use, ...]] = {}
    for store in stores:
        uses |= used_blobs(root, store)
    return {number: _known(root, uses[path]) for number, path in paths.items() if path in uses}


def _is_blobs(folder: bytes) -> bool:
    return os.path.basename(folder) == _BLOBS


def _known(root: Root, uses: Sequence[Use]) -> Known:
    """Of several models that use one blob the first names it: of Ollama's own registry, and as their model."""
    first = min(uses, key=lambda use: (use.role != _MODEL, not use.at_home, use.title))
    role = "" if first.role == _MODEL else f" ({first.role})"
    return Known(
        name=Name(one_line(first.title + role), NameSource.OLLAMA),
        ids=tuple(pair for use in uses for pair in _ids(use)),
        source=one_line(first.page),
        licence=_licence(root, first),
    )


def _ids(use: Use) -> list[tuple[str, str]]:
    ids = [("ollama", one_line(use.title))]
    if use.role == _MODEL:
        ids.append(("ollama-id", use.manifest))
    if use.registry in _ON_HUGGING_FACE:
        ids.append(("hf", one_line(f"{use.namespace}/{use.model}")))
    return ids


def _licence(root: Root, use: Use) -> str:
    """The title of the text, where it has one."""
    if not use.licence or use.role != _MODEL:
        return ""
    line = licence_line(root, use.licence)
    return one_line(line) if len(line) <= _LONGEST_LICENCE else ""
