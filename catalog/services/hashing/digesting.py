"""The digests of one place: its header, every file read once with its tensors, then the set. No row is written."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.errors import ChangedFile
from catalog.formats.packing import pack
from catalog.hashing.base import Plan
from catalog.hashing.engine import digest_file
from catalog.services.hashing.sets import Part, part_digests, set_digests
from catalog.services.identity.places import open_file
from catalog.services.identity.reading import Reading, read_opened
from catalog.vocabulary import Algorithm, FileRole, FindingCode, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from catalog.formats import Probe, TensorInfo
    from catalog.hashing.base import FileDigests
    from catalog.models import LocationFile
    from catalog.services.identity.places import Place
    from catalog.storage.files import OpenFile
    from catalog.storage.root import Root

_WITH_TENSORS = frozenset({Outcome.OK, Outcome.SUSPICIOUS})
"""Of a malformed file it is not known for sure where its tensors lie."""
_SAFETENSORS = (b".safetensors", b".sft")


@dataclass(frozen=True, slots=True)
class Digested:
    """All digests of a place, and its header as it was when they were computed.

    `files`: of each file. `of_set`: of all together, by algorithm. `tensors`: of each tensor of the header, in its
    order; none of a malformed file. `content` is None of nothing, and as long as a shard is missing.
    """

    place: Place
    reading: Reading
    files: tuple[FileDigests, ...]
    of_set: Mapping[str, bytes]
    tensors: tuple[bytes, ...]
    parts: tuple[Part, ...]
    content: bytes | None

    @property
    def bytes_read(self) -> int:
        """Of all files."""
        return sum(one.bytes_read for one in self.files)

    @property
    def packed(self) -> bytes | None:
        """The tensor index with the digests of the tensors; None without tensors, or with more than a row can hold."""
        if not self.tensors:
            return None
        try:
            return pack(self.reading.probe, self.tensors)
        except ValueError:
            return None

    @property
    def of_one_file(self) -> Mapping[str, bytes]:
        """Of the file by itself, or of the only one with weights in a set; nothing where there are several."""
        weights = [
            one.digests
            for row, one in zip(self.place.files, self.files, strict=True)
            if row.role == FileRole.WEIGHTS or self.place.single
        ]
        return weights[0] if len(weights) == 1 else {}


def digest_place(
    root: Root,
    place: Place,
    *,
    algorithms: frozenset[str],
    progress: Callable[[int], None],
    cancelled: Callable[[], bool] | None,
) -> Digested:
    """Reads everything once, and again only the headers. `progress` is told the bytes of the whole place.

    Raises `Cancelled`, and `FileProblem`: digests count only of files that nobody wrote to meanwhile.
    """
    with ExitStack() as stack:
        opened = [stack.enter_context(open_file(root, file)) for file in place.files]
        for file in opened:
            _refuse_writers(file)
        reading = read_opened(place, opened)
        plans = _plans(reading.probe, place.files, opened, algorithms)
        files = tuple(_read(opened, plans, progress, cancelled))
        for file in opened:
            _refuse_writers(file)
            if not file.still_same():
                raise ChangedFile(FindingCode.CHANGING)
    return _digested(place, reading, files)


def _refuse_writers(file: OpenFile) -> None:
    """A writer that mapped the file leaves no trace in its times."""
    if file.being_written():
        raise ChangedFile(FindingCode.CHANGING)


def _plans(
    probe: Probe, rows: Sequence[LocationFile], opened: Sequence[OpenFile], algorithms: frozenset[str]
) -> list[Plan]:
    """One for each file, with the tensors that lie in it."""
    tensors: list[list[TensorInfo]] = [[] for _ in opened]
    if probe.outcome in _WITH_TENSORS:
        for tensor in probe.tensors:
            tensors[tensor.file].append(tensor)
    if len(opened) == 1:
        return [Plan(algorithms, probe.body, tuple(tensors[0]))]
    return [
        Plan(algorithms, _body(file, row) if wanted else None, tuple(wanted))
        for row, file, wanted in zip(rows, opened, tensors, strict=True)
    ]


def _body(file: OpenFile, row: LocationFile) -> int | None:
    """Where the tensors of a safetensors file of a set begin: after the length of the header, and the header."""
    if not bytes(row.path).lower().endswith(_SAFETENSORS):
        return None
    return 8 + int.from_bytes(file.read_at(0, 8), "little")


def _read(
    opened: Sequence[OpenFile],
    plans: Sequence[Plan],
    progress: Callable[[int], None],
    cancelled: Callable[[], bool] | None,
) -> list[FileDigests]:
    """Each file in turn."""
    found: list[FileDigests] = []
    before = 0

    def tell(count: int) -> None:
        progress(before + count)

    for file, plan in zip(opened, plans, strict=True):
        found.append(digest_file(file, plan, progress=tell, cancelled=cancelled))
        before += file.size
    return found


def _digested(place: Place, reading: Reading, files: tuple[FileDigests, ...]) -> Digested:
    tensors = _in_order(reading.probe, files)
    named = list(zip(reading.probe.tensors, tensors, strict=True)) if tensors else []
    names = [bytes(row.name) for row in place.files]
    of_set = set_digests(
        [(name, one.digests) for name, one in zip(names, files, strict=True)],
        named,
        folder=not place.single and reading.complete,
    )
    own = files[0].digests.get(Algorithm.BLAKE3) if place.single else of_set.get(Algorithm.FOLDER)
    return Digested(place, reading, files, of_set, tensors, part_digests(names, named, of_set), own)


def _in_order(probe: Probe, files: Sequence[FileDigests]) -> tuple[bytes, ...]:
    """The tensors' digests in the order of the header."""
    if probe.outcome not in _WITH_TENSORS:
        return ()
    if len(files) == 1:
        return files[0].tensors
    left = [iter(one.tensors) for one in files]
    return tuple(next(left[tensor.file]) for tensor in probe.tensors)
