"""Files under a model's name that are something else: by magic numbers, and by what a text says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from catalog.formats.heads import Guess
from catalog.formats.text import clean_text
from catalog.vocabulary import Format

if TYPE_CHECKING:
    from catalog.formats.heads import Head

_MAGICS = (
    (0, b"%PDF-", "a PDF document"),
    (0, b"\x89PNG\r\n", "a picture (PNG)"),
    (0, b"\xff\xd8\xff", "a picture (JPEG)"),
    (0, b"GIF8", "a picture (GIF)"),
    (8, b"WEBP", "a picture (WebP)"),
    (0, b"8BPS", "a picture (Photoshop)"),
    (0, b"II*\0", "a picture (TIFF)"),
    (0, b"MM\0*", "a picture (TIFF)"),
    (4, b"ftypavif", "a picture (AVIF)"),
    (4, b"ftyphei", "a picture (HEIC)"),
    (4, b"ftyp", "a video (MP4)"),
    (0, b"\x1aE\xdf\xa3", "a video (Matroska or WebM)"),
    (8, b"AVI ", "a video (AVI)"),
    (8, b"WAVE", "a sound file (WAV)"),
    (0, b"ID3", "a sound file (MP3)"),
    (0, b"OggS", "a sound file (Ogg)"),
    (0, b"fLaC", "a sound file (FLAC)"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (0, b"Rar!\x1a\x07", "a RAR archive"),
    (0, b"\x1f\x8b\x08", "a gzip archive"),
    (0, b"BZh", "a bzip2 archive"),
    (0, b"\xfd7zXZ\0", "an xz archive"),
    (0, b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (0, b"\x04\x22\x4d\x18", "an LZ4 archive"),
    (0, b"MSCF\0\0\0\0", "a cabinet archive"),
    (257, b"ustar", "a tar archive"),
    (0, b"PK\x05\x06", "a zip archive with nothing in it"),
    (0, b"\x7fELF", "a program or library for Linux"),
    (0, b"\xcf\xfa\xed\xfe", "a program for macOS"),
    (0, b"SQLite format 3\0", "a database (SQLite)"),
    (0, b"PAR1", "a table of data (Parquet)"),
    (0, b"ARROW1\0\0", "a table of data (Arrow)"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Office document"),
)
_TORRENT = re.compile(rb"d\d{1,2}:(announce|azureus_properties|comment|created by|creation date|encoding|info|nodes)")
_TITLE = re.compile(rb"<title[^<>]{0,200}>([^<]{1,200})</title", re.IGNORECASE)
_SIGN_IN = re.compile(rb"log ?in|sign ?in|password", re.IGNORECASE)
_PYTHON = re.compile(rb"#!.{0,60}python|(?:^|\n)(?:import|from) [A-Za-z_][\w.]*|(?:^|\n)(?:def|class) \w+[(:]")
_ERROR_KEYS = re.compile(rb'\{\s*"(?:error|errors|message|detail|code|status|statuscode|success)"', re.IGNORECASE)
_ERROR_TEXTS = (
    b"entry not found", b"not found", b"404", b"403", b"401", b"forbidden", b"unauthorized", b"access denied",
    b"access to model", b"invalid username or password", b"repository not found", b"invalid credentials",
    b"internal server error", b"bad gateway", b"service unavailable", b"too many requests", b"error",
)  # fmt: skip
_README = re.compile(rb"---\s*\n(?:[^\n]*\n){0,40}(?:license|tags|language|base_model|pipeline_tag):|#+ \S")
_HEADERLESS = (b".bin", b".index")
"""Suffixes of formats that are numbers from the first byte on, and so may begin with zeros; so may bare names."""

_ZEROS = bytes(64)
_LONGEST_ERROR = 2000


def recognise(head: Head) -> Guess | None:
    """What the file is instead of a model."""
    for at, magic, what in _MAGICS:
        if head.start.startswith(magic, at):
            return Guess(Format.OTHER, no_model=what)
    what = _program(head) or _zeros(head) or _text(head)
    return Guess(Format.OTHER, no_model=what) if what else None


def _program(head: Head) -> str:
    """DOS and Windows: the old header says where the new one is."""
    if not head.start.startswith(b"MZ"):
        return ""
    at = head.u32(60)
    return "a program or library for Windows" if head.start[at : at + 4] == b"PE\0\0" or head.size < 4096 else ""


def _zeros(head: Head) -> str:
    headerless = head.suffix in _HEADERLESS or not head.suffix or b"-of-" in head.suffix
    begin = head.start if headerless and len(head.start) > len(_ZEROS) else head.start[: len(_ZEROS)]
    if len(begin) < len(_ZEROS) or any(begin):
        return ""
    return "a file that begins with zeros, most likely a download that never finished"


def _text(head: Head) -> str:
    start = head.start.lstrip(b"\xef\xbb\xbf \t\r\n")
    lower = start[:64].lower()
    if lower.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer, not the file that it stands for"
    if lower.startswith((b"<!doctype html", b"<html", b"<head", b"<!-- ")):
        return _page(start)
    if lower.startswith((b"<?xml", b"<error")):
        return _xml(start)
    if _TORRENT.match(start):
        return "a torrent, which says where to fetch the file that it stands for"
    if not _is_text(head.start):
        return ""
    return _json(start) if start[:1] in {b"{", b"["} else _plain(start, lower, head.size)


def _page(start: bytes) -> str:
    found = _TITLE.search(start)
    title = clean_text(" ".join(found[1].decode(errors="replace").split()), 80) if found else ""
    kind = "a web page that asks to sign in" if _SIGN_IN.search(start) else "a web page"
    return f"{kind} (“{title}”)" if title else kind


def _xml(start: bytes) -> str:
    if b"<error" in start.lower():
        return "an XML document, the error message of a download server"
    if b"<svg" in start:
        return "a picture (SVG)"
    return "an XML document, often an error message of a download server"


def _json(start: bytes) -> str:
    if _ERROR_KEYS.match(start):
        return "an error message of a download server (JSON)"
    return "a JSON document"


def _plain(start: bytes, lower: bytes, size: int) -> str:
    if size < _LONGEST_ERROR and lower.startswith(_ERROR_TEXTS):
        return f"an error message of a download server (“{clean_text(start[:60].decode(errors='replace').strip())}”)"
    if _PYTHON.match(start) or (start.startswith((b'"""', b"#")) and _PYTHON.search(start)):
        return "a Python script"
    if start.startswith(b"#!"):
        return "a script"
    return "a README" if _README.match(start) else "a plain text"


def _is_text(start: bytes) -> bool:
    """UTF-8 without control characters, or UTF-16 with its mark; the last character may be cut."""
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return len(start) > 16 and 0.3 < start.count(0) / len(start) < 0.6
    try:
        text = start.decode()
    except UnicodeDecodeError as error:
        if error.start < len(start) - 3:
            return False
        text = start[: error.start].decode()
    return not any((letter < " " and letter not in "\t\n\r\f") or letter == "\x7f" for letter in text)
