"""Opening notes: bounded, within the library, and with a sentence instead of an error."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from catalog.errors import ChangedFile, FileProblem
from catalog.services import drives
from catalog.sidecars import Told, a1111_database, sidecar
from catalog.storage import sqlite
from catalog.vocabulary import FindingCode, NoteKind
from catalog.vocabulary.sizes import human_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.models import Note
    from catalog.storage.root import Root

_SECTION = -2
_MOST_LINES = 200_000


class Page(NamedTuple):
    """A note and what it says. `unread`: it could not be opened. One that is gone is no problem: a scan will say so."""

    note: Note
    told: Told
    unread: bool = False


def read_all(root: Root, notes: Sequence[Note]) -> list[Page]:
    """What each note says. Where one cannot be opened, the library is looked at: raises `LibraryOffline`."""
    pages = [_page(root, note) for note in notes]
    failed = [page.note for page in pages if page.unread]
    if failed:
        drives.look(library_id=failed[0].library_id, besides=[bytes(note.path) for note in failed])
    return pages


def bytes_of(root: Root, note: Note, largest: int) -> bytes:
    """All of a file of at most so many bytes. Raises `FileProblem`."""
    with root.open(bytes(note.path)) as file:
        if file.size > largest:
            reason = f"it has {human_size(file.size)}, more than is read of one ({human_size(largest)})"
            raise FileProblem(FindingCode.UNREADABLE, reason=reason)
        return file.read_at(0, file.size)


def reason_of(problem: FileProblem) -> str:
    """Why it could not be read, as the end of a sentence."""
    return str(problem.params.get("reason") or problem.code.heading.lower())


def _page(root: Root, note: Note) -> Page:
    try:
        return Page(note, _told(root, note))
    except ChangedFile:
        return Page(note, Told(), unread=True)
    except FileProblem as problem:
        return Page(note, Told(problem=reason_of(problem)), unread=True)


def _told(root: Root, note: Note) -> Told:
    if note.kind == NoteKind.A1111_DATABASE:
        path = bytes(note.path)
        rows = sqlite.rows(root, path, a1111_database.TABLE, a1111_database.COLUMNS, _MOST_LINES)
        return a1111_database.read(rows, path.split(b"/")[_SECTION].decode("ascii", "replace"))
    reader = sidecar(note.kind)
    return reader.read(bytes_of(root, note, reader.largest)) if reader is not None else Told()
