"""Ollama: `blobs/sha256-<digest>`, named by `manifests/<registry>/<namespace>/<model>/<tag>`.

Source: https://github.com/ollama/ollama, server/modelpath.go, server/manifest.go.
"""

from __future__ import annotations

from catalog.layouts.base import Claim, Layout, Spot

_BLOBS = b"blobs"
_MODELS = b"models"


def claim(spot: Spot) -> Claim | None:
    """The store where nothing else lies in it, else the folder of its blobs."""
    if _BLOBS not in spot.folders:
        return None
    blobs = spot.within(_BLOBS)
    if not blobs.models or spot.tree.blobs[blobs.path] != blobs.models:
        return None
    alone, marked = spot.models == blobs.models, b"manifests" in spot.marks
    if not (alone or marked):
        return None
    return Claim((1 + marked, int(spot.name == _MODELS), 1, 1), (spot.path if alone else blobs.path,), proven=marked)


def title(path: bytes, sha256: str | None, kind: str) -> str:
    """Nothing: its names are not in its paths, but in its manifests."""
    return ""


LAYOUT = Layout("ollama", "Ollama", "Ol", claim, title, managed=True, scheme="ollama")
