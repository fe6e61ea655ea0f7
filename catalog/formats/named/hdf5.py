"""HDF5 (its File Format Specification, II.A), and Keras's older files in it (keras/src/legacy/saving).

Keras's writers put their names (`keras_version`, `layer_names`) into the attributes of the first group, which lie at
the beginning; its newer weights files have the groups `layers` and `vars` there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.formats.heads import Guess
from catalog.vocabulary import Format

if TYPE_CHECKING:
    from catalog.formats.heads import Head

MAGIC = b"\x89HDF\r\n\x1a\n"

_PLACES = (0, 512, 1024, 2048)  # a block of the user's own may stand before; it goes on doubling
_END_AT = {0: 40, 1: 44, 2: 28, 3: 28}  # where each version of the superblock states the end of the file
_WIDTH_AT = {0: 13, 1: 13, 2: 9, 3: 9}
_KERAS_WITHIN = 1_048_576
_KERAS = (b"keras_version", b"layer_names", b"_layer_checkpoint_dependencies")


def recognise(head: Head) -> Guess | None:
    """HDF5, or Keras in it."""
    place = next((at for at in _PLACES if head.start.startswith(MAGIC, at)), None)
    if place is None:
        return None
    promised = _promised(head.start[place:])
    start = head.first(_KERAS_WITHIN)
    newer = b"layers\0" in start and b"vars\0" in start
    if newer or any(word in start for word in _KERAS) or head.name.endswith(b".weights.h5"):
        return Guess(Format.KERAS, "Keras in HDF5", promised=promised)
    return Guess(Format.HDF5, promised=promised)


def _promised(superblock: bytes) -> int:
    """The size that the superblock states; 0 where it is of another kind, or says that nothing is known."""
    version = superblock[8] if len(superblock) > 8 else 255
    at = _END_AT.get(version)
    if at is None or len(superblock) < at + 8 or superblock[_WIDTH_AT[version]] != 8:
        return 0
    end = int.from_bytes(superblock[at : at + 8], "little")
    return 0 if end == (1 << 64) - 1 else end
