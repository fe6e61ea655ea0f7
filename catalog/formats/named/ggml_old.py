"""ggml's files before GGUF: a magic number, then the sizes of the model, with no names for them.

The numbers were in llama.cpp's llama.h until August 2023; whisper.cpp still writes the first of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.formats.heads import Guess
from catalog.vocabulary import Format

if TYPE_CHECKING:
    from catalog.formats.heads import Head

MAGICS = {b"lmgg": "ggml", b"fmgg": "ggmf", b"tjgg": "ggjt", b"algg": "ggla", b"nsgg": "ggsn"}
"""The magic number in the order of its bytes -> its name."""

_UNVERSIONED = "ggml"
_WHISPER_WORDS = range(51_864, 51_867)  # whisper.cpp: the vocabulary of each of OpenAI's models
_STATE = "ggsn"  # a saved session, not weights


def recognise(head: Head) -> Guess | None:
    """By the magic number; the version is what follows in all but the first kind."""
    kind = MAGICS.get(head.start[:4])
    if kind is None or head.size < 8:
        return None
    if kind == _STATE:
        return Guess(Format.GGML, no_model="a saved session of llama.cpp")
    if kind != _UNVERSIONED:
        return Guess(Format.GGML, facts={"container": kind, "version": head.u32(4)})
    if head.u32(4) in _WHISPER_WORDS:
        return Guess(Format.GGML, "GGML of whisper.cpp", facts={"container": kind, "words": head.u32(4)})
    return Guess(Format.GGML, facts={"container": kind})
