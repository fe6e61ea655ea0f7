"""What a scan does with the notes of other programs: a row each, to be read when it is new or its stat changed.

A rescan that meets the same notes as before says so by one digest over their names and stats, and asks nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from blake3 import blake3
from django.db import transaction
from django.db.models import Q

from catalog.models import Location, LocationFile, Note
from catalog.services import bulk, findings
from catalog.services.scanning.rows import batches
from catalog.storage.keys import path_key, signed
from catalog.storage.values import shown
from catalog.vocabulary import NoteKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from catalog.models import Library
    from catalog.storage.beside import Beside
    from catalog.storage.values import Snapshot
    from catalog.storage.walk import Walk

OF_PROGRAMS = (NoteKind.A1111_CACHE, NoteKind.A1111_DATABASE)
"""Notes about many models; they have no location of their own."""
_STAT = ("size", "mtime_ns", "ctime_ns", "ino")
_NEW = ("library_id", "location_id", "path", "path_key", "kind", *_STAT)
_CHANGED = ("id", "location_id", "kind", *_STAT, "read_at", "attempts")


class _Now(NamedTuple):
    """A note that speaks of a place that is known; of a program's notes the place is None."""

    note: Beside
    location_id: int | None

    @property
    def facts(self) -> tuple[object, ...]:
        """What the row says when nothing changed."""
        return self.location_id, self.note.kind.value, *_stat(self.note.entry.snapshot)


def settle(library: Library, walked: Walk, *, changed: bool) -> str:
    """Writes what is new, changed or gone among the notes, and returns the digest of all of them.

    `changed`: the models themselves are not as they were at the last scan, so a note may speak of another one now.
    """
    mark = _mark(walked.notes)
    same = not walked.part and not changed and library.last_report.get("notes", "") == mark
    if same:
        return mark
    known = _known(library, walked)
    found = _placed(library, walked.notes)
    if changed:
        _again(library)
    _insert(library, [one for path, one in found.items() if path not in known])
    _update([(known[path], one) for path, one in found.items() if path in known])
    _delete(library, [row for path, row in known.items() if path not in found and _looked(path, walked)])
    return mark


def _mark(notes: Iterable[Beside]) -> str:
    """Empty when there are none."""
    state = blake3()
    count = 0
    for (path, stat, *_), kind, owner in notes:
        count += 1
        state.update(b"%d:%b%d:%b%b" % (len(path), path, len(owner), owner, kind.encode()))
        state.update(b"%d %d %d %d " % (stat.size, stat.mtime_ns, stat.ctime_ns, stat.ino))
    return state.hexdigest(length=16) if count else ""


def _known(library: Library, walked: Walk) -> dict[bytes, Note]:
    rows = Note.objects.filter(library=library)
    return {path: row for row in rows if _within(path := bytes(row.path), walked.part)}


def _within(path: bytes, part: bytes) -> bool:
    return not part or path.startswith(part + b"/")


def _looked(path: bytes, walked: Walk) -> bool:
    return walked.covers(path)


def _placed(library: Library, notes: Sequence[Beside]) -> dict[bytes, _Now]:
    """The notes about a place, and those of programs. A note beside a folder that is no model is none."""
    owners = sorted({note.owner for note in notes if note.kind not in OF_PROGRAMS})
    places: dict[bytes, int] = {}
    for batch in batches(owners):
        places |= _of_files(library, batch)
        places |= _of_folders(library, [path for path in batch if path not in places])
    for note in notes:
        if note.kind is NoteKind.MODEL_CARD and note.owner not in places:
            places |= _of_revision(library, note.owner)
    found = {}
    for note in notes:
        if note.kind in OF_PROGRAMS:
            found[note.entry.path] = _Now(note, None)
        elif note.owner in places:
            found[note.entry.path] = _Now(note, places[note.owner])
    return found


def _of_files(library: Library, paths: Sequence[bytes]) -> Mapping[bytes, int]:
    rows = LocationFile.objects.filter(location__library=library, path__in=paths).order_by("-location")
    return {bytes(path): location for path, location in rows.values_list("path", "location")}


def _of_folders(library: Library, paths: Sequence[bytes]) -> Mapping[bytes, int]:
    """Of a folder with several sets, the first that became known; whoever reads the note asks for the others."""
    rows = Location.objects.filter(library=library, path__in=paths).order_by("-pk")
    return {bytes(path): pk for path, pk in rows.values_list("path", "pk")}


def _of_revision(library: Library, folder: bytes) -> Mapping[bytes, int]:
    """A card speaks of every file below its folder where that is no model itself."""
    first = Location.objects.filter(below(folder), library=library).order_by("pk").first()
    return {folder: first.pk} if first is not None else {}


def below(folder: bytes) -> Q:
    """Locations below a folder."""
    return Q(path__gt=folder + b"/", path__lt=folder + b"0") if folder else Q()  # `0` comes after `/`


def _again(library: Library) -> None:
    """What a program keeps of many models may be of use for those that are new."""
    Note.objects.filter(library=library, location=None, read_at__isnull=False).update(read_at=None)


def _insert(library: Library, found: Sequence[_Now]) -> None:
    rows = [
        (
            library.pk,
            one.location_id,
            one.note.entry.path,
            path_key(one.note.entry.path),
            one.note.kind.value,
            *_stat(one.note.entry.snapshot),
        )
        for one in found
    ]
    for batch in batches(sorted(rows, key=lambda row: row[3])):
        bulk.insert_missing(Note, _NEW, batch, otherwise="DO NOTHING")


def _update(pairs: Sequence[tuple[Note, _Now]]) -> None:
    """A note that is another file now, or speaks of another place, waits to be read again."""
    rows = []
    for row, now in pairs:
        if (row.location_id, row.kind, row.size, row.mtime_ns, row.ctime_ns, row.ino) != now.facts:
            rows.append((row.pk, *now.facts, None, 0))
    for batch in batches(sorted(rows)):
        bulk.update(Note, _CHANGED, batch)


def _delete(library: Library, gone: Sequence[Note]) -> None:
    """What they told stays; that they could not be read does not."""
    for batch in batches(gone):
        with transaction.atomic():
            Note.objects.filter(pk__in=[row.pk for row in batch]).delete()
            places = [shown(bytes(row.path)) for row in batch]
            findings.clear_notes(library_ids={library.pk}, places=places)


def _stat(snapshot: Snapshot) -> tuple[int, int, int, int]:
    return snapshot.size, snapshot.mtime_ns, snapshot.ctime_ns, signed(snapshot.ino)
