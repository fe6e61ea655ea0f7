"""ncnn: `.param` with the network as text, which begins with the number 7767517, and `.bin` with its numbers alone.

Definition: github.com/Tencent/ncnn/wiki/param-and-model-file-structure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.formats.heads import Guess
from catalog.vocabulary import Format

if TYPE_CHECKING:
    from catalog.formats.heads import Head

NUMBER = 7_767_517


def recognise(head: Head) -> Guess | None:
    """The network by its number, as text or as bytes; the numbers by their usual name."""
    if head.start.startswith((b"7767517\n", b"7767517\r\n", NUMBER.to_bytes(4, "little"))):
        return Guess(Format.NCNN, "ncnn network")
    return Guess(Format.NCNN) if head.name.endswith(b".ncnn.bin") else None
