"""The walk through a library: which files may be models, from names and stats alone. No model file is opened."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING

from catalog.errors import FileProblem
from catalog.storage.links import Links
from catalog.storage.listing import Listing
from catalog.storage.manifests import named_blobs
from catalog.storage.names import WEIGHTS
from catalog.storage.patterns import Patterns
from catalog.storage.values import Entry, Snapshot
from catalog.vocabulary import SkipReason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from catalog.storage.beside import Beside
    from catalog.storage.root import Root

IGNORE_FILE = b".isotopeignore"
_IGNORE_FILE_MOST = 1 << 20
_PIPELINE = b"model_index.json"


@dataclass(frozen=True, slots=True)
class WalkRules:
    """What a library wants walked. Patterns are in the notation of .gitignore; paths are relative to the library.

    `nested` are folders that are libraries of their own. `only` names the one file that the library is limited to, or
    several with `/` between them. `part` limits this walk to a folder; inside a pipeline it grows to the pipeline.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    nested: frozenset[bytes] = frozenset()
    only: bytes | None = None
    part: bytes = b""
    weights: frozenset[str] = WEIGHTS


@dataclass(frozen=True, slots=True)
class Walk:
    """What a walk found. Lists are in the order of their paths.

    `entries`: files that may be models, and the configuration, tokenizer and index files that may go with them.
    `twins`: entries reached by a link whose target is an entry already, or has one: further names, no further bytes.
    `links`: second names inside the library: a twin's path -> the path of its entry; a link to a folder -> the folder.
    `leaving_links`: (link, absolute target) of links that lead out; not followed.
    `odd`: (path, what it is) of pipes, sockets and devices that are named like a model.
    `notes`: what other programs put beside models. `unreadable_folders`: (path, reason). `names`: entry path -> names
    that a manifest of Ollama gives it.
    `marks`: files and folders that tell which program a folder belongs to.
    `seen` counts everything that was listed, so 0 may be an empty mount point.
    """

    root: Snapshot
    part: bytes = b""
    only: bytes | None = None
    entries: tuple[Entry, ...] = ()
    twins: tuple[Entry, ...] = ()
    links: Mapping[bytes, bytes] = field(default_factory=dict)
    leaving_links: tuple[tuple[bytes, bytes], ...] = ()
    skipped: Mapping[SkipReason, int] = field(default_factory=dict)
    odd: tuple[tuple[bytes, str], ...] = ()
    unreadable_folders: tuple[tuple[bytes, str], ...] = ()
    names: Mapping[bytes, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[Beside, ...] = ()
    marks: tuple[bytes, ...] = ()
    seen: int = 0
    broken_off: bool = False

    @property
    def complete(self) -> bool:
        """Everything below `part` was looked at."""
        return not self.broken_off and not self.unreadable_folders

    @property
    def devices(self) -> frozenset[int]:
        """The devices of the files found: more than one when drives are mounted below the library."""
        return frozenset({entry.snapshot.dev for entry in self.entries})

    def covers(self, path: bytes) -> bool:
        """The walk would have met this path: if it is not among the entries, it is not there."""
        if self.broken_off or not _within(path, self.part):
            return False
        return not any(_within(path, folder) for folder, _ in self.unreadable_folders)


def walk(
    root: Root,
    rules: WalkRules | None = None,
    *,
    cancelled: Callable[[], bool] = lambda: False,
    progress: Callable[[int], None] = lambda seen: None,
) -> Walk:
    """Walks a library. A walk that is cancelled comes back `broken_off`, with what it found so far.

    Both are called for each folder; `progress` gets the number of names seen so far.

    Raises `LibraryOffline` when the library's folder itself cannot be listed.
    """
    rules = rules or WalkRules()
    part = _whole_pipeline(root, rules.part.strip(b"/"))
    listing = Listing(
        root=root,
        weights=rules.weights,
        nested=rules.nested,
        include=Patterns.of(os.fsencode(line) for line in rules.include),
        exclude=Patterns.of([*(os.fsencode(line) for line in rules.exclude), *_ignored(root)]),
    )
    to_the_end = _list(listing, rules.only, part, cancelled, progress)
    links = Links(root, listing)
    links.arrange()
    names = _from_manifests(root, listing)
    entries = _sorted(_finished(listing))
    return Walk(
        root=root.snapshot,
        part=part,
        only=rules.only,
        entries=entries,
        twins=_sorted(links.twins),
        links=links.names,
        leaving_links=tuple(links.leaving),
        skipped=dict(+listing.skipped),
        odd=tuple(sorted(listing.odd)),
        unreadable_folders=tuple(sorted(listing.unreadable.items())),
        names=names,
        notes=tuple(sorted(listing.neighbours.notes)),
        marks=tuple(sorted(listing.marks)),
        seen=listing.seen,
        broken_off=not to_the_end or not root.still_there(),
    )


def _list(
    listing: Listing,
    only: bytes | None,
    part: bytes,
    cancelled: Callable[[], bool],
    progress: Callable[[int], None],
) -> bool:
    """False when it was cancelled."""
    if only is None:
        return listing.all_below(part, cancelled, progress)
    for name in only.split(b"/"):
        listing.only_file(name)
    listing.neighbours.of_files([os.fsdecode(entry.path) for entry in listing.entries])
    return True


def _within(path: bytes, folder: bytes) -> bool:
    return not folder or path == folder or path.startswith(folder + b"/")


def _sorted(entries: list[Entry]) -> tuple[Entry, ...]:
    return tuple(sorted(entries, key=itemgetter(0)))


def _whole_pipeline(root: Root, part: bytes) -> bytes:
    """The folder, or the pipeline that it is a component of."""
    parent = os.path.dirname(part)
    try:
        root.look(os.path.join(parent, _PIPELINE))
    except OSError:
        return part
    return parent


def _ignored(root: Root) -> list[bytes]:
    try:
        with root.open(IGNORE_FILE) as file:
            return file.read_at(0, min(file.size, _IGNORE_FILE_MOST)).splitlines()
    except FileProblem:
        return []


def _finished(listing: Listing) -> list[Entry]:
    """Without the files that aria2 is still fetching: its note lies beside them until they are complete."""
    if not listing.unfinished:
        return listing.entries
    finished = [entry for entry in listing.entries if entry.path not in listing.unfinished]
    listing.skipped[SkipReason.PARTIAL] += len(listing.entries) - len(finished)
    return finished


def _from_manifests(root: Root, listing: Listing) -> dict[bytes, tuple[str, ...]]:
    """Adds the blobs that manifests of Ollama name, and returns those names."""
    known = {entry.path for entry in listing.entries} if listing.stores else set()
    names: dict[bytes, tuple[str, ...]] = {}
    for store in listing.stores:
        for blob, titles in named_blobs(root, store).items():
            if blob in known or listing.left_out(blob):
                continue
            try:
                listing.entries.append(Entry(blob, root.look(blob)))
            except OSError:  # named, but not fetched
                continue
            listing.no_longer_passed_by(blob)
            names[blob] = titles
    return names
