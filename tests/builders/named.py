"""What a format is called that is recognised and not read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.formats import probe_file
from catalog.vocabulary import FindingCode, Outcome
from tests.builders.sources import MemorySource

if TYPE_CHECKING:
    from catalog.formats import Probe


def named(content: bytes, name: bytes, size: int | None = None) -> Probe:
    """The probe of a file that must be unsupported, with the one sentence that says so."""
    probe = probe_file(MemorySource(content, name, size))
    assert (probe.outcome, [problem.code for problem in probe.problems]) == (
        Outcome.UNSUPPORTED,
        [FindingCode.UNSUPPORTED],
    )
    assert "not read yet; hashes are computed" in probe.problems[0].sentence
    return probe


def no_model(content: bytes, name: bytes = b"model.safetensors", size: int | None = None) -> str:
    """What a file is that must be no model."""
    probe = probe_file(MemorySource(content, name, size))
    assert (probe.outcome, [problem.code for problem in probe.problems]) == (
        Outcome.INVALID,
        [FindingCode.NOT_A_MODEL],
    )
    assert probe.tensors == ()
    return str(probe.problems[0].params["what"])
