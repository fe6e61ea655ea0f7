"""Bytes as sources, and dictionaries as folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.formats.base import SetMember, SetSource, truncated
from catalog.vocabulary import FileRole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class MemorySource:
    """A `Source` over bytes. `size` may be claimed larger than the bytes: reading there gives zeros (a sparse file)."""

    def __init__(self, content: bytes, name: bytes = b"model.safetensors", size: int | None = None) -> None:
        self.name = name
        self.size = len(content) if size is None else size
        self.bytes_read = 0
        self._content = content

    def read_at(self, offset: int, length: int) -> bytes:
        if offset + length > self.size:
            raise truncated(offset + length, self.size)
        self.bytes_read += length
        return self._content[offset : offset + length].ljust(length, b"\0")


def set_source(files: Mapping[str, bytes]) -> SetSource:
    """A weight set of these files, their roles told from their names."""
    members = (
        SetMember(name.encode(), _role(name), MemorySource(content, name.encode())) for name, content in files.items()
    )
    return SetSource(tuple(members))


def write_tree(folder: Path, files: Mapping[str, bytes]) -> Path:
    """The files below `folder`, which is returned."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def _role(name: str) -> FileRole:
    last = name.rpartition("/")[2]
    if last.endswith(".index.json"):
        return FileRole.INDEX
    if last.startswith(("tokenizer", "vocab", "merges")):
        return FileRole.TOKENIZER
    return FileRole.CONFIG if last.endswith(".json") else FileRole.WEIGHTS
