"""What a file is, by its first bytes; its suffix speaks only where they say nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.formats import named, onnx_sniffing, zip_names
from catalog.formats.heads import HEAD, Guess, Head, suffix_of
from catalog.vocabulary import Format

if TYPE_CHECKING:
    from catalog.formats.base import Source

__all__ = ["HEAD", "Guess", "sniff", "suffix_of"]

_LONGEST_HEADER = 100_000_000  # of safetensors
_SAFETENSORS = frozenset((b".safetensors", b".sft"))
_PICKLES = frozenset((b".ckpt", b".pt", b".pt2", b".pth", b".bin", b".pkl", b".pickle", *_SAFETENSORS))
_ZIPPED = _PICKLES | {b"", b".jit", b".ptl", b".torchscript", b".model"}
_PROTOCOLS = tuple(b"\x80" + bytes((number,)) for number in range(1, 6))
_IN_TAR = (b"sys_info\0", b"pickle\0", b"storages\0", b"tensors\0")
"""Members of PyTorch's oldest archive (torch/serialization.py, `legacy_load`)."""


def sniff(source: Source) -> Guess:
    """What a file is, and so which reader it is for, from its first bytes and, of an archive, its directory."""
    head = Head.of(source)
    if head.start.startswith(b"GGUF"):
        return Guess(Format.GGUF)
    if _looks_like_safetensors(head):
        return Guess(Format.SAFETENSORS)
    if _looks_like_pickle(head):
        return Guess(Format.PICKLE)
    guess = onnx_sniffing.recognise(head) or named.recognise(head)
    if guess is None:
        return _by_suffix(head)
    if not guess.no_model:
        return guess
    return Guess(_promised(head.suffix), no_model=guess.no_model)


def _looks_like_safetensors(head: Head) -> bool:
    """A header length that is possible and a brace after it; the brace is enough where the suffix says so too."""
    length = int.from_bytes(head.start[:8], "little")
    return head.start[8:9] == b"{" and (2 <= length <= _LONGEST_HEADER or head.suffix in _SAFETENSORS)


def _looks_like_pickle(head: Head) -> bool:
    """PyTorch's zip (its members lie in a folder beside `data.pkl`), its older bare pickle, or its oldest tar."""
    if head.start.startswith(zip_names.LOCAL):
        return b"/data.pkl" in head.start or _has_pickle(head)
    if head.start.startswith(b"ustar", 257):
        return head.suffix in _PICKLES or head.start.startswith(_IN_TAR)
    return head.start.startswith(_PROTOCOLS)


def _has_pickle(head: Head) -> bool:
    """Whether a zip has PyTorch's pickle further behind, or has no directory that says so under its suffix."""
    if head.suffix not in _ZIPPED:
        return False
    members = zip_names.members(head.source)
    return members is None or any(member.name.endswith(b"/data.pkl") for member in members)


def _by_suffix(head: Head) -> Guess:
    promised = _promised(head.suffix)
    if promised is Format.OTHER:
        guess = named.by_suffix(head.suffix)
        if guess is not None:
            return guess
    return Guess(promised, head.suffix[1:].decode("ascii", "replace").upper() or "no known suffix")


def _promised(suffix: bytes) -> Format:
    """The format of a file whose bytes do not tell it."""
    if suffix in _SAFETENSORS:
        return Format.SAFETENSORS
    return {b".gguf": Format.GGUF, b".onnx": Format.ONNX}.get(suffix, Format.OTHER)
