"""What a file is, by its first bytes; its suffix speaks only where they say nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.vocabulary import Format

if TYPE_CHECKING:
    from catalog.formats.base import Source

HEAD = 512
"""Bytes looked at: enough for the magic number of a tar archive, at 257."""

_LONGEST_HEADER = 100_000_000  # of safetensors
_PICKLES = (b".ckpt", b".pt", b".pt2", b".pth", b".bin", b".pkl", b".safetensors", b".sft")

_MAGICS = (
    (0, b"\x89HDF\r\n\x1a\n", "HDF5"),
    (4, b"TFL3", "TensorFlow Lite"),
    (0, b"\x93NUMPY", "NumPy"),
    (0, b"7z\xbc\xaf\x27\x1c", "7-Zip archive"),
    (0, b"\x1f\x8b", "gzip archive"),
    (0, b"Rar!", "RAR archive"),
    (0, b"tjgg", "GGML before GGUF"),  # GGJT, in the order of its bytes
    (0, b"lmgg", "GGML before GGUF"),
    (0, b"PK\x03\x04", "zip archive"),
)
_NO_MODELS = (
    (b"version https://git-lfs", "a Git LFS pointer, not the file that it stands for"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"<?xml", "an XML document, often an error message of a download server"),
    (b"%pdf-", "a PDF document"),
    (b"\x89png\r\n", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b'{"error', "an error message of a download server"),
    (b"\0" * 64, "a file that begins with zeros, most likely a download that never finished"),
)


@dataclass(frozen=True, slots=True)
class Guess:
    """`format`, and a name for people where the format is only "other". `no_model` says what it is instead of one."""

    format: Format
    label: str = ""
    no_model: str = ""


def sniff(source: Source) -> Guess:
    """Read the first bytes and say which reader they are for. Reads at most `HEAD` bytes."""
    suffix = suffix_of(source.name)
    head = source.read_at(0, min(HEAD, source.size))
    if head.startswith(b"GGUF"):
        return Guess(Format.GGUF)
    if _looks_like_safetensors(head, suffix):
        return Guess(Format.SAFETENSORS)
    if _looks_like_pickle(head, suffix):
        return Guess(Format.PICKLE)
    start = head[:64].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for magic, what in _NO_MODELS:
        if start.startswith(magic):
            return Guess(_by_suffix(suffix), no_model=what)
    for offset, magic, label in _MAGICS:
        if head[offset:].startswith(magic):
            return Guess(Format.OTHER, label)
    return Guess(_by_suffix(suffix), suffix[1:].decode("ascii", "replace").upper() or "no known suffix")


def suffix_of(name: bytes) -> bytes:
    """The lower-case suffix with its dot; empty where there is none."""
    stem, dot, suffix = name.rpartition(b"/")[2].rpartition(b".")
    return dot + suffix.lower() if stem else b""


def _looks_like_safetensors(head: bytes, suffix: bytes) -> bool:
    """A header length that is possible and a brace after it; the brace is enough where the suffix says so too."""
    length = int.from_bytes(head[:8], "little")
    return head[8:9] == b"{" and (2 <= length <= _LONGEST_HEADER or suffix in {b".safetensors", b".sft"})


def _looks_like_pickle(head: bytes, suffix: bytes) -> bool:
    """PyTorch's zip (its members lie in a folder beside `data.pkl`), its older bare pickle, or its oldest tar."""
    if head.startswith(b"PK\x03\x04"):
        return suffix in _PICKLES or b"/data.pkl" in head or b"/data/" in head
    if head[257:262] == b"ustar":
        return suffix in _PICKLES
    return head[:1] == b"\x80" and head[1:2] in {b"\x01", b"\x02", b"\x03", b"\x04", b"\x05"}


def _by_suffix(suffix: bytes) -> Format:
    if suffix in {b".safetensors", b".sft"}:
        return Format.SAFETENSORS
    return {b".gguf": Format.GGUF, b".onnx": Format.ONNX}.get(suffix, Format.OTHER)
