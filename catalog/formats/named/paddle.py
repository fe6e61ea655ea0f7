"""PaddlePaddle: `.pdmodel` with the program, `.pdiparams` with its numbers.

Definitions: paddle/fluid/framework/framework.proto (`ProgramDesc`), paddle/fluid/framework/lod_tensor.cc
(`SerializeToStream`): a version, the number of levels, a version, the length of a description, the description.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from catalog.formats.heads import Guess
from catalog.vocabulary import Format

if TYPE_CHECKING:
    from catalog.formats.heads import Head

_FIRST_BLOCK = re.compile(rb"\x0a[\x80-\xff]{0,4}[\x00-\x7f]\x08\x00\x10\xff{9}\x01")  # number 0, parent -1
_DESCRIBED = re.compile(rb"\x08[\x00-\x1f](\x10|\x12)")  # a type of data, then lengths


def recognise(head: Head) -> Guess | None:
    """The program by its first block, the numbers by the head of the first tensor."""
    if _FIRST_BLOCK.match(head.start):
        return Guess(Format.PADDLE, "PaddlePaddle program")
    if head.start[:16] == bytes(16) and 2 <= head.u32(16) <= 256 and _DESCRIBED.match(head.start, 20):
        return Guess(Format.PADDLE)
    return None
