"""Which files are one model, by their names alone.

A folder gives one set for each container and dtype suffix of its weights: `fp16` and unsuffixed twins are two, and so
are `.safetensors` and `.bin` twins. Shards without a configuration beside them are a set, and so are an ONNX file and
its external data, and a model that one file describes while others hold its numbers; every other file with weights is
one by itself. Each file with weights is in exactly one set; configuration and tokenizer files go with every set of
their folder.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING

from catalog.formats.described_sets import claim
from catalog.formats.folder_sets import Folder, Part, within
from catalog.formats.set_names import (
    CONFIGS,
    PIPELINE,
    STATE_SUFFIXES,
    WEIGHT_SUFFIXES,
    Family,
    container_of,
    data_owners,
    family_of,
    folder_set,
    format_of,
    suffix,
)
from catalog.formats.set_values import FileSet, SetFile
from catalog.storage.described import DESCRIPTIONS
from catalog.storage.names import is_companion, is_training_state
from catalog.vocabulary import FileRole

if TYPE_CHECKING:
    from collections.abc import Iterable

    from catalog.storage.values import Entry

__all__ = ["FileSet", "Grouping", "SetFile", "group", "parse_printed", "partition", "printed", "single"]

_PLAIN_WEIGHTS = WEIGHT_SUFFIXES - DESCRIPTIONS  # of which a `.pb` may also be the data of an ONNX file
_OWNER_SUFFIX = b".onnx"
_PRINTED = re.compile(r"(?P<path>.*)#(?P<set>|[a-z0-9]{1,12}(?::[A-Za-z0-9_-]{1,32})?)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Grouping:
    """`loose` are the files that are a set by themselves (`single` makes it); `sets` are those of several names."""

    loose: list[Entry]
    sets: list[FileSet]


def group(entries: Iterable[Entry], twins: Iterable[Entry] = ()) -> list[FileSet]:
    """Every set, in the order of paths. See `partition`."""
    grouping = partition(entries, twins)
    return sorted([*map(single, grouping.loose), *grouping.sets], key=attrgetter("path", "set"))


def partition(entries: Iterable[Entry], twins: Iterable[Entry] = ()) -> Grouping:
    """The entries of a walk as sets, without making a value for each loose file.

    `twins` are further names of files among the entries. They complete sets that need them; a set that only repeats
    another one, file for file, is left out, and so is a loose twin.
    """
    further = {twin.path for twin in twins}
    named = _Named()
    named.sort_all(sorted([*entries, *twins], key=itemgetter(0)) if further else entries)
    sets = named.described_sets() if named.described else []
    sets += named.folder_sets() if named.marked else []
    sets += named.shard_sets() if named.shards else []
    sets += named.data_sets() if named.data else []
    if not further:
        return Grouping(named.loose, sets)
    return Grouping([entry for entry in named.loose if entry.path not in further], _without_repeats(sets, further))


def single(entry: Entry) -> FileSet:
    """The set of one loose file."""
    folder, _, name = entry.path.rpartition(b"/")
    return FileSet(entry.path, "", folder, format_of(name), (SetFile(name, FileRole.WEIGHTS, entry),))


def printed(path: bytes, set_name: str) -> str:
    """`PATH#SET` for people and commands; the path alone for a loose file. The folder of a library itself is `.`."""
    text = os.fsdecode(path or b".")
    if set_name or _PRINTED.fullmatch(text):
        return f"{text}#{set_name}"
    return text


def parse_printed(text: str) -> tuple[bytes, str]:
    """Path and set of what `printed` wrote."""
    found = _PRINTED.fullmatch(text)
    path, set_name = (found["path"], found["set"]) if found else (text, "")
    return b"" if path == "." else os.fsencode(path), set_name


def _name(path: bytes) -> bytes:
    return path[path.rfind(b"/") + 1 :]


@dataclass(slots=True)
class _Named:
    """The entries by what their names say. A file is loose until a folder or its fellow shards claim it."""

    loose: list[Entry] = field(default_factory=list)
    shards: dict[tuple[bytes, Family], list[tuple[bytes, Entry]]] = field(default_factory=dict)
    companions: list[tuple[bytes, bytes, Entry]] = field(default_factory=list)
    data: dict[bytes, list[tuple[bytes, Entry]]] = field(default_factory=dict)
    pipelines: set[bytes] = field(default_factory=set)
    configured: set[bytes] = field(default_factory=set)
    described: bool = False

    @property
    def marked(self) -> bool:
        return bool(self.pipelines or self.configured)

    def sort_all(self, entries: Iterable[Entry]) -> None:
        """The first branch is nearly every file of a large library."""
        loose = self.loose.append
        others: list[Entry] = []
        for entry in entries:
            path = entry[0]
            tail = path[path.rfind(b".") :].lower()
            if tail in _PLAIN_WEIGHTS:
                if tail in STATE_SUFFIXES and is_training_state(_name(path).decode("latin-1")):
                    continue
                if b"-of-" in path and (family := family_of(_name(path))) is not None:
                    self._shard(path, family, entry)
                else:
                    loose(entry)
            else:
                others.append(entry)
        self._sort_others(others)

    def _sort_others(self, others: list[Entry]) -> None:
        """What is no plain file with weights. Data is loose where the file that it would belong to is not there."""
        data = []
        for entry in others:
            name = _name(entry.path)
            self.described |= suffix(name) in DESCRIPTIONS
            if is_companion(name.decode("latin-1")):
                self._companion(entry)
            elif owners := data_owners(name):
                data.append((entry, owners))
            elif suffix(name) in WEIGHT_SUFFIXES and (family := family_of(name)) is not None:
                self._shard(entry.path, family, entry)
            else:
                self.loose.append(entry)
        there = {entry.path for entry in self.loose if data and entry.path.endswith(_OWNER_SUFFIX)}
        for entry, owners in data:
            folder, _, name = entry.path.rpartition(b"/")
            owner = next((path for owner in owners if (path := within(folder, owner)) in there), None)
            if owner is None:
                self.loose.append(entry)
            else:
                self.data.setdefault(owner, []).append((name, entry))

    def described_sets(self) -> list[FileSet]:
        """The sets of a description and its numbers. They go first: no configuration makes those another model."""
        sets, self.loose = claim(self.loose)
        return sets

    def folder_sets(self) -> list[FileSet]:
        """Takes from the loose files and shards what belongs to a folder with a configuration."""
        folders: dict[bytes, Folder] = {}
        self._claim_loose(folders)
        self._claim_shards(folders)
        for place, name, entry in self.companions:
            home = self._home(place)
            if home is not None and home[0] in folders:
                folders[home[0]].add_companion(home[1], name, entry)
        found: list[FileSet] = []
        for path, folder in folders.items():
            sets, left = folder.sets()
            found += sets
            for part in left:
                self._give_back(path, part)
        return found

    def shard_sets(self) -> list[FileSet]:
        """The sets of the shards that no folder claimed."""
        companions = {within(folder, name): entry for folder, name, entry in self.companions}
        self.loose += (entry for key, [(_, entry), *_] in self.shards.items() if key[1].alone)
        return [_shard_set(*key, files, companions) for key, files in self.shards.items() if not key[1].alone]

    def data_sets(self) -> list[FileSet]:
        """The sets of the ONNX files with data that no folder claimed."""
        owners = [entry for entry in self.loose if entry.path in self.data]
        self.loose = [entry for entry in self.loose if entry.path not in self.data]
        return [_data_set(entry, self.data[entry.path]) for entry in owners]

    def _shard(self, path: bytes, family: Family, entry: Entry) -> None:
        folder, _, name = path.rpartition(b"/")
        self.shards.setdefault((folder, family), []).append((name, entry))

    def _companion(self, entry: Entry) -> None:
        folder, _, name = entry.path.rpartition(b"/")
        self.companions.append((folder, name, entry))
        if name == PIPELINE:
            self.pipelines.add(folder)
        elif name in CONFIGS:
            self.configured.add(folder)

    def _home(self, folder: bytes) -> tuple[bytes, bytes] | None:
        """The model's folder that this folder belongs to, and which component of it this is."""
        if folder in self.pipelines:
            return folder, b""
        parent, _, component = folder.rpartition(b"/")
        if folder and parent in self.pipelines:
            return parent, component
        return (folder, b"") if folder in self.configured else None

    def _claim(
        self, folders: dict[bytes, Folder], place: bytes, name: bytes, entry: Entry, family: Family | None
    ) -> bool:
        home = self._home(place)
        kind = folder_set(name, family) if home is not None else None
        if home is None or kind is None:
            return False
        path, component = home
        folder = folders.setdefault(path, Folder(path, self.data, pipeline=path in self.pipelines))
        folder.add_weights(component, name, entry, kind, family)
        return True

    def _claim_loose(self, folders: dict[bytes, Folder]) -> None:
        left: list[Entry] = []
        for entry in self.loose:
            folder, _, name = entry.path.rpartition(b"/")
            if not self._claim(folders, folder, name, entry, None):
                left.append(entry)
        self.loose = left

    def _claim_shards(self, folders: dict[bytes, Folder]) -> None:
        left: dict[tuple[bytes, Family], list[tuple[bytes, Entry]]] = {}
        for (folder, family), files in self.shards.items():
            unclaimed = [file for file in files if not self._claim(folders, folder, *file, family)]
            if unclaimed:
                left[folder, family] = unclaimed
        self.shards = left

    def _give_back(self, folder: bytes, part: Part) -> None:
        place = within(folder, part.component) if part.component else folder
        if part.family is None:
            self.loose.extend(entry for _, entry in part.files)
        else:
            self.shards[place, part.family] = part.files


def _shard_set(
    folder: bytes, family: Family, files: list[tuple[bytes, Entry]], companions: dict[bytes, Entry]
) -> FileSet:
    """Loose shards, with their own index when it is there."""
    found = [SetFile(name, FileRole.WEIGHTS, entry) for name, entry in files]
    indexes = ((name, companions.get(within(folder, name))) for name in family.indexes())
    found += (SetFile(name, FileRole.INDEX, entry) for name, entry in indexes if entry is not None)
    found.sort(key=attrgetter("name"))
    first = family.shard(1)
    missing = family.missing({name for name, _ in files})
    return FileSet(within(folder, first), container_of(first), folder, format_of(first), tuple(found), missing)


def _data_set(entry: Entry, data: list[tuple[bytes, Entry]]) -> FileSet:
    """An ONNX file and the files with its data."""
    folder, _, name = entry.path.rpartition(b"/")
    found = [SetFile(name, FileRole.WEIGHTS, entry), *(SetFile(own, FileRole.DATA, file) for own, file in data)]
    found.sort(key=attrgetter("name"))
    return FileSet(entry.path, container_of(name), folder, format_of(name), tuple(found))


def _without_repeats(sets: list[FileSet], further: set[bytes]) -> list[FileSet]:
    """Leaves out a set of further names only whose files are, name for name, those of an earlier set."""
    kept: list[FileSet] = []
    seen: set[frozenset[tuple[bytes, bytes]]] = set()
    for one in sorted(sets, key=attrgetter("path", "set")):
        content = frozenset((file.name, file.entry.real or file.entry.path) for file in one.files)
        if content in seen and all(file.entry.path in further for file in one.weights):
            continue
        seen.add(content)
        kept.append(one)
    return kept
