"""The digests of whatever lies at a path, from the workshop alone: each file is read once."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from catalog.errors import PathRefused
from catalog.formats import SetMember, SetSource, probe_file, probe_set
from catalog.formats.sets import FileSet, group
from catalog.hashing import definition
from catalog.hashing.base import STANDARD, FileDigests, Plan
from catalog.hashing.engine import digest_file
from catalog.hashing.folders import INVOKE_SUFFIXES, folder_v1, invoke_dir
from catalog.hashing.tensors import tensors_v1, weights_v1
from catalog.management.paths import path_and_set
from catalog.storage.root import Root, open_path
from catalog.storage.values import shown
from catalog.storage.walk import walk
from catalog.vocabulary import Algorithm, FileRole, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from catalog.formats.base import Probe, TensorInfo
    from catalog.storage.files import OpenFile

_OF_TENSORS = frozenset({Algorithm.TENSORS.value, Algorithm.WEIGHTS.value})
_INVOKE = "invoke-dir:"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which digests: of each file, of a set's tensors, and of a set as a whole (the algorithms of `invoke-dir`)."""

    algorithms: frozenset[str] = STANDARD
    tensors: frozenset[str] = frozenset()
    folder: bool = True
    invoke: tuple[str, ...] = (Algorithm.BLAKE3.value, Algorithm.SHA256.value)

    @classmethod
    def of(cls, names: Iterable[str]) -> Wanted:
        """By the names that a person gave. Raises ValueError, with the reason, for one that is no digest."""
        wanted = frozenset(names)
        invoke = tuple(sorted(name.removeprefix(_INVOKE) for name in wanted if name.startswith(_INVOKE)))
        folder = Algorithm.FOLDER.value in wanted
        files = {name for name in wanted - _OF_TENSORS - {Algorithm.FOLDER.value} if not name.startswith(_INVOKE)}
        for name in files.union(invoke):
            definition(name)
        need = {*files, *invoke, *([Algorithm.BLAKE3.value] if folder else [])}
        return cls(frozenset(need), wanted & _OF_TENSORS, folder, invoke)


@dataclass(frozen=True, slots=True)
class Answer:
    """One file, or one set with its files: digests by the names of their algorithms, as raw bytes."""

    path: bytes
    set: str
    size: int
    digests: Mapping[str, bytes]
    seconds: float
    bytes_read: int
    files: tuple[Answer, ...] = ()


@dataclass(slots=True)
class Place:
    """What lies at one path: the files to read, with their sizes, and which of them belong together."""

    path: bytes
    sets: list[FileSet] = field(default_factory=list)
    sizes: dict[bytes, int] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of all files, each once."""
        return sum(self.sizes.values())


def find(text: str) -> Place:
    """What is there: a file, a folder, or `PATH#SET`. Raises `CatalogError` when there is nothing to read."""
    path, set_name = path_and_set(text)
    if not os.path.isdir(path):
        with open_path(path) as file:
            return Place(path, sizes={b"": file.size})
    with Root(path) as root:
        found = walk(root)
    sets = [one for one in group(found.entries, found.twins) if not set_name or one.set == set_name]
    if not sets:
        raise PathRefused(f"{text} holds no model. Name a folder that does, or a file.")
    sizes = {file.entry.path: file.entry.snapshot.size for one in sets for file in one.files}
    return Place(path, sets, sizes)


def digests(place: Place, wanted: Wanted, progress: Callable[[int], None]) -> Iterator[Answer]:
    """An answer for each file or set. `progress` is told how many bytes more were read.

    Raises `FileProblem` when a file cannot be read as it is.
    """
    if not place.sets:
        with open_path(place.path) as file:
            yield _Reader(wanted, progress).file(place.path, file)
        return
    reader = _Reader(wanted, progress)
    with Root(place.path) as root:
        for one in place.sets:
            yield reader.set(root, place, one)


class _Reader:
    """Reads each file once, also one that belongs to several sets."""

    def __init__(self, wanted: Wanted, progress: Callable[[int], None]) -> None:
        self._wanted, self._progress = wanted, progress
        self._read: dict[bytes, tuple[FileDigests, tuple[TensorInfo, ...]]] = {}

    def file(self, path: bytes, file: OpenFile) -> Answer:
        """A file by itself."""
        found, tensors = self._digest(file)
        digests = {**found.digests, **dict(self._of_tensors([(tensors, found.tensors)]))}
        return Answer(path, "", file.size, digests, found.seconds, found.bytes_read)

    def set(self, root: Root, place: Place, one: FileSet) -> Answer:
        """A set, and each of its files; of a loose file that alone."""
        path = os.path.join(place.path, one.path) if one.path else place.path
        if any(file.role is FileRole.DATA for file in one.files):
            self._read_together(root, one)
        files = []
        for file in one.files:
            found, _ = self._once(root, file.entry.path)
            files.append(
                Answer(file.name, "", file.entry.snapshot.size, found.digests, found.seconds, found.bytes_read)
            )
        digests = dict(self._of_tensors([_parts(self._read[file.entry.path]) for file in one.files]))
        seconds, read = sum(file.seconds for file in files), sum(file.bytes_read for file in files)
        if one.single:
            return Answer(path, "", one.size, {**files[0].digests, **digests}, seconds, read)
        digests |= self._of_folder(root, place, one, files)
        return Answer(path, one.set, one.size, digests, seconds, read, tuple(files))

    def _once(self, root: Root, path: bytes) -> tuple[FileDigests, tuple[TensorInfo, ...]]:
        if path not in self._read:
            with root.open(path) as file:
                self._read[path] = self._digest(file)
        return self._read[path]

    def _read_together(self, root: Root, one: FileSet) -> None:
        """Reads the files of a set of which some hold the tensors of others."""
        with ExitStack() as opened:
            sources = [opened.enter_context(root.open(file.entry.path, name=file.name)) for file in one.files]
            members = zip(one.files, sources, strict=True)
            probe = probe_set(SetSource(tuple(SetMember(file.name, file.role, source) for file, source in members)))
            for number, (file, source) in enumerate(zip(one.files, sources, strict=True)):
                tensors = tuple(tensor for tensor in _sound(probe) if tensor.file == number)
                self._read[file.entry.path] = self._digest(source, tensors)

    def _digest(
        self, file: OpenFile, tensors: tuple[TensorInfo, ...] | None = None
    ) -> tuple[FileDigests, tuple[TensorInfo, ...]]:
        """Of the file and its tensors, which are those of its own header unless others are given."""
        probe = probe_file(file)
        tensors = tensors if tensors is not None else _sound(probe)
        tensors = tensors if self._wanted.tensors else ()
        plan = Plan(self._wanted.algorithms, body=probe.body, tensors=tensors)
        last = 0

        def more(read: int) -> None:
            nonlocal last
            self._progress(read - last)
            last = read

        return digest_file(file, plan, progress=more), tensors

    def _of_tensors(self, parts: Iterable[tuple[Iterable[TensorInfo], Iterable[bytes]]]) -> Iterator[tuple[str, bytes]]:
        named = [pair for tensors, found in parts for pair in zip(tensors, found, strict=True)]
        for name, combine in ((Algorithm.TENSORS.value, tensors_v1), (Algorithm.WEIGHTS.value, weights_v1)):
            digest = combine(named) if name in self._wanted.tensors else None
            if digest is not None:
                yield name, digest

    def _of_folder(self, root: Root, place: Place, one: FileSet, files: list[Answer]) -> Iterator[tuple[str, bytes]]:
        """Ours over the set, and InvokeAI's, which takes every file of the folder, whatever set it belongs to."""
        whole = (
            folder_v1((file.path, file.digests[Algorithm.BLAKE3]) for file in files) if self._wanted.folder else None
        )
        if whole is not None:
            yield Algorithm.FOLDER.value, whole
        if one.path != one.folder:
            return
        above = one.folder + b"/" if one.folder else b""
        inside = [path for path in place.sizes if path.startswith(above) and path.endswith(INVOKE_SUFFIXES)]
        for name in self._wanted.invoke:
            pairs = ((path[len(above) :], self._once(root, path)[0].digests[name]) for path in inside)
            digest = invoke_dir(name, pairs)
            if digest is not None:
                yield f"{_INVOKE}{name}", digest


def _sound(probe: Probe) -> tuple[TensorInfo, ...]:
    """The tensors, where it is known for sure where they lie, and that none is missing."""
    return probe.tensors if probe.outcome in {Outcome.OK, Outcome.SUSPICIOUS} else ()


def _parts(read: tuple[FileDigests, tuple[TensorInfo, ...]]) -> tuple[tuple[TensorInfo, ...], tuple[bytes, ...]]:
    found, tensors = read
    return tensors, found.tensors


def named(answer: Answer) -> str:
    """The path of an answer, with its set, for people."""
    return shown(answer.path) + (f"#{answer.set}" if answer.set else "")
