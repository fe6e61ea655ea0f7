"""TensorFlow.js: `model.json` with the topology and a list of weights, beside shards without a header of their own.

Definition: tfjs-core/src/io/types.ts (`ModelJSON`); the shards' names come from tfjs-converter/write_weights.py.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from catalog.formats.heads import Guess
from catalog.vocabulary import Format

if TYPE_CHECKING:
    from catalog.formats.heads import Head

_WORDS = (b'"weightsManifest"', b'"modelTopology"')
_TOLD = re.compile(rb'"(format|generatedBy|convertedBy)"\s*:\s*"([ -!#-\[\]-~]{0,100})"')
_GRAPHS = re.compile(rb"group\d+-shard\d+of\d+(\.bin)?")


def recognise(head: Head) -> Guess | None:
    """The description by its keys; a shard by its name, since it is numbers from its first byte on."""
    if _GRAPHS.fullmatch(head.name):
        return Guess(Format.TFJS)
    if not head.start.lstrip().startswith(b"{") or not any(word in head.start for word in _WORDS):
        return None
    facts = {key.decode(): value.decode() for key, value in _TOLD.findall(head.start)}
    return Guess(Format.TFJS, facts={**facts})
