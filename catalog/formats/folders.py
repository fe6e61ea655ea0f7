"""A weight set as one model: the tensors of all its files, the configurations beside them, and what is missing.

In a pipeline each part keeps its folder in the tensors' names (`unet/conv_in.weight`), so that parts can be told
apart; at the top of a folder names stay as they are, so that shards, one file and a loose file read the same.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from catalog.errors import MalformedFile
from catalog.formats import gguf_split, shards
from catalog.formats.base import Json, Probe, Problem, SetMember, SetSource, TensorInfo
from catalog.formats.strict_json import MAX_CONFIG, read_object
from catalog.formats.text import clean_name
from catalog.storage.values import shown
from catalog.vocabulary import FileRole, FindingCode, Format, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

PIPELINE = "model_index.json"
CONFIG = "config.json"
ADAPTER = "adapter_config.json"
MAX_CONFIGS = 16_777_216
"""Bytes read of all configurations of one set; a pipeline's have some ten thousand."""

MAX_TENSORS = 500_000
"""Tensors read of one set; the largest models have some 200,000."""

_NEEDED = frozenset({b"config.json", b"model_index.json", b"adapter_config.json", b"scheduler_config.json"})
"""Configurations that a loader reads as an object; others called so may be anything (`data_config.json` is a list)."""

_OWN = frozenset((Format.CTRANSLATE2, Format.OPENVINO, Format.TENSORFLOW, Format.GGML))
"""Formats of which weights beside a `config.json` are not what transformers would load."""

HEADER = "__metadata__"
"""Key of a set's metadata under which the header of its first weight file stands."""


def read(source: SetSource, read_file: Callable[[SetMember, Sequence[SetMember]], Probe]) -> Probe:
    """One probe for the set. `read_file` reads a single weight file and never raises `MalformedFile`; it is also given
    the data files in the folder of that file, and counts them from 1.
    """
    metadata, problems = _configs(source)
    tensors: list[TensorInfo] = []
    formats: list[Format] = []
    outcomes: list[Outcome] = []
    parts: list[tuple[bytes, Probe]] = []
    for number, file in enumerate(source.files):
        if file.role is not FileRole.WEIGHTS:
            continue
        if len(tensors) > MAX_TENSORS:
            return _endless(metadata, formats)
        numbers = (number, *_beside(source, file))
        probe = read_file(file, [source.files[beside] for beside in numbers[1:]])
        formats.append(probe.format)
        outcomes.append(probe.outcome)
        parts.append((file.name, probe))
        problems.extend(_named(problem, file) for problem in probe.problems)
        if probe.metadata:
            metadata.setdefault(HEADER, dict(probe.metadata))
        prefix = _prefix(file.name)
        tensors.extend(
            tensor._replace(name=prefix + tensor.name, file=numbers[tensor.file]) for tensor in probe.tensors
        )
    tensors.sort()
    incomplete = [*shards.problems(source.files, _held(parts)), *gguf_split.problems(parts), *_twice(tensors)]
    outcome = _worst([*outcomes, Outcome.INVALID] if incomplete else outcomes)
    if outcome is Outcome.UNSAFE:
        tensors = []  # withheld, those of the other files too
    return Probe(_format(metadata, formats), outcome, tuple(tensors), metadata, None, (*incomplete, *problems))


def _held(parts: Sequence[tuple[bytes, Probe]]) -> dict[bytes, frozenset[str]]:
    """The tensors of each sound safetensors file, whose names are those that an index gives."""
    return {
        name: frozenset(tensor.name for tensor in probe.tensors)
        for name, probe in parts
        if probe.format is Format.SAFETENSORS and probe.outcome is Outcome.OK
    }


def _beside(source: SetSource, file: SetMember) -> Iterator[int]:
    """The numbers of the data files in the folder of a file."""
    folder = file.name.rpartition(b"/")[0]
    for number, other in enumerate(source.files):
        if other.role is FileRole.DATA and other.name.rpartition(b"/")[0] == folder:
            yield number


def _configs(source: SetSource) -> tuple[dict[str, Json], list[Problem]]:
    """Every configuration by its relative name. A broken one is a problem, but no reason to doubt the tensors."""
    found: dict[str, Json] = {}
    problems: list[Problem] = []
    left = MAX_CONFIGS
    for file in source.files:
        if file.role is not FileRole.CONFIG or not file.name.endswith(b".json"):
            continue
        try:
            found[shown(file.name)] = read_object(file.source, min(MAX_CONFIG, left))
            left -= file.source.size
        except MalformedFile as error:
            if file.name.rpartition(b"/")[2] in _NEEDED:
                problems.append(_named(Problem(error.code, error.params), file))
    return found, problems


def _named(problem: Problem, file: SetMember) -> Problem:
    return Problem(problem.code, {"file": shown(file.name), **problem.params})


def _endless(metadata: Mapping[str, Json], formats: list[Format]) -> Probe:
    what = f"More than {MAX_TENSORS:,} tensors"
    problem = Problem(FindingCode.MALFORMED, {"what": what, "where": "the weights of this set"})
    return Probe(_format(metadata, formats), Outcome.INVALID, problems=(problem,))


def _prefix(name: bytes) -> str:
    folder = name.rpartition(b"/")[0]
    return clean_name(shown(folder)) + "/" if folder else ""


def _twice(tensors: list[TensorInfo]) -> Iterator[Problem]:
    """The first name that two files of the set give, if any: a reader would take one of the two."""
    for tensor, following in pairwise(tensors):
        if tensor.name == following.name:
            what = "A tensor that two shards hold"
            yield Problem(FindingCode.MALFORMED, {"what": what, "where": f"tensor {tensor.name}"})
            return


def _worst(outcomes: list[Outcome]) -> Outcome:
    """What the set comes to: sound only if every weight file is."""
    for outcome in (Outcome.UNSAFE, Outcome.INVALID, Outcome.UNSUPPORTED, Outcome.SUSPICIOUS):
        if outcome in outcomes:
            return outcome
    return Outcome.OK if outcomes else Outcome.UNSUPPORTED


def _format(metadata: Mapping[str, Json], formats: list[Format]) -> Format:
    """By the configuration at the top of the folder; without one, or where the weights are another program's (a
    `model.bin` of CTranslate2), the format of the weights.
    """
    if formats and formats[0] in _OWN and len(set(formats)) == 1:
        return formats[0]
    config = metadata.get(CONFIG)
    if PIPELINE in metadata or (isinstance(config, dict) and "_class_name" in config):
        return Format.DIFFUSERS
    if CONFIG in metadata or ADAPTER in metadata:
        return Format.TRANSFORMERS
    return formats[0] if formats else Format.OTHER
