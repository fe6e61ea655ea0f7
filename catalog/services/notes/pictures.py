"""Previews: of the pictures beside a variant, the one that its programs would show, made anew and small.

A picture is counted before it is opened: should one take its worker down, it does so three times at most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import F

from catalog.errors import ChangedFile, FileProblem
from catalog.images import LARGEST, MEDIA_TYPE, Picture, PictureProblem, preview
from catalog.models import Location, Note, Preview, Variant
from catalog.services import drives, findings
from catalog.services.identity.locking import in_one_transaction
from catalog.services.notes.reading import bytes_of, reason_of
from catalog.services.notes.telling import unreadable
from catalog.services.notes.writing import mark_read
from catalog.storage.values import shown
from catalog.vocabulary import LocationState, NoteKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from uuid import UUID

    from catalog.storage.root import Root

_MOST_ATTEMPTS = 3
_SUFFIXES = (b".png", b".jpg", b".jpeg", b".webp", b".gif")


def take(root: Root, notes: Sequence[Note]) -> int:
    """Sees to the previews of the variants that these pictures lie beside. Returns how many are new."""
    variants = {(note.location.variant_id, note.library_id) for note in notes if note.location is not None}
    made = sum(_see_to(root, variant, library) for variant, library in sorted(variants, key=str) if variant is not None)
    mark_read(notes)
    return made


def _see_to(root: Root, variant_id: UUID, library_id: int) -> bool:
    """Opens the pictures of a variant, best first, until one gives a preview; better ones that were read gave it.

    Those in other libraries are left to whoever reads the notes of these.
    """
    has_one = Preview.objects.filter(variant=variant_id).exists()
    candidates = _candidates(variant_id)
    failed = _failed(candidates)
    for note in candidates:
        if note.read_at is not None:
            if has_one and note.pk not in failed:
                return False
            continue
        if note.library_id != library_id:
            continue
        made = _tried(root, note)
        if made is not None:
            return _keep(note, made)
        mark_read([note])
    return False


def _tried(root: Root, note: Note) -> Picture | None:
    """The preview of a picture, unless it has taken its worker down every time; an exception is no such end."""
    if note.attempts >= _MOST_ATTEMPTS:
        findings.raise_all(found=[unreadable(note, f"reading it broke off {note.attempts} times")])
        return None
    Note.objects.filter(pk=note.pk).update(attempts=F("attempts") + 1)
    try:
        return _made(root, note)
    except BaseException:
        Note.objects.filter(pk=note.pk).update(attempts=note.attempts)
        raise


def _candidates(variant_id: UUID) -> list[Note]:
    """All pictures of the places of a variant, in the order of their worth."""
    places = Location.objects.filter(variant=variant_id, state=LocationState.PRESENT)
    rows = Note.objects.filter(kind=NoteKind.PICTURE, location__in=places).select_related("location")
    return sorted(rows, key=lambda note: (note.location_id or 0, *_worth(bytes(note.path))))


def _worth(path: bytes) -> tuple[bool, int, bytes]:
    """`.preview.*` is made to be one; PNG is what the programs themselves write."""
    lower = path.lower()
    ending = next((at for at, suffix in enumerate(_SUFFIXES) if lower.endswith(suffix)), len(_SUFFIXES))
    return b".preview." not in lower, ending, path


def _failed(notes: Iterable[Note]) -> set[int]:
    """Those with an open finding."""
    places = {(note.location_id, shown(bytes(note.path))): note.pk for note in notes}
    rows = findings.open_findings().filter(location__in={location for location, _ in places})
    return {places[key] for key in rows.values_list("location", "place") if key in places}


def _made(root: Root, note: Note) -> Picture | None:
    try:
        return preview(bytes_of(root, note, LARGEST))
    except FileProblem as problem:
        drives.look(library_id=note.library_id, besides=[bytes(note.path)])
        if isinstance(problem, ChangedFile):
            return None
        reason = reason_of(problem)
    except PictureProblem as problem:
        reason = str(problem)
    findings.raise_all(found=[unreadable(note, reason)])
    return None


@in_one_transaction
def _keep(note: Note, made: Picture) -> bool:
    """For whatever variant lies at the place by now."""
    place = Location.objects.filter(notes=note).values_list("variant", flat=True)
    variant = Variant.objects.select_for_update(no_key=True).filter(pk__in=place, merged_into=None).first()
    findings.clear_notes(library_ids={note.library_id}, places={shown(bytes(note.path))})
    Note.objects.filter(pk=note.pk).update(attempts=0)
    mark_read([note])
    if variant is None:
        return False
    facts = {"image": made.image, "media_type": MEDIA_TYPE, "width": made.width, "height": made.height}
    Preview.objects.update_or_create(variant=variant, defaults=facts)
    return True
