"""Zip archives by what lies in them: models of several programs, pictures, or anything else.

A llamafile is a program for every system with an archive behind it that holds a GGUF (github.com/mozilla-ai/llamafile).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.formats import zip_names
from catalog.formats.heads import Guess, suffix_of
from catalog.formats.named import keras, numpy_arrays
from catalog.storage.values import shown
from catalog.vocabulary import Format

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.formats.heads import Head
    from catalog.formats.zip_names import Member

_PROGRAMS = (b"MZqFpD", b"jartsr='", b"\x7fELF")  # how such a program begins: on Windows too, on Unix only, and bare
_PICKLE = b"data.pkl"
_PICTURES = frozenset((b".png", b".jpg", b".jpeg", b".webp", b".gif", b".bmp", b".tif", b".tiff", b".avif"))


def in_program(head: Head) -> Guess | None:
    """A llamafile, or None for any other program."""
    if not head.start.startswith(_PROGRAMS):
        return None
    names = [member.name for member in zip_names.members(head.source) or () if member.name.endswith(b".gguf")]
    return Guess(Format.LLAMAFILE, facts={"contains": [shown(name) for name in names[:8]]}) if names else None


def recognise(head: Head) -> Guess | None:
    """What an archive is. `Format.PICKLE` for whatever PyTorch's reader might open."""
    if not head.start.startswith(zip_names.LOCAL):
        return None
    if b"/data.pkl" in head.start:
        return Guess(Format.PICKLE)
    members = zip_names.members(head.source)
    if members is None:
        return Guess(Format.OTHER, no_model="a zip archive that was cut off: the directory at its end is missing")
    if any(member.name.lower().endswith(_PICKLE) for member in members):  # PyTorch's reader does not mind the case
        return Guess(Format.PICKLE)
    return keras.recognise(head, members) or numpy_arrays.in_zip(members) or _by_suffixes(members)


def _by_suffixes(members: Sequence[Member]) -> Guess:
    files = [member for member in members if not member.name.endswith(b"/")]
    suffixes = {suffix_of(member.name) for member in files}
    if files and suffixes <= _PICTURES:
        return Guess(Format.OTHER, no_model=f"a zip archive of {len(files):,} pictures")
    if suffixes >= {b".tflite"} and len(files) <= 64:
        return Guess(Format.TFLITE, "MediaPipe task")
    largest = max(files, key=lambda member: member.size, default=None)
    if largest is None:
        return Guess(Format.OTHER, no_model="a zip archive with nothing in it")
    names = f"{len(files):,} files in it, the largest being" if len(files) > 1 else "one file in it,"
    return Guess(Format.OTHER, no_model=f"a zip archive with {names} {shown(largest.name)[:100]}")
