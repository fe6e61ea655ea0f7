"""Looking for folders that may hold models, before any is a library: names and stats alone, and never for long."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from catalog.storage.names import MARKING_FOLDERS, MARKS, STORE_PREFIX, WEIGHTS, is_pruned, suffix_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_MOST_NAMES = 5_000
_MOST_FOLDERS = 2_000
_FEW = 20
_BLOB = "sha256-"
_LEAST_BLOB = 1 << 20
"""Smaller blobs of a store are templates, licences and parameters."""
_OF_STORE = ("blobs", "manifests")
_INNER = ("models", "Models")
"""What the folder of all models is called where a program is installed."""


class Names(NamedTuple):
    """What is right in a folder. Links count as files."""

    folders: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


class Glimpse(NamedTuple):
    """What the layouts want to see of a folder: paths in it where models would lie, and telling names."""

    paths: tuple[bytes, ...]
    marks: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """Model files below a folder and their bytes, each inode once. Not `whole`: time ran out, there is more."""

    files: int = 0
    size: int = 0
    whole: bool = True


def names_in(folder: bytes) -> Names:
    """The first few thousand names; nothing for a folder that cannot be listed."""
    folders: list[str] = []
    files: list[str] = []
    try:
        with os.scandir(os.fsdecode(folder)) as listed:
            for _, item in zip(range(_MOST_NAMES), listed, strict=False):
                (folders if item.is_dir(follow_symlinks=False) else files).append(item.name)
    except OSError:
        pass
    return Names(tuple(sorted(folders)), tuple(sorted(files)))


def glimpse(folder: bytes, names: Names) -> Glimpse:
    """Looks at most two folders deep: into `models`, the repositories of a cache, the blobs of a store."""
    paths = [f"{name}/." for name in names.folders if name not in _OF_STORE]
    marks = [name for name in (*names.files, *names.folders) if name in MARKS or name in MARKING_FOLDERS]
    for inner in _INNER:
        if inner in names.folders:
            below = names_in(os.path.join(folder, inner.encode()))
            paths += [f"{inner}/{name}/." for name in below.folders if name not in _OF_STORE]
            paths += _deeper(folder, inner + "/", below)
            marks += [f"{inner}/{name}" for name in (*below.files, *below.folders) if name in MARKS | MARKING_FOLDERS]
    paths += _deeper(folder, "", names)
    return Glimpse(tuple(map(os.fsencode, paths)), tuple(map(os.fsencode, marks)))


def _deeper(folder: bytes, prefix: str, names: Names) -> Iterator[str]:
    """What of the folders in it says whether they are a cache's or a store's."""
    stores = [name for name in names.folders if name.startswith(STORE_PREFIX)][:_FEW]
    for name in stores:
        yield from (f"{prefix}{name}/{inner}/." for inner in _below(folder, prefix + name).folders)
    if "blobs" in names.folders:
        blobs = _below(folder, prefix + "blobs").files
        yield from (f"{prefix}blobs/{blob}" for blob in blobs[:_FEW])


def _below(folder: bytes, name: str) -> Names:
    return names_in(os.path.join(folder, os.fsencode(name)))


def walk_near(tops: Iterable[bytes], *, levels: int, until: float, taken: Callable[[bytes, Names], bool]) -> None:
    """Shows `taken` the tops and every folder up to `levels` below, nearest first; it answers whether to stay out.

    Hidden folders, those that a walk prunes, and links are not entered. Ends at `until`, by the monotonic clock.
    """
    waiting = [(top, 0) for top in tops]
    seen: set[bytes] = set()
    while waiting and len(seen) < _MOST_FOLDERS and time.monotonic() < until:
        folder, level = waiting.pop(0)
        if folder in seen:
            continue
        seen.add(folder)
        names = names_in(folder)
        if taken(folder, names) or level == levels:
            continue
        above = os.fsdecode(os.path.basename(folder)).lower()
        waiting += [
            (os.path.join(folder, os.fsencode(name)), level + 1)
            for name in names.folders
            if name[0] != "." and not is_pruned(name.lower(), above)
        ]


def tally(folder: bytes, *, until: float) -> Tally:
    """Counts the model files below a folder. Links are followed to files within it alone."""
    found: dict[tuple[int, int], int] = {}
    top = os.fsdecode(folder)
    waiting = [top]
    while waiting:
        if time.monotonic() >= until:
            return Tally(len(found), sum(found.values()), whole=False)
        below = waiting.pop()
        try:
            with os.scandir(below) as listed:
                for item in listed:
                    _count(item, top, waiting, found)
        except OSError:
            continue
    return Tally(len(found), sum(found.values()))


def _count(item: os.DirEntry[str], top: str, waiting: list[str], found: dict[tuple[int, int], int]) -> None:
    if item.is_dir(follow_symlinks=False):
        if not is_pruned(item.name.lower(), os.path.basename(os.path.dirname(item.path)).lower()):
            waiting.append(item.path)
        return
    blob = item.name.startswith(_BLOB)
    if not (blob or suffix_of(item.name) in WEIGHTS) or (item.is_symlink() and not _leads_inside(item.path, top)):
        return
    try:
        st = item.stat()
    except OSError:
        return
    if not blob or st.st_size >= _LEAST_BLOB:
        found[st.st_dev, st.st_ino] = st.st_size


def _leads_inside(link: str, top: str) -> bool:
    """By the words of the link alone: what it leads to is not looked at."""
    target = os.path.normpath(os.path.join(os.path.dirname(link), os.readlink(link)))
    return target.startswith(top.rstrip("/") + "/")
