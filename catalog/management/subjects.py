"""What lies at a path as a comparison takes it, from the workshop alone: no database, no server.

>>> with opened("model.safetensors") as (subject, values): ...   # read once: digests and fingerprint
>>> with reached("model.safetensors") as found: found.values     # nothing read yet but the headers
"""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from blake3 import blake3

from catalog.errors import ChangedFile, PathRefused, Refused
from catalog.fingerprints.building import Builder
from catalog.fingerprints.values import ValueReader
from catalog.formats import SetMember, SetSource, probe_file, probe_set
from catalog.formats.sets import FileSet, group, printed
from catalog.hashing.base import Plan
from catalog.hashing.engine import digest_file
from catalog.hashing.folders import folder_v1
from catalog.hashing.parts import parts_of
from catalog.hashing.tensors import tensors_v1, weights_v1
from catalog.management.paths import path_and_set
from catalog.matching.base import Subject
from catalog.recognition import recognise
from catalog.storage.names import data_of
from catalog.storage.root import Root, open_path
from catalog.storage.values import shown
from catalog.storage.walk import walk
from catalog.vocabulary import Algorithm, FileRole, FindingCode, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from catalog.formats.base import Probe, TensorInfo
    from catalog.hashing.base import FileDigests
    from catalog.storage.files import OpenFile

_COMPARABLE = frozenset({Outcome.OK, Outcome.SUSPICIOUS, Outcome.UNSUPPORTED})
"""Of the rest it is not known for sure where the tensors lie; of an unsupported one the bytes can be compared."""
_OF_NOTHING = blake3().digest()
"""An empty file has no digest of its own, but it has its place in those of its folder."""
_NAMED = 12
"""Sets of a folder that an answer names before it says how many more there are."""


class Member(NamedTuple):
    """One open file of a model. `name` is relative to its folder."""

    name: bytes
    role: FileRole
    file: OpenFile


@dataclass(frozen=True, slots=True)
class Reached:
    """A model whose files are open, and of which the headers are read."""

    path: bytes
    set: str
    members: tuple[Member, ...]
    probe: Probe
    values: ValueReader

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(member.file.size for member in self.members)

    @property
    def label(self) -> str:
        """What it is called in an answer."""
        return shown(os.path.basename(self.path.rstrip(b"/")) or self.path) + (f"#{self.set}" if self.set else "")

    def refuse_changes(self) -> None:
        """Raises `ChangedFile` if any file was written to, or replaced, since it was opened."""
        for member in self.members:
            if not member.file.still_same():
                raise ChangedFile(FindingCode.CHANGING)


class Opened(NamedTuple):
    """A model that was read once, ready to be compared."""

    subject: Subject
    values: ValueReader


@contextmanager
def opened(
    text: str, *, progress: Callable[[int], None] | None = None, cancelled: Callable[[], bool] | None = None
) -> Iterator[Opened]:
    """Read what lies at a path: a file, a folder, or `PATH#SET`. `progress` is told how many bytes more were read.

    Raises `CatalogError`: nothing there, a folder with several models, a file that is malformed, unsafe or changing.
    """
    with reached(text) as found:
        yield Opened(read(found, progress=progress, cancelled=cancelled), found.values)
        found.refuse_changes()


@contextmanager
def reached(text: str) -> Iterator[Reached]:
    """Open what lies at a path, and read its headers. Raises as `opened` does."""
    path, set_name = path_and_set(text)
    with ExitStack() as stack:
        if os.path.isdir(path) or set_name:
            folder, name = (path, b"") if os.path.isdir(path) else os.path.split(path)
            one, members = _set(stack, folder or b".", set_name, name)
            where = os.path.join(folder, one.path) if one.path else path
            yield _reached(where, one.set, members, single=one.single)
        else:
            members = _file(stack, path)
            yield _reached(path, "", members, single=len(members) == 1)


def read(
    found: Reached,
    *,
    progress: Callable[[int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Subject:
    """Its digests and fingerprint: every file is read once, from its first byte to its last."""
    probe = found.probe
    told = recognise(probe, path=found.path)
    names = [member.name for member in found.members]
    builder = Builder(probe.tensors, probe.metadata, parts_of(probe.tensors, names) if probe.tensors else {})
    files = _files(found, builder, progress, cancelled)
    tds = _in_order(probe.tensors, files)
    whole = _whole(found, tds, files)
    beside = zip(found.members, files, strict=True)
    return Subject(
        label=found.label,
        content=whole.get(Algorithm.FOLDER) or files[0].digests.get(Algorithm.BLAKE3),
        whole=whole,
        components=builder.fingerprints(tds),
        settings=told.settings,
        metadata=probe.metadata,
        format=probe.format,
        kind=told.kind,
        sound=probe.outcome == Outcome.OK,
        files={shown(one.name): file.digests[Algorithm.BLAKE3] for one, file in beside if _described(one, file)},
    )


def _whole(found: Reached, tds: Sequence[bytes], files: Sequence[FileDigests]) -> dict[str, bytes]:
    """Digests of all together, by algorithm."""
    named = [*zip(found.probe.tensors, tds, strict=True)]
    digests = {Algorithm.TENSORS: tensors_v1(named), Algorithm.WEIGHTS: weights_v1(named)}
    if len(files) > 1:
        pairs = zip(found.members, files, strict=True)
        digests[Algorithm.FOLDER] = folder_v1(
            (one.name, file.digests.get(Algorithm.BLAKE3, _OF_NOTHING)) for one, file in pairs
        )
    return {algorithm.value: digest for algorithm, digest in digests.items() if digest is not None}


def _described(member: Member, file: FileDigests) -> bool:
    """A file of the set that holds no weights, and is not empty."""
    return member.role not in {FileRole.WEIGHTS, FileRole.DATA} and Algorithm.BLAKE3 in file.digests


def _files(
    found: Reached,
    builder: Builder,
    progress: Callable[[int], None] | None,
    cancelled: Callable[[], bool] | None,
) -> list[FileDigests]:
    """Each file in turn, in one read: its own digest, those of its tensors, and its part of the fingerprint."""
    read = []
    for number, member in enumerate(found.members):
        tensors = tuple(tensor for tensor in found.probe.tensors if tensor.file == number)
        lane = builder.lane(number, member.file.size)
        plan = Plan(frozenset({Algorithm.BLAKE3}), tensors=tensors, lanes=(lane,))
        read.append(digest_file(member.file, plan, progress=_more(progress), cancelled=cancelled))
    return read


def _more(progress: Callable[[int], None] | None) -> Callable[[int], None] | None:
    """Bytes since the last time, where the reader tells all of this file."""
    if progress is None:
        return None
    last = 0

    def tell(now: int) -> None:
        nonlocal last
        progress(now - last)
        last = now

    return tell


def _in_order(tensors: Sequence[TensorInfo], files: Sequence[FileDigests]) -> list[bytes]:
    """The tensors' digests in the order of the index."""
    left = [iter(one.tensors) for one in files]
    return [next(left[tensor.file]) for tensor in tensors]


def _file(stack: ExitStack, path: bytes) -> tuple[Member, ...]:
    """One file; of ONNX with the data beside it, as a scan would take them together."""
    folder, name = os.path.split(path)
    beside = []
    if name.endswith(b".onnx"):
        beside = [*map(os.fsencode, data_of(os.fsdecode(name), map(os.fsdecode, os.listdir(folder or b"."))))]
    return tuple(
        Member(
            one,
            FileRole.WEIGHTS if one == name else FileRole.DATA,
            stack.enter_context(open_path(os.path.join(folder, one))),
        )
        for one in sorted((name, *beside))
    )


def _set(stack: ExitStack, folder: bytes, set_name: str, name: bytes) -> tuple[FileSet, tuple[Member, ...]]:
    """The only model of a folder, or the only one of that set, or the one that begins with the file of that name."""
    root = stack.enter_context(Root(folder))
    found = walk(root)
    sets = [one for one in group(found.entries, found.twins) if not set_name or one.set == set_name]
    sets = [one for one in sets if not name or one.path == name]
    if not sets:
        raise PathRefused(
            f"{shown(os.path.join(folder, name))} holds no such model. Name a folder that does, or a file."
        )
    if len(sets) > 1:
        raise Refused(_several(folder, sets))
    files = sets[0].files
    opened = [stack.enter_context(root.open(file.entry.path, name=file.name)) for file in files]
    return sets[0], tuple(Member(file.name, file.role, one) for file, one in zip(files, opened, strict=True))


def _several(path: bytes, sets: Sequence[FileSet]) -> str:
    names = [printed(os.path.join(path, one.path) if one.path else path, one.set) for one in sets]
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{shown(path)} holds {len(names)} models. Name one of them: {', '.join(names[:_NAMED])}{more}."


def _reached(path: bytes, set_name: str, members: tuple[Member, ...], *, single: bool) -> Reached:
    """With the headers read. Raises `Refused` where the tensors cannot be trusted to lie where they say."""
    if single:
        probe = probe_file(members[0].file)
    else:
        probe = probe_set(SetSource(tuple(SetMember(one.name, one.role, one.file) for one in members)))
    if probe.outcome not in _COMPARABLE:
        why = probe.problems[0].sentence if probe.problems else f"Its outcome is {Outcome.label_of(probe.outcome)}."
        raise Refused(f"{shown(path)} cannot be compared: {why}")

    def read_at(file: int, offset: int, length: int) -> bytes:
        return members[file].file.read_at(offset, length)

    return Reached(path, set_name, members, probe, ValueReader(probe.tensors, probe.metadata, read_at))
