"""The shapes that tensors had before a converter to GGUF changed them, where its header says so.

City96's tools for ComfyUI-GGUF (convert.py) write a kernel whose rows are no multiple of a block as rows of 256 values,
and its own shape under `comfy.gguf.orig_shape.NAME`.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from catalog.formats.base import Json, TensorInfo

_PREFIX = "comfy.gguf.orig_shape."
_MOST_AXES = 8


def restored(tensors: Sequence[TensorInfo], metadata: Mapping[str, Json]) -> tuple[TensorInfo, ...]:
    """The tensors, those with their own shape that have one of as many values."""
    if not any(key.startswith(_PREFIX) for key in metadata):
        return tuple(tensors)
    return tuple(_restored(tensor, metadata.get(_PREFIX + tensor.name)) for tensor in tensors)


def _restored(tensor: TensorInfo, stated: Json) -> TensorInfo:
    if not isinstance(stated, list) or not 0 < len(stated) <= _MOST_AXES or tensor.stored is not None:
        return tensor
    shape = tuple(
        length for length in stated if isinstance(length, int) and not isinstance(length, bool) and length > 0
    )
    if len(shape) < len(stated) or prod(shape) != tensor.values:
        return tensor
    return tensor._replace(shape=shape)
