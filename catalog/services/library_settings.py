"""What a person sets for a library folder: its name, what is read of it, and when it may be hashed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog import layouts
from catalog.errors import NotFound, Refused
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
    """Workers see it with their next beat; other patterns count from the next scan on.

    Raises `Refused` for writing to the folder of a tool that keeps track of its files by itself.
    """
    if not to.read_only:
        _refuse_managed(library_id)
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


def why_read_only(library: Library) -> str:
    """The sentence for a folder that is never written to; "" for one that a person may open to writing."""
    if not library.managed:
        return ""
    tool = layouts.label_of(library.layout) or "Its program"
    return f"{tool} keeps track of these files by itself and would miss what others change, so this stays read-only."


def _refuse_managed(library_id: int) -> None:
    library = Library.objects.filter(pk=library_id, removed_at=None, managed=True).first()
    if library is not None:
        raise Refused(why_read_only(library))


def _update(library_id: int, **columns: object) -> None:
    if not Library.objects.filter(pk=library_id, removed_at=None).update(**columns):
        raise NotFound("This library folder was removed.")
