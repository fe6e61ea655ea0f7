"""The notes that a walk meets beside the models of each folder: which of the files that it passes by are notes."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from catalog.storage.beside import (
    CACHE,
    CACHE_FOLDER,
    CONFIGURED,
    DATABASES,
    MODELS_FOLDER,
    Beside,
    is_revision,
    match,
)
from catalog.storage.values import Entry, Snapshot
from catalog.vocabulary import NoteKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.storage.patterns import Patterns
    from catalog.storage.root import Root


class Neighbours:
    """Of the folder that is being sorted, `near` is what was passed by and `folders` are those in it, by name; `notes`
    are those of all folders so far.
    """

    def __init__(self, root: Root, exclude: Patterns) -> None:
        self._root, self._exclude = root, exclude
        self.near: list[os.DirEntry[str]] = []
        self.folders: list[str] = []
        self.notes: list[Beside] = []

    def start(self) -> list[os.DirEntry[str]]:
        """Another folder; the list that `near` is from now on."""
        self.near, self.folders = [], []
        return self.near

    def of_folder(self, found: Sequence[os.DirEntry[str]], prefix: bytes, weights: Sequence[str]) -> int:
        """Of a folder with these names and files with weights, the notes among `near`. Returns how many."""
        is_model = not CONFIGURED.isdisjoint([item.name for item in found])
        itself = os.fsdecode(os.path.basename(prefix[:-1])) if is_model else None
        carded = is_revision(os.path.join(self._root.real, prefix[:-1]))
        return self._take(prefix, weights, self.folders, itself=itself, carded=carded)

    def of_files(self, weights: Sequence[str]) -> None:
        """About files of the library's own folder that were taken by themselves: nothing else there is looked at."""
        with suppress(OSError):
            descriptor = self._root.folder(b"")
            try:
                with os.scandir(descriptor) as listed:
                    files = [item for item in listed if item.is_file(follow_symlinks=False)]
                self.near = [item for item in files if item.name != CACHE]
                self._take(b"", weights, (), itself=None, carded=False)
            finally:
                os.close(descriptor)

    def databases(self, prefix: bytes) -> None:
        """The caches of a program that keeps them beside its models; their folder is not entered."""
        if CACHE_FOLDER in self.folders and MODELS_FOLDER in self.folders:
            for name in DATABASES:
                with suppress(OSError):
                    entry = Entry(prefix + name, self._root.look(prefix + name))
                    self.notes.append(Beside(entry, NoteKind.A1111_DATABASE, prefix[:-1]))

    def _take(
        self, prefix: bytes, weights: Sequence[str], folders: Sequence[str], *, itself: str | None, carded: bool
    ) -> int:
        items = {item.name: item for item in self.near}
        before = len(self.notes)
        for name, kind, owner in match(items, weights=weights, folders=folders, itself=itself, carded=carded):
            path = prefix + os.fsencode(name)
            if self._exclude and self._exclude.verdict(path):
                continue
            try:
                now = self._root.look(path) if items[name].is_symlink() else Snapshot.of(items[name].stat())
            except OSError:
                continue
            self.notes.append(Beside(Entry(path, now), kind, prefix + os.fsencode(owner) if owner else prefix[:-1]))
        return len(self.notes) - before
