"""What other programs wrote beside models: one file for each kind of note, all of one shape.

A database is no file that is read at once, so `a1111_database` stands beside them: it is given rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from catalog.sidecars import (
    a1111_cache,
    a1111_database,
    api_info,
    civitai_info,
    lora_manager,
    model_card,
    sha256,
    stability_matrix,
    triggers,
    user_metadata,
)
from catalog.sidecars.base import Cached, Named, Stated, StatedFile, Told
from catalog.vocabulary import NoteKind

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SIDECARS", "Cached", "Named", "Sidecar", "Stated", "StatedFile", "Told", "a1111_database", "sidecar"]

_JSON, _CACHE = 4 << 20, 32 << 20


class Sidecar(NamedTuple):
    """A kind of note: how it is read, and how many bytes of it at most. `read` never raises."""

    kind: NoteKind
    read: Callable[[bytes], Told]
    largest: int


SIDECARS = (
    Sidecar(NoteKind.CIVITAI_INFO, civitai_info.read, _JSON),
    Sidecar(NoteKind.LORA_MANAGER, lora_manager.read, _JSON),
    Sidecar(NoteKind.STABILITY_MATRIX, stability_matrix.read, _JSON),
    Sidecar(NoteKind.API_INFO, api_info.read, _JSON),
    Sidecar(NoteKind.USER_METADATA, user_metadata.read, _JSON),
    Sidecar(NoteKind.MODEL_CARD, model_card.read, _JSON),
    Sidecar(NoteKind.TRIGGERS, triggers.read, _JSON),
    Sidecar(NoteKind.SHA256, sha256.read, _JSON),
    Sidecar(NoteKind.A1111_CACHE, a1111_cache.read, _CACHE),
)


def sidecar(kind: str) -> Sidecar | None:
    """The reader of a kind; None for a picture, and for a kind of a newer release."""
    return next((one for one in SIDECARS if one.kind == kind), None)
