"""The readers of formats. `probe_file` and `probe_set` never raise for a bad file: they say what is wrong with it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from catalog.errors import MalformedFile, UnsafeFile, UnsupportedFormat
from catalog.formats import folders, gguf, hdf5, onnx, paddle, pytorch, safetensors
from catalog.formats.base import (
    Json,
    Probe,
    Problem,
    SetMember,
    SetSource,
    Source,
    TensorInfo,
    truncated,
)
from catalog.formats.sniffing import sniff
from catalog.vocabulary import FindingCode, Format, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from catalog.formats.heads import Guess

__all__ = [
    "READERS",
    "Json",
    "Probe",
    "Problem",
    "SetMember",
    "SetSource",
    "Source",
    "TensorInfo",
    "probe_file",
    "probe_set",
]

READERS: Mapping[Format, Callable[[Source], Probe]] = {
    Format.SAFETENSORS: safetensors.read,
    Format.GGUF: gguf.read,
    Format.ONNX: onnx.read,
    Format.PICKLE: pytorch.read,
    Format.PADDLE: paddle.read,
    Format.KERAS: hdf5.read_keras,
    Format.HDF5: hdf5.read,
}
"""The reader of each format that is read; the content of a file decides which one it gets."""
_WITH_DATA: Mapping[Format, Callable[[Source, Sequence[SetMember]], Probe]] = {
    Format.ONNX: onnx.read,
    Format.PADDLE: paddle.read,
}
"""Those whose values may lie in files beside it."""


def probe_file(source: Source, beside: Sequence[SetMember] = ()) -> Probe:
    """What one file is, from its first bytes and its header. `beside` are files in its folder that hold data of it:
    the `file` of a tensor in one of them counts them from 1.

    A malformed one comes back as `invalid`, one that no reader knows as `unsupported`, each with its problem. Errors
    of the operating system (`UnreadableFile`, `ChangedFile`) are raised.
    """
    guess = sniff(source)
    if source.size == 0:
        return _failed(guess.format, Outcome.INVALID, Problem(FindingCode.EMPTY, {}))
    if guess.no_model:
        return pytorch.disguised(source) or _failed(
            guess.format, Outcome.INVALID, Problem(FindingCode.NOT_A_MODEL, {"what": guess.no_model})
        )
    try:
        probe = _read(guess, source, beside)
        return replace(probe, metadata={**guess.facts, **probe.metadata}) if guess.facts else probe
    except (MalformedFile, UnsafeFile, UnsupportedFormat) as error:
        disguised = pytorch.disguised(source) if guess.format is Format.SAFETENSORS else None
        failed = _failed(guess.format, error.outcome, Problem(error.code, error.params))
        return disguised or replace(failed, metadata=guess.facts)


def probe_set(source: SetSource) -> Probe:
    """What the files of one weight set are together; a missing shard makes it `invalid`, its tensors still listed."""
    return folders.read(source, lambda file, beside: probe_file(file.source, beside))


def _read(guess: Guess, source: Source, beside: Sequence[SetMember]) -> Probe:
    if beside and guess.format in _WITH_DATA:
        return _WITH_DATA[guess.format](source, beside)
    reader = READERS.get(guess.format)
    return reader(source) if reader is not None else _named(guess, source)


def _named(guess: Guess, source: Source) -> Probe:
    """A format that is recognised, its tensors not read. Raises `MalformedFile` where the file is cut off."""
    disguised = pytorch.disguised(source) if guess.format is Format.OTHER else None
    if disguised is not None:
        return disguised
    if guess.promised > source.size:
        raise truncated(guess.promised, source.size)
    problem = Problem(FindingCode.UNSUPPORTED, {"format": guess.title})
    return Probe(guess.format, Outcome.UNSUPPORTED, metadata=guess.facts, problems=(problem,))


def _failed(kind: Format, outcome: Outcome, problem: Problem) -> Probe:
    return Probe(kind, outcome, problems=(problem,))
