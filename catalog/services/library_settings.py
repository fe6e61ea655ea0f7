"""What a person sets for a library folder: its name, what is read of it, and when it may be hashed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.errors import NotFound
from catalog.models import Library

if TYPE_CHECKING:
    from datetime import time


@dataclass(frozen=True, slots=True)
class LibrarySettings:
    """All settings of a library folder at once. `speed_limit` is in MB/s; None anywhere means no limit."""

    name: str
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    read_only: bool
    paused: bool
    speed_limit: int | None
    quiet_from: time | None
    quiet_until: time | None


def change(*, library_id: int, to: LibrarySettings) -> None:
    """Workers see it with their next beat; other patterns count from the next scan on."""
    _update(
        library_id,
        name=to.name,
        include=list(to.include),
        exclude=list(to.exclude),
        read_only=to.read_only,
        paused=to.paused,
        speed_limit=to.speed_limit,
        quiet_from=to.quiet_from,
        quiet_until=to.quiet_until,
    )


def set_paused(*, library_id: int, paused: bool) -> None:
    """No bytes are read while a library is paused; a worker gives back what it holds within two seconds."""
    _update(library_id, paused=paused)


def _update(library_id: int, **columns: object) -> None:
    if not Library.objects.filter(pk=library_id, removed_at=None).update(**columns):
        raise NotFound("This library folder was removed.")
