"""What a person asked `up` for."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from config import serving

if TYPE_CHECKING:
    from collections.abc import Mapping

PARTS = ("web", "workers", "beat")
"""What `--only` can name, for several containers or machines that share their servers."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """The arguments of `up`."""

    paths: tuple[str, ...]
    demo: bool
    host: str
    port: int
    workers: int
    flower: bool
    parts: tuple[str, ...] = PARTS

    @classmethod
    def read(cls, options: Mapping[str, object]) -> Wishes:
        """From the parsed command line."""
        paths = options["paths"]
        return cls(
            paths=tuple(os.path.abspath(os.path.expanduser(path)) for path in paths) if isinstance(paths, list) else (),
            demo=bool(options["demo"]),
            host=str(options["host"]),
            port=int(str(options["port"])),
            workers=int(str(options["workers"])),
            flower=not (options["no_flower"] or options["only"]),
            parts=tuple(str(options["only"] or ",".join(PARTS)).split(",")),
        )

    @property
    def lock(self) -> str:
        """One process of each sort a data folder."""
        return serving.LOCK if set(self.parts) == set(PARTS) else "up-" + "-".join(sorted(self.parts))
