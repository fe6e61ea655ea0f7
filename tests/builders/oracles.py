"""The formats' own libraries, as judges."""

from __future__ import annotations

import safetensors


def safetensors_library(content: bytes) -> list[tuple[str, str, tuple[int, ...]]]:
    """Name, dtype and shape of each tensor, by the safetensors library; raises `SafetensorError` for a bad file."""
    found = safetensors.deserialize(content)  # type: ignore[no-untyped-call] # the library has no types
    return [(str(name), str(info["dtype"]), tuple(info["shape"])) for name, info in found]
