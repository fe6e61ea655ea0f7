"""LM Studio: `~/.lmstudio/models/<publisher>/<repository>/<file>`, before version 0.3.6 `~/.cache/lm-studio/models`.

Source: https://lmstudio.ai/docs, "Import models".
"""

from __future__ import annotations

import re

from catalog.layouts.base import Claim, Layout, Spot, shown

_FOLDER = re.compile(rb"/(?:\.lmstudio|lm-studio)/models$")


def claim(spot: Spot) -> Claim | None:
    """By the path alone: two folders above a file say nothing."""
    if not spot.folders or not _FOLDER.search(spot.whole):
        return None
    return Claim((1, 1, len(spot.folders), 1), (spot.path,), proven=True)


def title(path: bytes, sha256: str | None, kind: str) -> str:
    """`publisher/repository/file.gguf`"""
    return shown(path.removeprefix(b"models/"))


LAYOUT = Layout("lmstudio", "LM Studio", "Ls", claim, title)
