"""Listing folders and sorting what is in them by name. This is the part of a scan whose time counts."""

from __future__ import annotations

import errno
import os
import sys
from collections import Counter
from contextlib import suppress
from itertools import pairwise
from typing import TYPE_CHECKING

from catalog.errors import LibraryOffline
from catalog.storage.beside import MAYBE_CONFIG
from catalog.storage.described import is_wanted
from catalog.storage.names import (
    LAYOUT_FOLDERS,
    MARKING_FOLDERS,
    MARKS,
    NOISE,
    PARTIAL,
    STATE_SUFFIXES,
    data_of,
    data_owners,
    is_companion,
    is_pruned,
    is_training_state,
    suffix_of,
)
from catalog.storage.neighbours import Neighbours
from catalog.storage.trouble import reason, species
from catalog.storage.values import Entry, Snapshot, shown
from catalog.vocabulary import SkipReason

if TYPE_CHECKING:
    from collections.abc import Callable

    from catalog.storage.patterns import Patterns
    from catalog.storage.root import Root

_ENCODING = sys.getfilesystemencoding()
_PLAIN_NOISE = NOISE - {".json", ".txt", ".jinja"}  # those may be the configuration or tokenizer of a model
_MOST_MARKS = 10_000
_ENVIRONMENT_MARKS = ("pyvenv.cfg", "conda-meta")
_GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})  # removed, or replaced, since its name was read


class Listing:
    """What was found so far; `Walk` says what each list means.

    `links`: symbolic links that may lead to a model or a folder -> whether the name is that of a model or companion.
    `unfinished`: paths that a note of aria2 lies beside. `stores`: folders with `manifests` and `blobs` in them.
    `passed_by`: files without a suffix, which a link or a manifest may yet turn out to name. `neighbours`: what
    other programs put beside the models. `marks`: files and folders that tell whose folder they lie in.
    """

    def __init__(
        self, *, root: Root, weights: frozenset[str], nested: frozenset[bytes], include: Patterns, exclude: Patterns
    ) -> None:
        self._root, self._weights, self._nested = root, weights, nested
        self._include, self._exclude = include, exclude
        self._top = os.fsdecode(os.path.basename(root.real)).lower()
        self._has_patterns = bool(include or exclude)
        self._pending: list[tuple[bytes, bool]] = []
        self._here: list[os.DirEntry[str]] = []
        self._owners: frozenset[str] | None = None
        self._below = b""
        self.neighbours = Neighbours(root, exclude)
        self.entries: list[Entry] = []
        self.links: dict[bytes, bool] = {}
        self.unfinished: set[bytes] = set()
        self.passed_by: set[bytes] = set()
        self.stores: list[bytes] = []
        self.marks: list[bytes] = []
        self.skipped: Counter[SkipReason] = Counter()
        self.odd: list[tuple[bytes, str]] = []
        self.unreadable: dict[bytes, str] = {}
        self.seen = 0

    def all_below(self, folder: bytes, cancelled: Callable[[], bool], progress: Callable[[int], None]) -> bool:
        """Lists a folder and every folder below it; False when it was cancelled."""
        parts = os.fsdecode(os.path.join(self._root.real, folder)).lower().split("/")
        self._pending.append((folder, any(_is_layout(*pair) for pair in pairwise(parts))))
        while self._pending:
            if cancelled():
                return False
            below, in_layout = self._pending.pop()
            self._folder(below, in_layout=in_layout)
            progress(self.seen)
        return True

    def only_file(self, path: bytes) -> None:
        """Takes this one file, whatever its name, and the data that belongs to it; one that is not there is simply not
        found.
        """
        with suppress(OSError):
            self.entries.append(Entry(path, self._root.look(path)))
            self.seen += 1
            for name in data_of(os.fsdecode(path), self._names_beside(path)):
                self.entries.append(Entry(os.fsencode(name), self._root.look(os.fsencode(name))))

    def _names_beside(self, path: bytes) -> list[str]:
        """What the library's folder holds, for a file in it that may have data there."""
        if not path.endswith(b".onnx"):
            return []
        descriptor = self._root.folder(b"")
        try:
            return os.listdir(descriptor)
        finally:
            os.close(descriptor)

    def left_out(self, path: bytes) -> bool:
        """A pattern of the library speaks against this file; it is counted."""
        if not self._has_patterns:
            return False
        if self._exclude.verdict(path):
            self.skipped[SkipReason.EXCLUDED] += 1
            return True
        if self._include and not self._include.covers(path):
            self.skipped[SkipReason.NOT_INCLUDED] += 1
            return True
        return False

    def no_longer_passed_by(self, path: bytes) -> None:
        """A link or a manifest names this file as a model after the walk had counted it as none."""
        if path in self.passed_by:
            self.passed_by.discard(path)
            self.skipped[SkipReason.NOT_A_MODEL] -= 1

    def in_other_library(self, path: bytes) -> bool:
        """It lies in a folder that is a library of its own."""
        return any(path == other or path.startswith(other + b"/") for other in self._nested)

    def _folder(self, folder: bytes, *, in_layout: bool) -> None:
        try:
            descriptor = self._root.folder(folder)
        except OSError as error:
            if error.errno not in _GONE or not folder:
                self._lost(folder, error)
            return
        try:
            if folder and any(os.access(mark, os.F_OK, dir_fd=descriptor) for mark in _ENVIRONMENT_MARKS):
                self.skipped[SkipReason.VIRTUAL_ENVIRONMENT] += 1
                return
            with os.scandir(descriptor) as listed:
                found = list(listed)
            self.seen += len(found)
            self._sort(found, folder + b"/" if folder else b"", in_layout=in_layout)
        except OSError as error:
            self._lost(folder, error)
        finally:
            os.close(descriptor)

    def _lost(self, folder: bytes, error: OSError) -> None:
        if not folder:
            raise LibraryOffline(f"{shown(self._root.path)} cannot be listed: {reason(error)}.") from error
        self.unreadable[folder] = reason(error)

    def _sort(self, found: list[os.DirEntry[str]], prefix: bytes, *, in_layout: bool) -> None:
        """Each name of one folder by what it is.

        Written out in one piece, since it runs for every file of a library: the first branch is a file with weights,
        the second a picture or text beside it.
        """
        weights, plain, take = self._weights, _PLAIN_NOISE, self.entries.append
        near = self.neighbours.start()
        self._here, self._owners, self._below = found, None, prefix
        passed_by, taken = 0, []
        for item in found:
            name = item.name
            tail = name[name.rfind(".") :].lower()
            if tail in weights and item.is_file(follow_symlinks=False) and name[0] != ".":
                path = prefix + name.encode(_ENCODING, "surrogateescape")
                if (tail in STATE_SUFFIXES or self._has_patterns) and self._refused(name, path):
                    continue
                try:
                    st = item.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                now = Snapshot(st.st_dev, st.st_ino, st.st_size, st.st_mtime_ns, st.st_ctime_ns, st.st_nlink)
                take(Entry(path, now))
                taken.append(name)
            elif tail in plain and item.is_file(follow_symlinks=False):
                passed_by += 1
                if name in MARKS:
                    self._mark(prefix + name.encode(_ENCODING))
                near.append(item)
            else:
                self._other(item, prefix + name.encode(_ENCODING, "surrogateescape"), in_layout=in_layout)
        self.skipped[SkipReason.NOT_A_MODEL] += passed_by
        if near:
            self._networks(prefix)
            self.skipped[SkipReason.NOT_A_MODEL] -= self.neighbours.of_folder(found, prefix, taken)
        self.neighbours.databases(prefix)

    def _mark(self, path: bytes) -> None:
        if len(self.marks) < _MOST_MARKS:
            self.marks.append(path)

    def _refused(self, name: str, path: bytes) -> bool:
        if is_training_state(name):
            self.skipped[SkipReason.TRAINING_STATE] += 1
            return True
        return self.left_out(path)

    def _other(self, item: os.DirEntry[str], path: bytes, *, in_layout: bool) -> None:
        """Whatever is not plainly a file with weights, or a picture."""
        if item.is_file(follow_symlinks=False):
            self._side_file(item, path, in_layout=in_layout)
        elif item.is_dir(follow_symlinks=False):
            self.neighbours.folders.append(item.name)
            self._enter(item.name, path, in_layout=in_layout)
        elif item.is_symlink():
            self._link(item, path, in_layout=in_layout)
        elif suffix_of(item.name) in self._weights:
            self._odd(item, path)

    def _side_file(self, item: os.DirEntry[str], path: bytes, *, in_layout: bool) -> None:
        skipped = self._no_candidate(item.name, in_layout=in_layout)
        if skipped is None:
            if not self.left_out(path):
                with suppress(FileNotFoundError):
                    self.entries.append(Entry(path, Snapshot.of(item.stat(follow_symlinks=False))))
            return
        self.skipped[skipped] += 1
        if item.name in MARKS:
            self._mark(path)
        if skipped is SkipReason.PARTIAL and path.endswith(b".aria2"):
            self.unfinished.add(path.removesuffix(b".aria2"))
        elif skipped is SkipReason.NOT_A_MODEL and "." not in item.name:
            self.passed_by.add(path)
        elif skipped is SkipReason.NOT_A_MODEL and suffix_of(item.name) in MAYBE_CONFIG:
            self.neighbours.near.append(item)

    def _no_candidate(self, name: str, *, in_layout: bool) -> SkipReason | None:
        """Why a file or link is passed by, by its name; None when it is taken."""
        if name[0] == ".":
            return SkipReason.HIDDEN
        tail = suffix_of(name)
        if tail in PARTIAL:
            return SkipReason.PARTIAL
        if is_training_state(name):
            return SkipReason.TRAINING_STATE
        if tail in self._weights or is_companion(name) or (in_layout and tail and tail not in NOISE):
            return None
        return None if self._is_data(name) or self._is_described(name) else SkipReason.NOT_A_MODEL

    def _is_described(self, name: str) -> bool:
        """It belongs to a model in several files, of which others lie beside it."""
        return is_wanted(name, (item.name for item in self._here), self._below)

    def _networks(self, prefix: bytes) -> None:
        """The descriptions among what was passed by as a text; mostly there is none."""
        for item in self.neighbours.near if any(other.name.endswith(".bin") for other in self._here) else ():
            if item.name.endswith(".xml") and self._is_described(item.name):
                path = prefix + os.fsencode(item.name)
                if item.is_file(follow_symlinks=False) and not self.left_out(path):
                    with suppress(FileNotFoundError):
                        self.entries.append(Entry(path, Snapshot.of(item.stat(follow_symlinks=False))))
                        self.skipped[SkipReason.NOT_A_MODEL] -= 1

    def _is_data(self, name: str) -> bool:
        """It holds weights of an ONNX file beside it."""
        owners = data_owners(name)
        if owners and self._owners is None:
            self._owners = frozenset(item.name for item in self._here if item.name.endswith(".onnx"))
        return bool(owners) and not (self._owners or frozenset()).isdisjoint(owners)

    def _enter(self, name: str, path: bytes, *, in_layout: bool) -> None:
        """Puts a folder on the list, or counts why not."""
        parent, _, _ = path.rpartition(b"/")
        above = os.fsdecode(os.path.basename(parent)).lower()
        said = self._exclude.verdict(path, folder=True)
        if path in self._nested:
            self.skipped[SkipReason.OTHER_LIBRARY] += 1
        elif said:
            self.skipped[SkipReason.EXCLUDED] += 1
        elif said is None and is_pruned(name.lower(), above):
            self.skipped[SkipReason.PRUNED_FOLDER] += 1
        else:
            self._pending.append((path, in_layout or _is_layout(above or self._top, name.lower())))
            if name in MARKING_FOLDERS:
                self._mark(path)
            if name == "manifests":
                self.stores.append(parent)

    def _link(self, item: os.DirEntry[str], path: bytes, *, in_layout: bool) -> None:
        """Remembers a link that may lead to a model, or (its name does not say) to a folder."""
        name = item.name
        skipped = self._no_candidate(name, in_layout=in_layout)
        may_be_folder = skipped is SkipReason.NOT_A_MODEL and suffix_of(name) not in NOISE
        if skipped is not None and not may_be_folder:
            self.skipped[skipped] += 1
            if skipped is SkipReason.NOT_A_MODEL:
                self.neighbours.near.append(item)
        elif not self.left_out(path):
            self.links[path] = skipped is None

    def _odd(self, item: os.DirEntry[str], path: bytes) -> None:
        if not self.left_out(path):
            with suppress(FileNotFoundError):
                self.odd.append((path, species(item.stat(follow_symlinks=False).st_mode)))


def _is_layout(parent: str, name: str) -> bool:
    """A folder that the image tools keep models in, by its name and the name of the folder it lies in (lower case)."""
    return parent == "models" and name in LAYOUT_FOLDERS
