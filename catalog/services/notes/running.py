"""Reading what waits, a bounded part at a time, so that headers and hashes have their turn in between.

Words come first, then what programs keep of many models, then pictures. Two workers never read the same library's
notes; whatever stops one, the notes still wait.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import DataError

from catalog.errors import LibraryOffline
from catalog.services import libraries
from catalog.services.notes import caches, further, pictures, telling, waiting
from catalog.services.notes.reading import Page, read_all
from catalog.sidecars import Told
from catalog.storage.root import Root

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.models import Library
    from catalog.services.notes.further import Further

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class NotesReport:
    """Counts: notes that were read, models that learnt something, digests listed by programs, new previews."""

    notes: int = 0
    models: int = 0
    listed: int = 0
    previews: int = 0

    def __add__(self, other: NotesReport) -> NotesReport:
        return NotesReport(
            self.notes + other.notes,
            self.models + other.models,
            self.listed + other.listed,
            self.previews + other.previews,
        )


def read_waiting(*, queue: str) -> NotesReport:
    """Reads the next notes of every library of a queue. A library that cannot be reached goes offline; an error in
    one keeps no other back, and its notes still wait.
    """
    report = NotesReport()
    for library in waiting.libraries(queue):
        with waiting.alone(library) as mine:
            if not mine:
                continue
            try:
                with Root(bytes(library.path)) as root:
                    report += _read(root, library)
            except LibraryOffline as gone:
                log.warning("%s", gone)
                libraries.set_online(library_id=library.pk, online=False)
            except Exception:  # the edge: a name or a preview is missing, and nothing else
                log.exception("reading the notes in %s failed", library.path_text)
    return report


def _read(root: Root, library: Library) -> NotesReport:
    words = waiting.of_places(library)
    if words:
        return _tell(read_all(root, words))
    programs = waiting.of_programs(library)
    if programs:
        return NotesReport(len(programs), listed=caches.take(library, read_all(root, programs)))
    found = waiting.of_pictures(library)
    return NotesReport(len(found), previews=pictures.take(root, found))


def _tell(pages: Sequence[Page]) -> NotesReport:
    by_place: dict[int, list[Page]] = {}
    for page in pages:
        if page.note.location_id is not None:
            by_place.setdefault(page.note.location_id, []).append(page)
    also = further.places_of([page.note for page in pages])
    try:
        learnt = telling.tell(by_place, also)
    except DataError:
        learnt = sum(_tell_alone(said, also) for said in by_place.values())
    return NotesReport(len(pages), learnt)


def _tell_alone(pages: Sequence[Page], also: Further) -> int:
    """One place by itself, so that words which no table takes keep no others back."""
    location = pages[0].note.location_id or 0
    try:
        return telling.tell({location: pages}, also)
    except DataError as error:
        log.warning("what is said of location %s cannot be kept: %s", location, error)
        problem = Told(problem="its words cannot be kept")
        telling.stamp([page._replace(told=problem) for page in pages])
        return 0
