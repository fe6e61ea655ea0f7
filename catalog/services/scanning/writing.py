"""The rows of a scan: one short transaction for what was known, then the new places in batches."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from catalog.errors import NotFound
from catalog.models import Library, Location
from catalog.services import bulk, findings, totals
from catalog.services.scanning import files, names
from catalog.services.scanning.known import ABSENT, OFFLINE, RETRY
from catalog.services.scanning.rows import batches, new_ids, save
from catalog.storage.keys import path_text, place_key
from catalog.vocabulary import LocationState, Outcome, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from catalog.formats.sets import FileSet
    from catalog.services.scanning.comparing import Pair
    from catalog.services.scanning.known import KnownPlace

SHARES_SIZE, ORDINARY, LAST = 1, 2, 9
"""Priorities, as `Location.priority` has them."""
_FIELDS = (
    "path", "path_key", "path_text", "layout", "state", "outcome", "size", "missing_since", "hashed_at", "stage",
    "priority", "lease", "leased_until", "attempts", "alone", "done_bytes",
)  # fmt: skip
_PLACE = ("id", "library_id", "path", "set_name", "path_key", "path_text", "layout", "size", "priority")
_FRESH = ("state", "outcome", "stage", "attempts", "alone", "done_bytes")


@dataclass(slots=True)
class Changes:
    """What is to be written, each place in one list."""

    moved: list[Pair] = field(default_factory=list)
    edited: list[Pair] = field(default_factory=list)
    recognised: list[Pair] = field(default_factory=list)
    untold: list[Pair] = field(default_factory=list)
    again: list[Pair] = field(default_factory=list)
    missing: list[KnownPlace] = field(default_factory=list)
    away: list[KnownPlace] = field(default_factory=list)
    new: list[FileSet] = field(default_factory=list)

    def parts(self) -> Iterator[Changes]:
        """The same without what is new, in parts for one transaction each."""
        for name in ("moved", "edited", "recognised", "untold", "again", "missing", "away"):
            for batch in batches(getattr(self, name)):
                part = Changes()
                setattr(part, name, batch)
                yield part

    @property
    def pairs(self) -> list[Pair]:
        """Known places that something lies at."""
        return [*self.moved, *self.edited, *self.recognised, *self.untold, *self.again]


def write(library: Library, changes: Changes, layout_at: Callable[[bytes], str], pause: Callable[[], None]) -> None:
    """Writes everything, in short transactions; each place is written whole. `pause` is called between; it may raise.

    `layout_at` says whose folder a path lies in.

    Interrupted, it leaves the rest to the next scan. Raises `NotFound` when the library was removed meanwhile.
    """
    for batch in batches(_in_exchange(changes.moved)):
        pause()
        with _transaction(library):
            _let_go_of_names(batch)
    for part in changes.parts():
        pause()
        with _transaction(library):
            _Known(library, part, layout_at).write()
    sizes = Counter(found.size for found in changes.new)
    for fresh in batches(sorted(changes.new, key=lambda found: place_key(found.path, found.set))):
        pause()
        with _transaction(library):
            _insert(library, fresh, layout_at, sizes)


@contextmanager
def _transaction(library: Library) -> Iterator[None]:
    """The row of the library comes last, as with everybody who writes."""
    with transaction.atomic():
        yield
        totals.stale([library.pk])
        if not Library.objects.filter(pk=library.pk, removed_at=None).exists():
            raise NotFound("This library folder was removed while it was scanned.")


def _in_exchange(moved: list[Pair]) -> list[Pair]:
    """Those whose new place was that of another one that moved."""
    left = {(pair.place.path, pair.place.set_name) for pair in moved}
    return moved if any((pair.found.path, pair.found.set) in left for pair in moved) else []


def _let_go_of_names(moved: list[Pair]) -> None:
    """Names change hands, so the old ones are let go of first. A scan finds rows by their paths, not by these keys."""
    ids = [pair.place.location_id for pair in moved]
    bulk.update(Location, ["id", "path_key"], [(pk, place_key(b"\0" + str(pk).encode())) for pk in sorted(ids)])


class _Known:
    """The changes of places that have a row. All rows are locked first, in the order of their numbers."""

    def __init__(self, library: Library, changes: Changes, layout_at: Callable[[bytes], str]) -> None:
        self._library, self._changes, self._layout_at = library, changes, layout_at
        ids = {pair.place.location_id for pair in changes.pairs}
        ids |= {place.location_id for place in (*changes.missing, *changes.away)}
        rows = Location.objects.select_for_update(of=("self",)).select_related("variant")
        self._rows = {row.pk: row for row in rows.filter(pk__in=sorted(ids)).order_by("pk")}

    def write(self) -> None:
        """Everything but new places."""
        self._move()
        for pair in self._changes.edited:
            _edit(self._rows[pair.place.location_id], pair.found)
        for pair in self._changes.recognised:
            _recognise(self._rows[pair.place.location_id], pair.place.mood)
        for pair in self._changes.untold:
            _call_back(self._rows[pair.place.location_id], pair.place.mood)
            _queue(self._rows[pair.place.location_id], Stage.PROBE)
        for pair in self._changes.again:
            _call_back(self._rows[pair.place.location_id], pair.place.mood)
        self._lose()
        files.replace(self._changes.edited)
        files.refresh([*self._changes.untold, *self._changes.recognised])
        save(self._rows.values(), _FIELDS)

    def _move(self) -> None:
        moves = [(self._rows[pair.place.location_id], pair) for pair in self._changes.moved]
        if not moves:
            return
        names.remember(self._library, [(row, pair.found.path) for row, pair in moves])
        for row, pair in moves:
            row.path, row.path_text = pair.found.path, path_text(pair.found.path)
            row.path_key = place_key(pair.found.path, pair.found.set)
            row.layout = self._layout_at(pair.found.path)
            _call_back(row, pair.place.mood)
        files.rename(self._changes.moved)

    def _lose(self) -> None:
        now = timezone.now()
        for place in self._changes.missing:
            row = self._rows[place.location_id]
            row.state, row.missing_since = LocationState.MISSING.value, now
            _queue(row, Stage.NONE)
        for place in self._changes.away:
            self._rows[place.location_id].state = LocationState.OFFLINE.value
        void = [*self._changes.missing, *(pair.place for pair in self._changes.edited)]
        if void:
            findings.clear(locations=[place.location_id for place in void])


def _edit(row: Location, found: FileSet) -> None:
    """Other bytes at the place of a variant: it keeps it, unproven, until they are read."""
    row.state = (LocationState.CHANGED if row.variant_id else LocationState.PRESENT).value
    row.missing_since = row.hashed_at = None
    row.outcome = Outcome.PENDING.value
    row.size = found.size
    _queue(row, Stage.PROBE)


def _recognise(row: Location, mood: int) -> None:
    """Read again when there is nothing better to do; what is to be read anyway is read once."""
    _call_back(row, mood)
    if row.stage == Stage.NONE:
        _queue(row, Stage.VERIFY if row.hashed_at else Stage.PROBE)


def _call_back(row: Location, mood: int) -> None:
    """It is there again, or may be read again. What was never read to its end as it is now is read."""
    if mood == RETRY:
        _queue(row, Stage.PROBE)
    elif mood == OFFLINE:
        row.state = LocationState.PRESENT.value
    elif mood >= ABSENT:
        unproven = row.hashed_at is None and row.variant is not None and row.variant.content is not None
        row.state = (LocationState.CHANGED if unproven else LocationState.PRESENT).value
        row.missing_since = None
        if row.hashed_at is None or row.outcome != Outcome.OK:
            _queue(row, Stage.PROBE)


def _queue(row: Location, stage: Stage) -> None:
    """Waits for this from now on; whoever reads the file at this moment reads what is no longer wanted."""
    row.stage = stage.value
    row.priority = LAST if stage is Stage.VERIFY else ORDINARY
    row.lease = row.leased_until = None
    row.attempts = row.done_bytes = 0
    row.alone = False


def _insert(library: Library, batch: list[FileSet], layout_at: Callable[[bytes], str], sizes: Counter[int]) -> None:
    """New locations with their files. Those that share their size with another are read first, the other too."""
    known = _hurry({found.size for found in batch})
    ids = new_ids(Location, len(batch))
    fresh = (LocationState.PRESENT.value, Outcome.PENDING.value, Stage.PROBE.value, 0, False, 0)
    bulk.insert(
        Location,
        (*_PLACE, *_FRESH),
        (
            (
                location_id,
                library.pk,
                found.path,
                found.set,
                place_key(found.path, found.set),
                path_text(found.path),
                layout_at(found.path),
                found.size,
                SHARES_SIZE if found.size in known or sizes[found.size] > 1 else ORDINARY,
                *fresh,
            )
            for location_id, found in zip(ids, batch, strict=True)
        ),
    )
    files.insert(zip(ids, batch, strict=True))


def _hurry(sizes: set[int]) -> set[int]:
    """Those of the sizes that are known; who has one and waits goes first. A row in somebody's hands is let be."""
    alike = Location.objects.filter(size__in=sorted(sizes))
    known = set(alike.order_by().values_list("size", flat=True).distinct())
    if known:
        waiting = alike.filter(stage__in=(Stage.PROBE, Stage.HASH), priority=ORDINARY)
        ids = list(waiting.select_for_update(skip_locked=True).values_list("pk", flat=True))
        Location.objects.filter(pk__in=ids).update(priority=SHARES_SIZE)
    return known
