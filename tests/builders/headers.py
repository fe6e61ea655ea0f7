"""safetensors files out of shapes alone: true widths, sparse bodies."""

from __future__ import annotations

import json
import math
import struct
from typing import TYPE_CHECKING

from catalog.formats.safetensors import BITS
from tests.builders.sources import MemorySource

if TYPE_CHECKING:
    from collections.abc import Mapping


def header_only(
    shapes: Mapping[str, tuple[int, ...]],
    dtype: str = "F16",
    metadata: Mapping[str, str] | None = None,
    *,
    dtypes: Mapping[str, str] | None = None,
) -> MemorySource:
    """A sound file of full size whose tensor data is a hole: 7 GB cost nothing."""
    header: dict[str, object] = {"__metadata__": dict(metadata)} if metadata else {}
    offset = 0
    for name, shape in shapes.items():
        kind = (dtypes or {}).get(name, dtype)
        end = offset + math.prod(shape) * BITS[kind] // 8
        header[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    return MemorySource(struct.pack("<Q", len(text)) + text, size=8 + len(text) + offset)
