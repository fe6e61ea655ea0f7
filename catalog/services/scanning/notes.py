"""What a scan does with the notes of other programs: a row each, to be read when it is new or its stat changed.

A rescan that meets the same notes as before says so by one digest over their names and stats, and asks nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

from blake3 import blake3
from django.db import transaction
from django.db.models import Q

from catalog.models import Location, LocationFile, Note
from catalog.services import bulk, findings
from catalog.services.scanning.rows import batches
from catalog.storage.keys import path_key, signed
from catalog.storage.values import shown
from catalog.vocabulary import LocationState, NoteKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from catalog.models import Library
    from catalog.storage.beside import Beside
    from catalog.storage.values import Entry, Snapshot
    from catalog.storage.walk import Walk

OF_PROGRAMS = (NoteKind.A1111_CACHE, NoteKind.A1111_DATABASE)
"""Notes about many models; they have no location of their own."""
_NOT_THERE = (LocationState.MISSING, LocationState.REMOVED, LocationState.IN_TRASH)
_STAT = ("size", "mtime_ns", "ctime_ns", "ino")
_NEW = ("library_id", "location_id", "path", "path_key", "kind", *_STAT)
_FACTS = ("location_id", "kind", *_STAT)
_CHANGED = ("id", "location_id", "kind", *_STAT, "read_at", "attempts")


class _Row(NamedTuple):
    """A note as it was last seen: its number, and the columns of `_FACTS`."""

    pk: int
    facts: Sequence[object]


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
    found = _placed(library, walked.notes, walked.entries)
    if changed:
        _again(library)
    _insert(library, [one for path, one in found.items() if path not in known])
    _update([(known[path], one) for path, one in found.items() if path in known])
    _delete(library, [(row.pk, path) for path, row in known.items() if path not in found and walked.covers(path)])
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


def _known(library: Library, walked: Walk) -> dict[bytes, _Row]:
    rows = Note.objects.filter(below(walked.part), library=library).values_list("path", "pk", *_FACTS)
    return {bytes(path): _Row(pk, facts) for path, pk, *facts in rows.iterator()}


def _placed(library: Library, notes: Sequence[Beside], entries: Sequence[Entry]) -> dict[bytes, _Now]:
    """The notes about a place, and those of programs. A note beside a folder that is no model is none."""
    owners = sorted({note.owner for note in notes if note.kind not in OF_PROGRAMS})
    places = _of_files(library, owners)
    places |= _of_folders(library, [path for path in owners if path not in places])
    cards = (note.owner for note in notes if note.kind is NoteKind.MODEL_CARD)
    places |= _of_revisions(library, [path for path in cards if path not in places], entries)
    found = {}
    for note in notes:
        if note.kind in OF_PROGRAMS:
            found[note.entry.path] = _Now(note, None)
        elif note.owner in places:
            found[note.entry.path] = _Now(note, places[note.owner])
    return found


def _of_files(library: Library, paths: Sequence[bytes]) -> dict[bytes, int]:
    """A file that became part of a set lies at two places, of which the first is no more."""
    found: dict[bytes, int] = {}
    there = LocationFile.objects.filter(location__library=library).exclude(location__state__in=_NOT_THERE)
    for batch in batches(paths):
        rows = there.filter(path__in=batch).order_by("-location").values_list("path", "location")
        found |= {bytes(path): location for path, location in rows}
    return found


def _of_folders(library: Library, paths: Sequence[bytes]) -> dict[bytes, int]:
    """Of a folder with several sets, the first that became known; whoever reads the note asks for the others."""
    found: dict[bytes, int] = {}
    there = Location.objects.filter(library=library).exclude(state__in=_NOT_THERE)
    for batch in batches(paths):
        rows = there.filter(path__in=batch).order_by("-pk").values_list("path", "pk")
        found |= {bytes(path): pk for path, pk in rows}
    return found


def _of_revisions(library: Library, folders: Sequence[bytes], entries: Sequence[Entry]) -> dict[bytes, int]:
    """A card speaks of every file below its folder where that is no model itself; the first known place stands for
    all. `entries` are in the order of their paths.
    """
    if not folders:
        return {}
    paths = [entry.path for entry in entries]
    inside = {folder: _below(paths, folder) for folder in folders}
    places = _of_files(library, sorted({path for found in inside.values() for path in found}))
    known = {folder: [places[path] for path in found if path in places] for folder, found in inside.items()}
    return {folder: min(numbers) for folder, numbers in known.items() if numbers}


def _below(paths: Sequence[bytes], folder: bytes) -> Sequence[bytes]:
    """Those of sorted paths that lie below a folder."""
    return paths[bisect_left(paths, folder + b"/") : bisect_left(paths, folder + b"0")] if folder else paths


def below(folder: bytes) -> Q:
    """Rows with paths below a folder."""
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


def _update(pairs: Sequence[tuple[_Row, _Now]]) -> None:
    """A note that is another file now, or speaks of another place, waits to be read again."""
    rows = []
    for row, now in pairs:
        if tuple(row.facts) != now.facts:
            rows.append((row.pk, *now.facts, None, 0))
    for batch in batches(sorted(rows)):
        bulk.update(Note, _CHANGED, batch)


def _delete(library: Library, gone: Sequence[tuple[int, bytes]]) -> None:
    """What they told stays; that they could not be read does not."""
    for batch in batches(gone):
        with transaction.atomic():
            Note.objects.filter(pk__in=[pk for pk, _ in batch]).delete()
            places = [shown(path) for _, path in batch]
            findings.clear_notes(library_ids={library.pk}, places=places)


def _stat(snapshot: Snapshot) -> tuple[int, int, int, int]:
    return snapshot.size, snapshot.mtime_ns, snapshot.ctime_ns, signed(snapshot.ino)
