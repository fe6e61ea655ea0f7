"""Finding a Chromium, or fetching one without being root."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True, slots=True)
class Chromium:
    """A browser's program, and what its environment needs."""

    program: Path
    fetched: bool = False
    env: dict[str, str] = field(default_factory=dict)


def find(playwrights_own: str) -> Chromium | None:
    """The one named by ISOTOPE_CHROMIUM, else the system's, else playwright's own, else one fetched; None if none."""
    named = [os.environ.get("ISOTOPE_CHROMIUM"), *map(shutil.which, NAMES), playwrights_own]
    for path in named:
        if path and os.access(path, os.X_OK):
            return Chromium(Path(path))
    return None
