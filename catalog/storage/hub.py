"""What a cache of Hugging Face says of its files by their names: `models--<owner>--<name>/snapshots/<commit>/<path>`.

A snapshot holds links into `blobs`, whose names are digests: 64 digits are SHA-256, 40 are Git's SHA-1. Where links
were not to be had, files lie in the snapshot itself, and `trees/<commit>.json` may list them. A download into an
ordinary folder leaves commit and digest of each file in `.cache/huggingface/download/<path>.metadata`.

Source: https://github.com/huggingface/huggingface_hub, file_download.py, _tree_cache.py, _local_folder.py.
"""

from __future__ import annotations

import json
import os
import re
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from catalog.errors import FileProblem, PathRefused
from catalog.storage.beneath import LinkLeavesError
from catalog.storage.values import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from catalog.storage.root import Root

_REPOSITORY = b"models--"
_COMMIT = re.compile(rb"[0-9a-f]{40}")
_DIGEST = re.compile(r"[0-9a-f]{64}|[0-9a-f]{40}")
_NAME = re.compile(rb"\w[\w.-]*", re.ASCII)
_MOST_COMMITS = 64
_MOST_LISTED = 20_000
_MOST_REFS = 100
_LONGEST_REF = 64
_LARGEST_TREE = 16 << 20
_LARGEST_NOTE = 1024
_DOWNLOADS = b".cache/huggingface/download"
_TREE_VERSION = 1


class Spot(NamedTuple):
    """A path in a repository's folder. `folder` is that folder; `commit` and `path` say where in a snapshot."""

    repository: str
    folder: bytes
    commit: bytes = b""
    path: bytes = b""


class Revisions(NamedTuple):
    """Of one repository: the commits that have a snapshot, and what names lead to which commit."""

    commits: tuple[bytes, ...]
    names: Mapping[bytes, tuple[str, ...]]


def spot(path: bytes) -> Spot | None:
    """Where in a cache a path lies; None elsewhere. No file is touched."""
    parts = path.split(b"/")
    for at in range(len(parts) - 1, -1, -1):
        if parts[at].startswith(_REPOSITORY):
            return _spot(parts, at)
    return None


def _spot(parts: list[bytes], at: int) -> Spot | None:
    names = parts[at][len(_REPOSITORY) :].split(b"--")
    if not all(_NAME.fullmatch(name) for name in names):
        return None
    repository = shown(b"/".join((names[0], b"--".join(names[1:]))) if len(names) > 1 else names[0])
    folder, rest = b"/".join(parts[: at + 1]), parts[at + 1 :]
    if len(rest) > 1 and rest[0] == b"snapshots" and _COMMIT.fullmatch(rest[1]):
        return Spot(repository, folder, rest[1], b"/".join(rest[2:]))
    return Spot(repository, folder)


def revisions(root: Root, folder: bytes) -> Revisions:
    """What lies in `snapshots` and `refs` of a repository's folder. Commits with a name come first, 64 in all."""
    names: dict[bytes, tuple[str, ...]] = {}
    for name in sorted(_refs(root, os.path.join(folder, b"refs"))):
        commit = _read(root, os.path.join(folder, b"refs", name), _LONGEST_REF).strip()
        if _COMMIT.fullmatch(commit):
            names[commit] = (*names.get(commit, ()), shown(name))
    listed = [name for name, _ in _list(root, os.path.join(folder, b"snapshots")) if _COMMIT.fullmatch(name)]
    commits = sorted(listed, key=lambda commit: (commit not in names, commit))
    return Revisions(tuple(commits[:_MOST_COMMITS]), names)


def _refs(root: Root, folder: bytes) -> Iterator[bytes]:
    """Names below `refs`, `pr/1` among them."""
    listed = _list(root, folder)
    deeper = [
        (os.path.join(name, below), is_folder)
        for name, holds in listed[:_MOST_REFS]
        if holds
        for below, is_folder in _list(root, os.path.join(folder, name))
    ]
    return islice((name for name, is_folder in (*listed, *deeper) if not is_folder), _MOST_REFS)


def commits_with(root: Root, folder: bytes, commits: tuple[bytes, ...], paths: Mapping[bytes, int]) -> list[bytes]:
    """The commits whose snapshot leads to the very same files: path in the snapshot -> inode."""
    return [
        commit
        for commit in commits
        if all(_inode(root, os.path.join(folder, b"snapshots", commit, path)) == ino for path, ino in paths.items())
    ]


def _inode(root: Root, path: bytes) -> int:
    try:
        return root.look(path).ino
    except OSError:
        return -1


def digest_of_blob(root: Root, path: bytes) -> str:
    """The digits that name the blob which a path leads to; empty when it is none of the same repository."""
    here = spot(path)
    try:
        real = root.resolve(path)[0]
    except (OSError, LinkLeavesError):
        return ""
    return named_blob(here, real) if here is not None else ""


def named_blob(spot: Spot, path: bytes) -> str:
    """The digits that name a blob of this very repository; empty for any other path. No file is touched."""
    folder, name = os.path.split(path)
    return _digits(shown(name)) if folder == os.path.join(spot.folder, b"blobs") else ""


def tree(root: Root, folder: bytes, commit: bytes) -> Mapping[bytes, tuple[int, str]]:
    """Path in a snapshot -> size and digits, as `trees/<commit>.json` lists them; nothing where it does not."""
    try:
        found = json.loads(_read(root, os.path.join(folder, b"trees", commit + b".json"), _LARGEST_TREE) or b"{}")
    except (ValueError, RecursionError):
        return {}
    if not isinstance(found, dict) or found.get("format_version") != _TREE_VERSION:
        return {}
    files = found.get("files")
    entries = files.items() if isinstance(files, dict) else ()
    return {path.encode("utf-8", "surrogatepass"): _listed(entry) for path, entry in entries if isinstance(entry, dict)}


def _listed(entry: dict[str, object]) -> tuple[int, str]:
    in_lfs = isinstance(entry.get("lfs_sha256"), str)
    size, digest = entry.get("lfs_size" if in_lfs else "size"), entry.get("lfs_sha256" if in_lfs else "blob_id")
    return size if isinstance(size, int) else -1, _digits(digest) if isinstance(digest, str) else ""


def has_downloads(root: Root, folder: bytes) -> bool:
    """A download into this folder left notes."""
    try:
        os.close(root.folder(os.path.join(folder, _DOWNLOADS)))
    except OSError:
        return False
    return True


def downloaded(root: Root, folder: bytes, path: bytes, mtime: float) -> str:
    """The digits that the download of `path` below `folder` had; empty when it was written to since.

    The note has three lines: commit, digest, and the second at which both were true.
    """
    lines = _read(root, os.path.join(folder, _DOWNLOADS, path + b".metadata"), _LARGEST_NOTE).split(b"\n")
    if len(lines) < 3 or not _COMMIT.fullmatch(lines[0].strip()):
        return ""
    try:
        moment = float(lines[2])
    except ValueError:
        return ""
    return _digits(shown(lines[1].strip())) if mtime - 1 <= moment else ""


def _digits(text: str) -> str:
    return text if _DIGEST.fullmatch(text) else ""


def _read(root: Root, path: bytes, most: int) -> bytes:
    """A small file; nothing when it is not there, or larger than it would be."""
    try:
        with root.open(path) as file:
            return file.read_at(0, file.size) if file.size <= most else b""
    except (FileProblem, PathRefused):
        return b""


def _list(root: Root, folder: bytes) -> list[tuple[bytes, bool]]:
    """Names in a folder with whether they are folders, in order; nothing of a link."""
    try:
        descriptor = root.folder(folder)
    except OSError:
        return []
    try:
        with os.scandir(descriptor) as listed:
            names = islice(listed, _MOST_LISTED)
            return sorted((os.fsencode(item.name), item.is_dir(follow_symlinks=False)) for item in names)
    except OSError:
        return []
    finally:
        os.close(descriptor)
