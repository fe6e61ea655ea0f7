"""What a file's own header says for people: version, licence, source, tags, trigger words.

Sources of the keys: ModelSpec (github.com/Stability-AI/ModelSpec) and GGUF's `general.*` (ggml, docs/gguf.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.services.identity.editing import LONGEST_TAG, MOST_TAGS
from catalog.services.identity.known import Known, one_line
from catalog.services.identity.listed import stated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalog.formats.base import Json, Probe

_LICENCES = ("modelspec.license", "general.license")
_SOURCES = ("general.source.url", "general.source.repo_url", "general.url", "general.repo_url")
_TAGS = ("modelspec.tags", "general.tags")
_WEB = ("https://", "http://")


def said(probe: Probe) -> Known:
    """Of a set, what the header of its first weight file says; no name and no digests, which others take from it."""
    return Known(
        version=_text(stated(probe, "general.version")),
        licence=next(filter(None, (_text(stated(probe, key)) for key in _LICENCES)), ""),
        source=next((text for key in _SOURCES if (text := _text(stated(probe, key))).startswith(_WEB)), ""),
        words=_words(stated(probe, "modelspec.trigger_phrase")),
        tags=tuple(dict.fromkeys(tag for key in _TAGS for tag in _words(stated(probe, key))))[:MOST_TAGS],
    )


def _text(value: Json) -> str:
    return one_line(value) if isinstance(value, str) else ""


def _words(value: Json) -> tuple[str, ...]:
    """A list, or a text with commas."""
    return tuple(dict.fromkeys(word for word in _parts(value) if word and len(word) <= LONGEST_TAG))[:MOST_TAGS]


def _parts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        value = list(value.split(","))
    if isinstance(value, list):
        yield from map(_text, value)
