"""Keras's own archive (keras/src/saving/saving_lib.py): a zip of configuration and weights."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from catalog.formats import zip_names
from catalog.formats.heads import Guess
from catalog.formats.text import clean_text
from catalog.vocabulary import Format

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.formats.base import Json, Source
    from catalog.formats.heads import Head

CONFIG, METADATA, WEIGHTS = b"config.json", b"metadata.json", b"model.weights."
_MOST = 65_536
_TOLD = ("keras_version", "date_saved")


def recognise(head: Head, members: Sequence[zip_names.Member]) -> Guess | None:
    """Keras, by the three names that its writer gives."""
    by_name = {member.name: member for member in members}
    if CONFIG not in by_name or METADATA not in by_name or not any(name.startswith(WEIGHTS) for name in by_name):
        return None
    return Guess(Format.KERAS, facts=_facts(head.source, by_name[METADATA]))


def _facts(source: Source, member: zip_names.Member) -> dict[str, Json]:
    content = zip_names.content(source, member, _MOST)
    try:
        told = json.loads(content or b"{}")
    except (ValueError, RecursionError):
        return {}
    if not isinstance(told, dict):
        return {}
    return {key: clean_text(told[key], 100) for key in _TOLD if isinstance(told.get(key), str)}
