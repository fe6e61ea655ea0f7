"""PyTorch's files: a zip around a pickle and its storages, before that a row of pickles, before that a tar archive.

Nothing is unpickled: the opcodes are walked, the names in them judged, the storages found by offset
(torch/serialization.py; torch/csrc/jit/serialization for TorchScript). Three answers: sound; suspicious, with names
that torch's own weights-only reader would not take; unsafe, with names that do harm or a container that hides what it
holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.errors import MalformedFile, UnsafeFile, UnsupportedFormat
from catalog.formats import pytorch_legacy, pytorch_tar, pytorch_zip
from catalog.formats.base import Probe, Problem, Source
from catalog.formats.pickle_machine import Findings
from catalog.formats.pickle_names import NO_NAME
from catalog.vocabulary import FindingCode, Format, Outcome

if TYPE_CHECKING:
    from catalog.formats.pickle_index import Index

_SUFFIXES = (b".ckpt", b".pt", b".pth", b".bin", b".pkl", b".pickle", b".safetensors", b".sft")
_SHOWN = 12
"""Foreign names that are told; the rest is counted."""


def read(source: Source) -> Probe:
    """The index of one file, from its pickles. Raises `MalformedFile`, `UnsafeFile`, `UnsupportedFormat`."""
    head = source.read_at(0, min(512, source.size))
    if head.startswith(b"PK"):
        return _zip(source)
    findings = Findings()
    reader = pytorch_tar.read if head.startswith(b"ustar", 257) else pytorch_legacy.read
    return _probe(reader(source, findings), findings)


def disguised(source: Source) -> Probe | None:
    """A pickle that does not begin like one, under a suffix of PyTorch's; None where nothing of note is in it."""
    if not source.name.lower().endswith(_SUFFIXES):
        return None
    findings = Findings()
    try:
        probe = _probe(pytorch_legacy.read(source, findings), findings)
    except UnsafeFile as error:
        if str(error.params.get("what", "")).startswith(NO_NAME):
            return None  # a script that begins with `import`, say: letters are opcodes too
        return Probe(Format.PICKLE, error.outcome, problems=(Problem(error.code, error.params),))
    except (MalformedFile, UnsupportedFormat):
        return None
    return probe if probe.problems or probe.tensors else None


def _zip(source: Source) -> Probe:
    archive = pytorch_zip.open_archive(source)
    findings = Findings(script=archive.script)
    index = pytorch_zip.read(source, archive, findings)
    if not archive.compressed:
        return _probe(index, findings)
    problems = [*_foreign(findings), Problem(FindingCode.COMPRESSED, {"count": len(index.tensors)})]
    return Probe(Format.PICKLE, Outcome.UNSUPPORTED, index.tensors, index.metadata, problems=tuple(problems))


def _probe(index: Index, findings: Findings) -> Probe:
    outcome = Outcome.SUSPICIOUS if findings.foreign else Outcome.OK
    return Probe(Format.PICKLE, outcome, index.tensors, index.metadata, problems=tuple(_foreign(findings)))


def _foreign(findings: Findings) -> list[Problem]:
    if not findings.foreign:
        return []
    names = [*findings.foreign]
    more = f" (+{len(names) - _SHOWN:,} more)" if len(names) > _SHOWN else ""
    return [Problem(FindingCode.FOREIGN_OBJECTS, {"names": ", ".join(names[:_SHOWN]) + more})]
