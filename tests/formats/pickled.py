"""What the tests of PyTorch's files share: a sound one, a payload, and what the reader says of bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from catalog.formats import probe_file
from catalog.vocabulary import FindingCode, Format, Outcome
from tests.builders import MemorySource
from tests.builders.pickles import Call, Global, torch_zip

if TYPE_CHECKING:
    from catalog.formats import Probe
    from tests.builders import Array

STATE: dict[str, Array] = {"w": np.ones((3, 4), np.float32)}
SOUND = torch_zip(STATE)
PAYLOAD = Call(Global("os", "system"), ("true",))


def probe(content: bytes, name: bytes = b"model.pt") -> Probe:
    return probe_file(MemorySource(content, name))


def unsafe(content: bytes, name: bytes = b"model.pt") -> str:
    """The sentence on a file that must be unsafe."""
    found = probe(content, name)
    assert (found.format, found.outcome, found.tensors) == (Format.PICKLE, Outcome.UNSAFE, ())
    assert found.problems[0].code is FindingCode.UNSAFE
    return found.problems[0].sentence
