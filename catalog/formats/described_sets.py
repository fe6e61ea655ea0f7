"""The sets of models that one file describes while others hold their numbers: SavedModel, OpenVINO and the like."""

from __future__ import annotations

from collections import defaultdict
from operator import attrgetter
from typing import TYPE_CHECKING

from catalog.formats.folder_sets import within
from catalog.formats.set_values import FileSet, SetFile
from catalog.storage.described import PLACE_ITSELF, Program, manifest_of, missing, program_of
from catalog.vocabulary import FileRole, Format

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from catalog.storage.values import Entry


class _Loose:
    """The entries that no set has claimed, by folder and name."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._folders: dict[bytes, dict[bytes, Entry]] = defaultdict(dict)
        for entry in entries:
            folder, _, name = entry.path.rpartition(b"/")
            self._folders[folder][name] = entry

    def find(self, folder: bytes, name: bytes) -> Entry | None:
        return self._folders[folder].get(name) if folder in self._folders else None

    def data(self, folder: bytes, program: Program) -> Iterator[tuple[bytes, Entry]]:
        """What matches, by its name relative to the folder."""
        for below in {b"", program.below}:
            for name, entry in self._folders.get(within(folder, below) if below else folder, {}).items():
                if program.data.fullmatch(within(below, name)):
                    yield within(below, name), entry

    def take(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            folder, _, name = entry.path.rpartition(b"/")
            self._folders[folder].pop(name, None)

    def rest(self, entries: Sequence[Entry]) -> list[Entry]:
        """Those not taken, in their order."""
        return [entry for entry in entries if self.find(*_split(entry.path)) is not None]


def claim(entries: Sequence[Entry]) -> tuple[list[FileSet], list[Entry]]:
    """The sets of descriptions among the entries, and the entries that belong to none."""
    loose = _Loose(entries)
    described = [(entry, program) for entry in entries if (program := program_of(entry.path)) is not None]
    described.sort(key=lambda pair: (pair[1].above == PLACE_ITSELF, pair[0].path))  # a SavedModel before its variables
    sets: list[FileSet] = []
    for entry, program in described:
        folder, name = _split(entry.path)
        data = list(loose.data(folder, program)) if loose.find(folder, name) is not None else []
        if data:
            sets.append(_set(entry, program, data, loose))
            loose.take([file.entry for file in sets[-1].files])
    return sets, loose.rest(entries)


def _set(entry: Entry, program: Program, data: list[tuple[bytes, Entry]], loose: _Loose) -> FileSet:
    folder, name = _split(entry.path)
    place = folder
    for _ in range(max(program.above, 0)):
        place = place.rpartition(b"/")[0]
    inner = folder[len(place) :].lstrip(b"/")
    files = [SetFile(within(inner, name), FileRole.WEIGHTS, entry)]
    files += (SetFile(within(inner, own), FileRole.DATA, found) for own, found in data)
    texts = [(text, loose.find(folder, text)) for text in program.texts]
    if manifest := manifest_of(folder):
        texts.append((b"../../Manifest.json", loose.find(*_split(manifest))))
    files += (
        SetFile(within(inner, text) if not text.startswith(b"..") else text.rpartition(b"/")[2], FileRole.CONFIG, found)
        for text, found in texts
        if found is not None
    )
    files.sort(key=attrgetter("name"))
    path = entry.path if program.above == PLACE_ITSELF else place
    absent = tuple(missing({file.name for file in files}))
    return FileSet(path, program.word, place, Format(program.word), tuple(files), absent)


def _split(path: bytes) -> tuple[bytes, bytes]:
    folder, _, name = path.rpartition(b"/")
    return folder, name
