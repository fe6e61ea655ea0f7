"""A probe and its tensor digests in one compressed value, for one database row.

Layout: `ISO1`, then a zlib stream of u32le(length of the JSON) || JSON || the 32-byte digests in the order of the
tensors. The JSON holds the tensors by column, so that equal neighbours compress.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from catalog.formats.base import Json, Probe, Stored, TensorInfo

Item = TypeVar("Item", bound=Hashable)

MAGIC = b"ISO1"
DIGEST = 32
MAX_UNPACKED = 268_435_456
"""Bytes that a packed value may unfold to: a million tensors and their metadata."""


class Unpacked(NamedTuple):
    """What `pack` was given. `digests` is None where none were known."""

    tensors: tuple[TensorInfo, ...]
    metadata: Mapping[str, Json]
    body: int | None
    digests: tuple[bytes, ...] | None


def pack(probe: Probe, digests: Sequence[bytes] | None = None) -> bytes:
    """`digests`: one of 32 bytes for each of `probe.tensors`, or None. Raises `ValueError` when they do not fit."""
    if digests is not None and [len(digest) for digest in digests] != [DIGEST] * len(probe.tensors):
        raise ValueError(f"one digest of {DIGEST} bytes is needed for each of {len(probe.tensors)} tensors")
    dtypes = _numbered(tensor.dtype for tensor in probe.tensors)
    shapes = _numbered(tensor.shape for tensor in probe.tensors)
    stored = {at: tensor.stored for at, tensor in enumerate(probe.tensors) if tensor.stored is not None}
    columns = {
        "names": [tensor.name for tensor in probe.tensors],
        "dtypes": list(dtypes),
        "shapes": list(shapes),
        "dtype": [dtypes[tensor.dtype] for tensor in probe.tensors],
        "shape": [shapes[tensor.shape] for tensor in probe.tensors],
        "offset": [tensor.offset for tensor in probe.tensors],
        "nbytes": [tensor.nbytes for tensor in probe.tensors],
        "file": [tensor.file for tensor in probe.tensors],
        "stored": stored,
        "metadata": dict(probe.metadata),
        "body": probe.body,
        "digests": digests is not None,
    }
    text = json.dumps(columns, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    whole = b"".join([len(text).to_bytes(4, "little"), text, *(digests or ())])
    if len(whole) > MAX_UNPACKED:
        raise ValueError(f"{len(whole):,} bytes are more than a tensor index may have")
    return MAGIC + zlib.compress(whole, 6)


def unpack(packed: bytes) -> Unpacked:
    """The reverse of `pack`, exactly. Raises `ValueError` for anything that `pack` did not make."""
    if not packed.startswith(MAGIC):
        raise ValueError("this is no packed tensor index")
    stream = zlib.decompressobj()
    try:
        whole = stream.decompress(packed[len(MAGIC) :], MAX_UNPACKED)
    except zlib.error as error:
        raise ValueError("this packed tensor index is damaged") from error
    if not stream.eof:
        raise ValueError("this packed tensor index is cut off, or larger than one may be")
    length = 4 + int.from_bytes(whole[:4], "little")
    columns = json.loads(whole[4:length])
    names = columns["names"]
    shapes = [tuple(shape) for shape in columns["shapes"]]
    dtypes = columns["dtypes"]
    stored = {int(at): Stored(tuple(how[0]), *how[1:]) for at, how in columns.get("stored", {}).items()}
    tensors = tuple(
        TensorInfo(name, dtypes[dtype], shapes[shape], offset, nbytes, file)
        for name, dtype, shape, offset, nbytes, file in zip(
            names,
            columns["dtype"],
            columns["shape"],
            columns["offset"],
            columns["nbytes"],
            columns["file"],
            strict=True,
        )
    )
    if stored:
        tensors = tuple(tensor._replace(stored=stored.get(at)) for at, tensor in enumerate(tensors))
    digests = tuple(whole[at : at + DIGEST] for at in range(length, length + DIGEST * len(names), DIGEST))
    return Unpacked(tensors, columns["metadata"], columns["body"], digests if columns["digests"] else None)


def _numbered(values: Iterable[Item]) -> dict[Item, int]:
    """Each distinct value with the number of its first appearance."""
    numbers: dict[Item, int] = {}
    for value in values:
        numbers.setdefault(value, len(numbers))
    return numbers
