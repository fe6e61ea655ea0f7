"""Core ML (coremltools: mlmodel/format/Model.proto, modelpackage/).

A model is a protobuf message whose kind is a field from 200 on (`oneof Type`). A package is a folder with a
`Manifest.json`; its model may leave the weights to `weights/weight.bin`, which begins with the number of its blobs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.formats.heads import Guess
from catalog.formats.named.wire import LENGTH, VARINT, fields
from catalog.vocabulary import Format

if TYPE_CHECKING:
    from catalog.formats.heads import Head

BLOBS_BEGIN = 64  # MILBlob/Blob/StorageFormat.hpp: a header of 64 bytes, then the first blob
BLOB_SENTINEL = 0xDEADBEEF

_VERSION, _DESCRIPTION, _UPDATABLE = 1, 2, 10
_FIRST_KIND = 200


def recognise(head: Head) -> Guess | None:
    """A model, or the weights of a package."""
    if head.u32(BLOBS_BEGIN) == BLOB_SENTINEL and head.u32() > 0 and head.u32(4) in {1, 2}:
        return Guess(Format.COREML, "Core ML, the weights of a package", facts={"blobs": head.u32()})
    if head.start[:1] == b"\x08" and (version := _version(head)):
        return Guess(Format.COREML, facts={"specification": version})
    return None


def _version(head: Head) -> int:
    """The version of the specification that a model states; 0 for any other message."""
    found = fields(head.source)
    if found is None or (found[0].number, found[0].wire) != (_VERSION, VARINT):
        return 0
    others = {field.number for field in found[1:]}
    kinds = {number for number in others if number >= _FIRST_KIND}
    known = others - kinds <= {_DESCRIPTION, _UPDATABLE}
    whole = all(field.wire == LENGTH for field in found if field.number in kinds)
    return found[0].value if known and whole and len(kinds) == 1 else 0
