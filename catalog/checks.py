"""What can be seen wrong with the settings before anything starts; each with the way to mend it."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.apps import AppConfig

_SETTINGS = Path(settings.BASE_DIR) / "config"
_OUTSIDE = {"ISOTOPE_CHROMIUM", "ISOTOPE_TEST_SESSION", "ISOTOPE_MODELS"}
"""Read by the tests and by docker/compose.yml."""


@register()
def names(app_configs: Sequence[AppConfig] | None, **_kwargs: object) -> list[CheckMessage]:
    """A misspelt setting would silently keep its default."""
    text = "".join(path.read_text() for path in _SETTINGS.rglob("*.py"))
    known = set(re.findall(r"ISOTOPE_[A-Z_]+", text)) | _OUTSIDE
    given = sorted(name for name in os.environ if name.startswith("ISOTOPE_"))
    return [
        Warning(
            f"The environment sets {name}, which is no setting of Isotope.",
            hint="Check its spelling against config/settings.py.",
            id="catalog.W001",
        )
        for name in given
        if name not in known and name.removesuffix("_FILE") not in known
    ]


@register()
def data_folder(app_configs: Sequence[AppConfig] | None, **_kwargs: object) -> list[CheckMessage]:
    """The secret key and the embedded servers live there."""
    folder = Path(settings.ISOTOPE_DATA)
    parent = next(path for path in (folder, *folder.parents) if path.exists())
    if os.access(parent, os.W_OK):
        return []
    stat = parent.stat()
    return [
        Error(
            f"{folder} cannot be written: {parent} belongs to user {stat.st_uid}, mode {stat.st_mode & 0o777:o}.",
            hint=f"chown {os.getuid()} {parent}, or set ISOTOPE_DATA to a folder of your own.",
            id="catalog.E001",
        )
    ]
