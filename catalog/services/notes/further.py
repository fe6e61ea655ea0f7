"""Which further places a note speaks of: of a folder, every set in it; the card of a revision, every file below."""

from __future__ import annotations

import os
from bisect import bisect_left
from functools import reduce
from itertools import takewhile
from operator import or_
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from django.db.models import Q

from catalog.models import Location
from catalog.services.scanning.notes import below
from catalog.vocabulary import LocationState, NoteKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from catalog.models import Note

    Further: TypeAlias = Mapping[int, Mapping[int, frozenset[int]]]
    """Number of a note's location -> those of others -> the notes, by number, that speak of these, too."""


class _About(NamedTuple):
    """What a note speaks of besides its location: all places with a path, or all `deep` below it."""

    path: bytes
    deep: bool

    @property
    def wanted(self) -> Q:
        return below(self.path) if self.deep else Q(path=self.path)


def places_of(notes: Sequence[Note]) -> Further:
    """Of these notes of one library, in one statement; none when all speak of one place each."""
    about = {note: one for note in notes if (one := _about(note)) is not None}
    if not about:
        return {}
    wanted = reduce(or_, (one.wanted for one in sorted(set(about.values()))))
    rows = Location.objects.filter(
        wanted, library=notes[0].library_id, state=LocationState.PRESENT, variant__isnull=False
    )
    there = sorted((bytes(path), pk) for path, pk in rows.values_list("path", "pk"))
    found: dict[int, dict[int, frozenset[int]]] = {}
    for note, one in about.items():
        others = found.setdefault(note.location_id or 0, {})
        for pk in _among(there, one):
            if pk != note.location_id:
                others[pk] = others.get(pk, frozenset()) | {note.pk}
    return found


def _about(note: Note) -> _About | None:
    """Of a card in a folder, or a note beside one that begins with its name; None of a note about one place."""
    main = note.location
    if main is None:
        return None
    folder, place = os.path.dirname(bytes(note.path)), bytes(main.path)
    if note.kind == NoteKind.MODEL_CARD and folder != place:
        return _About(folder, deep=True)
    if main.set_name and (note.kind == NoteKind.MODEL_CARD or folder == os.path.dirname(place)):
        return _About(place, deep=False)
    return None


def _among(there: Sequence[tuple[bytes, int]], about: _About) -> Iterator[int]:
    """Of places in the order of their paths."""
    start = about.path + b"/" if about.deep and about.path else about.path
    rest = there[bisect_left(there, (start, 0)) :] if start else there
    fits = takewhile(lambda row: row[0].startswith(start) if about.deep else row[0] == start, rest)
    return (pk for _, pk in fits)
