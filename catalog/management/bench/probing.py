"""Probing beside the formats' own libraries: a tree of `size` model files, and single headers that are large.

Only headers are read, from warm pages. The libraries are measured where they are installed (`tests/requirements.txt`
brings them). None of them tells kind, base or precision, as our figures for the tree include. Of several processes the
CPU seconds are those of the first alone.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from multiprocessing import get_context
from typing import TYPE_CHECKING

from catalog.formats import SetMember, SetSource, probe_file, probe_set
from catalog.formats.sets import group
from catalog.management.bench import model_files
from catalog.management.bench.measuring import Row, compare
from catalog.recognition import recognise
from catalog.storage.root import Root
from catalog.storage.walk import walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from catalog.formats import Probe
    from catalog.formats.sets import FileSet

DEFAULT_SIZE = 10_000
PROCESSES = 2

_BATCH = 100
_WORDS = 150_000
_LARGE = 7_000_000_000
_MANY = 16
"""Files at most that a library reads for one figure; GGUF's needs a tenth of a second for each."""


def run(*, size: int, rounds: int, folder: Path) -> list[Row]:
    """Make about `size` model files below `folder`, and some with large headers, measure, and remove them."""
    made: list[Path] = []
    try:
        made += model_files.make(folder / "models", size)
        rows = _tree(folder / "models", sum(path.suffix != ".json" for path in made), rounds)
        for suffix in _LIBRARIES:
            rows += _beside([path for path in made if path.suffix == suffix], rounds)
        made += (large := _large(folder, min(_WORDS, size * 15)))
        return [*rows, *(row for path in large for row in _beside([path], 1 if "words" in path.name else rounds))]
    finally:
        model_files.remove(folder, made)


def _tree(tree: Path, count: int, rounds: int) -> list[Row]:
    """The whole tree: walked, grouped, opened, probed, recognised."""
    place = os.fsencode(tree)
    with ProcessPoolExecutor(PROCESSES, get_context("spawn")) as pool:
        probed = list(pool.map(partial(_probe_all, place), _batches(_sets(place))))  # starts them, and warms the pages
        expected = sum(probed)

        def together() -> None:
            _same(sum(pool.map(partial(_probe_all, place), _batches(_sets(place)))), expected)

        cases: dict[str, Callable[[], object]] = {
            f"isotope, {count:,} files, one process": lambda: _same(_probe_all(place, _sets(place)), expected),
            f"isotope, {count:,} files, {PROCESSES} processes": together,
        }
        return compare(cases, rounds, items=count)


def _sets(place: bytes) -> list[FileSet]:
    with Root(place) as root:
        found = walk(root)
    return group(found.entries, found.twins)


def _batches(sets: Sequence[FileSet]) -> Iterable[Sequence[FileSet]]:
    return (sets[at : at + _BATCH] for at in range(0, len(sets), _BATCH))


def _probe_all(place: bytes, sets: Sequence[FileSet]) -> int:
    """Tensors found in all of them."""
    with Root(place) as root:
        return sum(_tensors(root, one) for one in sets)


def _tensors(root: Root, one: FileSet) -> int:
    with ExitStack() as opened:
        sources = [opened.enter_context(root.open(file.entry.path, name=file.name)) for file in one.files]
        members = (SetMember(file.name, file.role, source) for file, source in zip(one.files, sources, strict=True))
        probe = probe_file(sources[0]) if one.single else probe_set(SetSource(tuple(members)))
        recognise(probe)
        return len(probe.tensors)


def _same(found: int, expected: int) -> None:
    if found != expected:
        raise RuntimeError(f"{found:,} tensors were found, and {expected:,} before")


def _large(folder: Path, words: int) -> list[Path]:
    """A checkpoint of 7 GB, a language model of 7 GB, and one with a large vocabulary."""
    blocks = {f"block.{block}.{part}.weight": (640, 640) for block in range(400) for part in "abcdef"}
    missing = (_LARGE - len(blocks) * 819_200) // 2
    files = {
        "large.safetensors": model_files.safetensors({**blocks, "rest": (missing,)}),
        "large.gguf": next(iter(model_files.language_model(_MANY * 2, 40, 4096).files.values())),
        "words.gguf": next(iter(model_files.language_model(words, 4).files.values())),
    }
    for name, content in files.items():
        model_files.write(folder / name, *content)
    return [folder / name for name in files]


def _beside(paths: list[Path], rounds: int) -> list[Row]:
    """Ours and the library's, file by file, in one process. The library is the base where it is installed."""
    if not paths:
        return []
    suffix, library = paths[0].suffix, _LIBRARIES[paths[0].suffix]
    some = paths[:_MANY]
    what = some[0].name if len(paths) == 1 else f"{len(some)} {suffix} files"
    cases: dict[str, Callable[[], object]] = {}
    if find_spec(library[0]) is not None:
        cases[f"{'.'.join(library)}, {what}"] = lambda: [_READ[suffix](path) for path in some]
    cases[f"isotope, {what}"] = lambda: [_ours(path) for path in some]
    for case in cases.values():
        case()
    return compare(cases, rounds, items=len(some))


def _ours(path: Path) -> Probe:
    with Root(os.fsencode(path.parent)) as root, root.open(os.fsencode(path.name)) as source:
        return probe_file(source)


def _safe_open(path: Path) -> None:
    with import_module("safetensors").safe_open(path, "np") as file:
        for name in file.keys():  # noqa: SIM118 - it is no dict
            piece = file.get_slice(name)
            piece.get_shape(), piece.get_dtype()


def _gguf_reader(path: Path) -> None:
    reader = import_module("gguf").GGUFReader(path)
    list(reader.tensors)


def _onnx_load(path: Path) -> None:
    import_module("onnx").load(path, load_external_data=False)


_LIBRARIES = {".safetensors": ("safetensors", "safe_open"), ".gguf": ("gguf", "GGUFReader"), ".onnx": ("onnx", "load")}
_READ = {".safetensors": _safe_open, ".gguf": _gguf_reader, ".onnx": _onnx_load}
