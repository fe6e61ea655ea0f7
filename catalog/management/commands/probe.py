"""`manage.py probe PATH...`: what a file or folder is, from its header alone."""

from __future__ import annotations

import base64
import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

from catalog.errors import CatalogError, FileProblem, UnreadableFile
from catalog.formats import Probe, Problem, SetMember, SetSource, probe_file, probe_set
from catalog.formats.set_names import container_of
from catalog.formats.sets import FileSet, group
from catalog.management.output import DONE, FAILED, CatalogCommand, strings
from catalog.management.paths import path_and_set
from catalog.management.telling import Other, Told, headline, others
from catalog.recognition import Recognised, recognise
from catalog.storage.names import data_of
from catalog.storage.root import Root, open_path
from catalog.storage.values import shown
from catalog.storage.walk import walk
from catalog.vocabulary import FileRole, FindingCode, Format, Outcome
from catalog.vocabulary.sizes import human_size

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterator, Mapping

    from rich.text import Text

_UNREAD = (Outcome.UNREADABLE, Outcome.CHANGED)


class Command(CatalogCommand):
    """The workshop alone: no database, no server."""

    help = "Say what models are, from their headers alone: format, kind, base, precision, tensors. Nothing is loaded."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("paths", nargs="+", metavar="PATH", help="a file, a folder, or PATH#SET of a folder")
        parser.add_argument("--tensors", action="store_true", help="list the tensors too (--json always does)")

    def work(self, options: Mapping[str, object]) -> int:
        codes = [self._probe(path, tensors=bool(options["tensors"])) for path in strings(options, "paths")]
        return max(codes)

    def _probe(self, path: str, *, tensors: bool) -> int:
        """Answer for one path; what cannot be read does not keep the next path from its answer."""
        code, answered = DONE, False
        try:
            for answer in _answers(path):
                answered = True
                self._answer(answer, tensors=tensors)
                code = FAILED if answer.probe.outcome in _UNREAD else code
        except CatalogError as error:
            self.say(str(error))
            return FAILED
        if not answered:
            self.say(f"{path} holds no model. Name a folder that does, or a file.")
        return code if answered else FAILED

    def _answer(self, answer: _Answer, *, tensors: bool) -> None:
        if self.json:
            self.emit(answer.row())
        else:
            for line in answer.lines(tensors=tensors):
                self.show(line)


class _Answer:
    """One set that was probed. `files` are the names of its files, by `TensorInfo.file`."""

    def __init__(self, path: bytes, set_name: str, probe: Probe, files: tuple[bytes, ...], size: int) -> None:
        self.path, self.set, self.probe, self.files, self.size = path, set_name, probe, files, size
        self.recognised: Recognised = recognise(probe, path=path)

    def row(self) -> dict[str, object]:
        """The answer for a program."""
        told, probe = self.recognised, self.probe
        return {
            "path": shown(self.path),
            "path_b64": base64.b64encode(self.path).decode(),
            "set": self.set,
            "outcome": probe.outcome,
            "format": probe.format,
            "kind": told.kind,
            "base": told.base,
            "precision": told.precision,
            "quantisation": told.quantisation,
            "parameters": told.parameters,
            "traits": told.traits,
            "candidates": [other.row() for other in self._others()],
            "dtypes": dict(told.dtypes),
            "name": told.name,
            "size": self.size,
            "tensors": [
                {
                    "name": tensor.name,
                    "dtype": tensor.dtype,
                    "shape": tensor.shape,
                    "offset": tensor.offset,
                    "bytes": tensor.nbytes,
                    "file": shown(self.files[tensor.file]),
                    **({"stored": tensor.stored._asdict()} if tensor.stored else {}),
                }
                for tensor in probe.tensors
            ],
            "metadata": probe.metadata,
            "settings": told.settings,
            "reasons": [{"about": reason.about, "text": reason.text} for reason in told.reasons],
            "findings": [{"code": problem.code, "sentence": problem.sentence} for problem in probe.problems],
        }

    def _others(self) -> Iterator[Other]:
        yield from (Other(one.about, one.value, one.text) for one in self.recognised.candidates)

    def lines(self, *, tensors: bool) -> Iterator[str | Text]:
        """The answer for a person."""
        probe, told = self.probe, self.recognised
        yield shown(self.path) + (f"#{self.set}" if self.set else "")
        facts = Told(told.kind, told.base, told.traits, told.precision, told.quantisation, told.parameters, told.dtypes)
        counted = f"{len(probe.tensors):,} tensors" if probe.tensors else ""
        yield headline(probe.outcome, [Format.label_of(probe.format)], facts, [counted, human_size(self.size)])
        if told.name:
            yield f"  named {told.name}"
        yield from others(self._others())
        yield from (f"  {name}: {value}" for name, value in told.settings.items())
        yield from (f"  {reason.about}: {reason.text}" for reason in told.reasons)
        yield from (f"  ! {problem.sentence}" for problem in probe.problems)
        if tensors:
            yield from (
                f"    {tensor.dtype:8} {' x '.join(map(str, tensor.shape)) or '1':>24}  {tensor.name}"
                for tensor in probe.tensors
            )


def _answers(text: str) -> Iterator[_Answer]:
    """A line for each set at a path. Raises `CatalogError` when there is nothing at that path."""
    path, set_name = path_and_set(text)
    if not os.path.isdir(path):
        yield _file(path)
        return
    with Root(path) as root:
        found = walk(root)
        sets = [one for one in group(found.entries, found.twins) if not set_name or one.set == set_name]
        for one in sets:
            yield _set(root, path, one)
        for name, what in () if set_name else found.odd:
            failed = _failed(UnreadableFile(FindingCode.NOT_A_FILE, what=what))
            yield _Answer(os.path.join(path, name), "", failed, (), 0)
        for name, why in found.unreadable_folders:
            failed = _failed(UnreadableFile(FindingCode.FOLDER_UNREADABLE, path=shown(name), reason=why))
            yield _Answer(os.path.join(path, name), "", failed, (), 0)


def _file(path: bytes) -> _Answer:
    """One file; of ONNX with the data beside it, as a scan would take them together."""
    folder, name = os.path.split(path)
    names = tuple(sorted((name, *_data_beside(folder, name))))
    try:
        with ExitStack() as opened:
            sources = [opened.enter_context(open_path(os.path.join(folder, one))) for one in names]
            size = sum(source.size for source in sources)
            if len(names) == 1:
                return _Answer(path, "", probe_file(sources[0]), names, size)
            roles = [FileRole.WEIGHTS if one == name else FileRole.DATA for one in names]
            members = tuple(SetMember(*member) for member in zip(names, roles, sources, strict=True))
            return _Answer(path, container_of(name), probe_set(SetSource(members)), names, size)
    except FileProblem as error:
        return _Answer(path, "", _failed(error), (), 0)


def _data_beside(folder: bytes, name: bytes) -> list[bytes]:
    """The files with external data of an ONNX file."""
    if not name.endswith(b".onnx"):
        return []
    return [os.fsencode(one) for one in data_of(os.fsdecode(name), map(os.fsdecode, os.listdir(folder or b".")))]


def _set(root: Root, folder: bytes, one: FileSet) -> _Answer:
    path = os.path.join(folder, one.path) if one.path else folder
    names = tuple(file.name for file in one.files)
    try:
        with ExitStack() as opened:
            sources = [opened.enter_context(root.open(file.entry.path, name=file.name)) for file in one.files]
            if one.single:
                probe = probe_file(sources[0])
            else:
                members = zip(one.files, sources, strict=True)
                probe = probe_set(SetSource(tuple(SetMember(file.name, file.role, at) for file, at in members)))
    except FileProblem as error:
        probe = _failed(error)
    return _Answer(path, one.set, probe, names, one.size)


def _failed(error: FileProblem) -> Probe:
    return Probe(Format.OTHER, error.outcome, problems=(Problem(error.code, error.params),))
