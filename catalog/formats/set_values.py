"""Sets of files, as values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.vocabulary import FileRole, Format

if TYPE_CHECKING:
    from catalog.storage.values import Entry


@dataclass(frozen=True, slots=True)
class SetFile:
    """One file of a set. `name` is relative to the set's folder, `/` between parts, raw bytes."""

    name: bytes
    role: FileRole
    entry: Entry


@dataclass(frozen=True, slots=True)
class FileSet:
    """The files of one variant at one place.

    `path` is the folder of a diffusers or transformers model, the first shard of a loose shard set (there or not),
    else the file; relative to the library, so `b""` is the library's folder itself. `set` is container and dtype suffix
    (`safetensors:fp16`), empty for a file by itself. `files` are in the order of their names. `missing` names the
    shards that are not there, at most a hundred of each kind of shard.
    """

    path: bytes
    set: str
    folder: bytes
    format_hint: Format
    files: tuple[SetFile, ...]
    missing: tuple[bytes, ...] = ()

    @property
    def single(self) -> bool:
        """One loose file."""
        return not self.set

    @property
    def weights(self) -> tuple[SetFile, ...]:
        """The files with tensors."""
        return tuple(file for file in self.files if file.role is FileRole.WEIGHTS)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.entry.snapshot.size for file in self.files)
