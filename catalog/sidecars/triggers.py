"""`<stem>.txt`: trigger words, as some programs keep them: one line, or a few, of words with commas between.

Source: ComfyUI-Custom-Scripts (pysssss) and rgthree-comfy show such a file beside a LoRA. A text file may be anything
(a licence, a caption of a training picture), so only a short one that looks like words is taken.
"""

from __future__ import annotations

from catalog.sidecars.base import Told, once

_LARGEST = 2000
_MOST_LINES = 12
_LONGEST_WORD = 120
_MOST_IN_A_WORD = 8


def read(raw: bytes) -> Told:
    """The words; nothing when the file looks like prose."""
    if len(raw) > _LARGEST:
        return Told()
    try:
        lines = [line.strip() for line in raw.decode("utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError:
        return Told()
    words = [" ".join(word.split()) for line in lines for word in line.split(",")]
    if len(lines) > _MOST_LINES or any(not _plausible(word) for word in words if word):
        return Told()
    return Told(trigger_words=once(words))


def _plausible(word: str) -> bool:
    """Short, no sentence, no address, no markup."""
    if len(word) > _LONGEST_WORD or len(word.split()) > _MOST_IN_A_WORD or not word.isprintable():
        return False
    return not word.endswith((".", ":", "!", "?")) and "://" not in word and not any(mark in word for mark in '<>{}="')
