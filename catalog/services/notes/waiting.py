"""Which notes wait: those that were never read as they are now, about places whose header is known."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from django.db import Error, connection
from django.db.models import Q

from catalog.models import Library, Location, Note
from catalog.vocabulary import LocationState, NoteKind, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.db.models import QuerySet

TEXTS = 300
"""So many notes are read before anything else has its turn; pictures take longer."""
PICTURES = 30

_LOCK = 0x1507_06
_KNOWN = Q(location__variant__isnull=False, location__state=LocationState.PRESENT)


def libraries(queue: str) -> list[Library]:
    """Those of a queue that can be reached and have something to read."""
    online = Library.objects.filter(queue=queue, online=True, removed_at=None)
    rows = online.filter(pk__in=unread().values("library")).order_by("pk")
    return list(rows)


def unread() -> QuerySet[Note]:
    """What can be read now. A program's own notes wait until all headers of its library are known."""
    probing = Location.objects.filter(stage=Stage.PROBE).values("library")
    return Note.objects.filter(_KNOWN | Q(location=None) & ~Q(library__in=probing), read_at=None)


def of_places(library: Library) -> list[Note]:
    """The notes in words about the next places, also those of them that were read before, strongest first.

    Several may tell the same of one place and only together say who is right. They are a few KiB each.
    """
    words = unread().filter(library=library, location__isnull=False).exclude(kind=NoteKind.PICTURE)
    places = set(words.order_by("pk").values_list("location", flat=True)[:TEXTS])
    rows = Note.objects.filter(location__in=places).exclude(kind=NoteKind.PICTURE).order_by("location", "pk")
    return list(rows.select_related("location"))


def of_programs(library: Library) -> list[Note]:
    """All notes about many models, when one of them waits: what they list is taken anew."""
    if not unread().filter(library=library, location=None).exists():
        return []
    return list(Note.objects.filter(library=library, location=None).order_by("pk"))


def of_pictures(library: Library) -> list[Note]:
    """The next pictures. Headers come first: a picture takes as long as a hundred of them."""
    if Location.objects.filter(library=library, stage=Stage.PROBE).exists():
        return []
    rows = unread().filter(library=library, kind=NoteKind.PICTURE).order_by("pk")
    return list(rows.select_related("location")[:PICTURES])


@contextmanager
def alone(library: Library) -> Iterator[bool]:
    """Whether nobody else reads the notes of a library just now. The lock ends with the connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s::int)", [_LOCK, library.pk])
        mine = bool(cursor.fetchone()[0])
    try:
        yield mine
    finally:
        if mine:
            with suppress(Error), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s::int)", [_LOCK, library.pk])
