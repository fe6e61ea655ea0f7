"""The weight sets of one folder with a configuration: a diffusers pipeline, or a model of transformers or peft."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from catalog.formats.set_names import Family, is_index, role_of
from catalog.formats.set_values import FileSet, SetFile
from catalog.vocabulary import FileRole, Format

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from catalog.storage.values import Entry

_DIFFUSERS_RANK = 2  # diffusion_pytorch_model in the list of stems


@dataclass(slots=True)
class Part:
    """The weights of one component in one set: one file, or the shards of one family."""

    component: bytes
    rank: int
    family: Family | None
    files: list[tuple[bytes, Entry]] = field(default_factory=list)

    @property
    def order(self) -> tuple[int, bool, bytes, bytes]:
        """Smaller goes first where a component has several: the usual name, a whole file before shards, the name."""
        total = self.family.total if self.family else b""
        return self.rank, self.family is not None, total, min(name for name, _ in self.files)

    def missing(self) -> Iterator[bytes]:
        """Shards that are not there, relative to the model's folder."""
        if self.family is not None:
            for name in self.family.missing({name for name, _ in self.files}):
                yield within(self.component, name)


class Folder:
    """Gathers what lies in a model's folder, then tells the sets. `component` is empty for the folder itself.

    `data`: path of an ONNX file -> names and entries of the files beside it that hold its data.
    """

    def __init__(self, path: bytes, data: Mapping[bytes, Sequence[tuple[bytes, Entry]]], *, pipeline: bool) -> None:
        self._path, self._data, self._pipeline = path, data, pipeline
        self._parts: dict[str, dict[bytes, dict[tuple[int, Family | None], Part]]] = defaultdict(dict)
        self._companions: list[SetFile] = []
        self._indexes: dict[bytes, Entry] = {}

    def add_weights(
        self, component: bytes, name: bytes, entry: Entry, kind: tuple[int, str], family: Family | None
    ) -> None:
        """A file with weights; `kind` is the rank of its stem and the name of its set."""
        rank, set_name = kind
        parts = self._parts[set_name].setdefault(component, {})
        parts.setdefault((rank, family), Part(component, rank, family)).files.append((name, entry))

    def add_companion(self, component: bytes, name: bytes, entry: Entry) -> None:
        """A configuration, tokenizer or index file."""
        if is_index(name):
            self._indexes[within(component, name)] = entry
        else:
            self._companions.append(SetFile(within(component, name), role_of(name), entry))

    def sets(self) -> tuple[list[FileSet], list[Part]]:
        """The sets, and the parts that found no place: a second stem, or shards beside the whole file."""
        chosen: dict[str, dict[bytes, Part]] = {}
        left: list[Part] = []
        for set_name in sorted(self._parts, key=_preference):
            chosen[set_name] = {}
            for component, parts in self._parts[set_name].items():
                first, *others = sorted(parts.values(), key=lambda part: part.order)
                chosen[set_name][component] = first
                left.extend(others)
        if self._pipeline:
            chosen = _joined(chosen)
        return [self._set(name, list(parts.values())) for name, parts in chosen.items()], left

    def _set(self, name: str, parts: list[Part]) -> FileSet:
        files = [*self._companions, *self._own_indexes(parts)]
        files += [
            SetFile(within(part.component, file), FileRole.WEIGHTS, entry)
            for part in parts
            for file, entry in part.files
        ]
        files += [
            SetFile(within(part.component, name), FileRole.DATA, entry)
            for part in parts
            for _, owner in part.files
            for name, entry in self._data.get(owner.path, ())
        ]
        files.sort(key=lambda file: file.name)
        diffusers = self._pipeline or any(part.rank == _DIFFUSERS_RANK for part in parts)
        hint = Format.DIFFUSERS if diffusers else Format.TRANSFORMERS
        missing = tuple(sorted(absent for part in parts for absent in part.missing()))
        return FileSet(self._path, name, self._path, hint, tuple(files), missing)

    def _own_indexes(self, parts: list[Part]) -> Iterator[SetFile]:
        for part in parts:
            for name in part.family.indexes() if part.family is not None else ():
                path = within(part.component, name)
                if path in self._indexes:
                    yield SetFile(path, FileRole.INDEX, self._indexes[path])


def within(folder: bytes, name: bytes) -> bytes:
    """A path of two parts; the folder may be empty."""
    return folder + b"/" + name if folder else name


def _preference(set_name: str) -> tuple[bool, bool, str]:
    return not set_name.startswith("safetensors"), ":" in set_name, set_name


def _joined(sets: dict[str, dict[bytes, Part]]) -> dict[str, dict[bytes, Part]]:
    """A pipeline whose components come in different containers or dtypes is one set, as long as nothing is there twice.

    So a safety checker that exists as `.bin` only goes with the `.safetensors` of the rest.
    """
    joined: dict[str, dict[bytes, Part]] = {}
    for name, parts in sets.items():
        home = next((other for other in joined.values() if other.keys().isdisjoint(parts)), None)
        if home is None:
            joined[name] = dict(parts)
        else:
            home.update(parts)
    return joined
