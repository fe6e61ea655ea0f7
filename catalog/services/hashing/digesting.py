"""The digests of one place: every file read once, the tensors with it, then those of the set. No row is written."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from catalog.errors import ChangedFile
from catalog.formats.packing import Unpacked, unpack
from catalog.hashing import modelspec
from catalog.hashing.base import Plan
from catalog.hashing.engine import digest_file
from catalog.services.hashing.printing import Print, Printer
from catalog.services.hashing.sets import Part, part_digests, rounded_digests, set_digests
from catalog.services.identity import listed
from catalog.services.identity.places import as_seen, open_all
from catalog.services.identity.reading import Reading, read_opened
from catalog.vocabulary import MODELSPEC, Algorithm, FindingCode, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from catalog.formats import TensorInfo
    from catalog.hashing.base import FileDigests
    from catalog.models import LocationFile
    from catalog.services.identity.places import Place
    from catalog.storage.files import OpenFile
    from catalog.storage.root import Root

_SAFETENSORS = (b".safetensors", b".sft")
_READ_ONCE = frozenset({Outcome.OK, Outcome.SUSPICIOUS, Outcome.UNSUPPORTED})
"""Of these, the header that was read at the probe still holds; others are looked at again."""
_WITH_TENSORS = frozenset({Outcome.OK, Outcome.SUSPICIOUS})
"""Of a malformed file it is not known for sure where its tensors lie."""


@dataclass(frozen=True, slots=True)
class Digested:
    """All digests of a place. `content` is None of nothing, and as long as a shard is missing.

    `files`: of each file, by algorithm. `whole`: of all together, by algorithm. `tensors` are the digests of the
    tensors of `index`, in its order. `prints` are the fingerprints of its parts, none where they could not be made.
    `reading` is the header, when it had to be read again.
    """

    place: Place
    files: tuple[Mapping[str, bytes], ...]
    whole: Mapping[str, bytes]
    parts: tuple[Part, ...]
    prints: tuple[Print, ...]
    index: Unpacked | None
    tensors: tuple[bytes, ...]
    content: bytes | None
    reading: Reading | None
    bytes_read: int


@dataclass(frozen=True, slots=True)
class Digester:
    """Reads places of one library with the same algorithms and the same ears.

    `progress` is told the number of a location and the bytes of it that are read.
    """

    root: Root
    algorithms: frozenset[str]
    progress: Callable[[int, int], None]
    cancelled: Callable[[], bool]

    def digest(self, place: Place, packed: bytes | None) -> Digested:
        """`packed` is the tensor index that is known of the variant. Raises `FileProblem` and `Cancelled`."""
        with ExitStack() as stack:
            opened = open_all(self.root, place, stack)
            for file in opened:
                _refuse_writers(file)
            seen = all(as_seen(file, row) for file, row in zip(opened, place.files, strict=True))
            if seen and not place.edited and place.location.outcome in _READ_ONCE:
                known = packed if place.location.outcome in _WITH_TENSORS else None
                found = self._digest(place, opened, unpack(known) if known is not None else None, None)
                if place.content in {None, found.content}:
                    return found
            reading = read_opened(place, opened)
            return self._digest(place, opened, _index(reading), reading)

    def _digest(
        self, place: Place, opened: Sequence[OpenFile], index: Unpacked | None, reading: Reading | None
    ) -> Digested:
        names = [bytes(row.name) for row in place.files]
        printer = Printer(index, names)
        files = self._read(place, opened, index, printer)
        tensors = _in_order(index, files)
        named = list(zip(index.tensors, tensors, strict=True)) if index is not None else []
        printed = printer.printed(tensors)
        whole = set_digests(
            [(name, one.digests) for name, one in zip(names, files, strict=True)],
            named,
            folder=not place.single and (reading is None or reading.complete),
        ) | rounded_digests([tensor for tensor, _ in named], printed.rounded)
        return Digested(
            place=place,
            files=tuple(one.digests for one in files),
            whole=whole,
            parts=part_digests(names, named, whole),
            prints=printed.prints,
            index=index,
            tensors=tensors,
            content=files[0].digests.get(Algorithm.BLAKE3) if place.single else whole.get(Algorithm.FOLDER),
            reading=reading,
            bytes_read=sum(one.bytes_read for one in files),
        )

    def _read(
        self, place: Place, opened: Sequence[OpenFile], index: Unpacked | None, printer: Printer
    ) -> list[FileDigests]:
        """Each file in turn; they count only if nobody wrote to any of them meanwhile."""
        body = index.body if index is not None else None
        found = []
        before = 0
        tensors = _by_file(index, len(opened))
        for number, (file, row, wanted) in enumerate(zip(opened, place.files, tensors, strict=True)):
            begin = body if place.single else _body(file, row, wanted)
            plan = Plan(self.algorithms, begin, wanted, printer.lanes(number, file.size))
            tell = partial(self._tell, place.id, before)
            found.append(digest_file(file, plan, progress=tell, cancelled=self.cancelled))
            before += file.size
        if place.single and index is not None:
            found[0] = _with_modelspec(opened[0], index, found[0])
        for file in opened:
            _refuse_writers(file)
            if not file.still_same():
                raise ChangedFile(FindingCode.CHANGING)
        return found

    def _tell(self, location_id: int, before: int, count: int) -> None:
        self.progress(location_id, before + count)


def _refuse_writers(file: OpenFile) -> None:
    """A writer that mapped the file leaves no trace in its times."""
    if file.being_written():
        raise ChangedFile(FindingCode.CHANGING)


def _with_modelspec(file: OpenFile, index: Unpacked, found: FileDigests) -> FileDigests:
    """What the header lists, when AutoV3 is something else and the trainer's own definition gives it."""
    wanted = listed.digest_of(index.metadata.get(MODELSPEC))
    body = found.digests.get(Algorithm.AUTOV3)
    if wanted is None or body is None or body.startswith(wanted):
        return found
    other = modelspec.in_some_order(file, index.tensors, wanted, file.read_at)
    return found if other is None else replace(found, digests={**found.digests, MODELSPEC: other})


def _index(reading: Reading) -> Unpacked | None:
    probe = reading.probe
    if probe.outcome not in _WITH_TENSORS or not (probe.tensors or probe.metadata):
        return None
    return Unpacked(probe.tensors, probe.metadata, probe.body, None)


def _by_file(index: Unpacked | None, count: int) -> list[tuple[TensorInfo, ...]]:
    """The tensors of each file of the place."""
    if index is None or count == 1:
        return [index.tensors if index is not None else ()] * count
    found: list[list[TensorInfo]] = [[] for _ in range(count)]
    for tensor in index.tensors:
        found[tensor.file].append(tensor)
    return [tuple(tensors) for tensors in found]


def _in_order(index: Unpacked | None, files: Sequence[FileDigests]) -> tuple[bytes, ...]:
    """The tensors' digests in the order of the index."""
    if index is None or len(files) == 1:
        return files[0].tensors if index is not None else ()
    left = [iter(one.tensors) for one in files]
    return tuple(next(left[tensor.file]) for tensor in index.tensors)


def _body(file: OpenFile, row: LocationFile, wanted: tuple[TensorInfo, ...]) -> int | None:
    """Where the tensors of a safetensors file of a set begin: after the length of the header, and the header."""
    if not wanted or not bytes(row.path).lower().endswith(_SAFETENSORS):
        return None
    return 8 + int.from_bytes(file.read_at(0, 8), "little")
