"""Looking at pickles that no reader of weights would come to, since another program might."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from catalog.errors import MalformedFile, UnsupportedFormat
from catalog.formats.pickle_machine import Machine
from catalog.formats.pickle_opcodes import run

if TYPE_CHECKING:
    from catalog.formats.pickle_tape import Tape
    from catalog.formats.pickle_torch import Torch


def walk_rest(tape: Tape, torch: Torch) -> None:
    """Walk one pickle after the other until the tape or the sense ends. Raises `UnsafeFile` for what does harm."""
    with suppress(MalformedFile, UnsupportedFormat):
        while tape.left:
            run(Machine(tape, torch.findings, torch.call, torch.fetch))
