"""Telling models what notes say of their places. What a person edited stays, and so does a stronger name.

It is no touch of a person's: models that were told something still join by themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from catalog.models import ExternalId, HashClaim, Location, LocationFile, Note
from catalog.services import bulk, findings
from catalog.services.findings import Raised
from catalog.services.identity import births, comparing
from catalog.services.identity.editing import MOST_TAGS
from catalog.services.identity.holding import hold_homes, live
from catalog.services.identity.locking import in_one_transaction
from catalog.services.identity.naming import RANK
from catalog.services.notes import writing
from catalog.services.notes.words import Words, together
from catalog.services.notes.writing import FIELDS
from catalog.sidecars.civitai import SITE
from catalog.storage.values import shown
from catalog.vocabulary import ClaimSource, FindingCode, LocationState, NameSource, NoteKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from catalog.models import ModelRecord, Variant
    from catalog.services.notes.further import Further
    from catalog.services.notes.reading import Page

_NAMING = (NoteKind.CIVITAI_INFO, NoteKind.LORA_MANAGER, NoteKind.STABILITY_MATRIX, NoteKind.API_INFO)
_LONGEST = 200
"""Characters of a name, a version's and a licence: what a form takes, too."""
_OURS = (ClaimSource.CIVITAI, ClaimSource.SIDECAR)


class _Place(NamedTuple):
    """`own`: the words are from all notes of the place itself, not from those of a folder around it."""

    location: Location
    variant: Variant
    words: Words
    own: bool


@in_one_transaction
def tell(pages: Mapping[int, Sequence[Page]], also: Further) -> int:
    """Writes what the notes of places say, and stamps the notes. Returns how many models learnt something.

    `pages` are all notes of each place, by the number of its location; `also` are further locations,
    which some of them speak of, too. Notes of a place that is not as it was any more go on waiting.
    """
    ids = {*pages, *(one for further in also.values() for one in further)}
    variants, held = hold_homes(Location.objects.filter(pk__in=ids).values_list("variant", flat=True))
    homes = {row.pk: row for row in variants}
    rows = Location.objects.select_for_update(of=("self",)).filter(pk__in=ids, state=LocationState.PRESENT)
    locations = {row.pk: row for row in rows.order_by("pk") if row.variant_id in homes}
    files = _files(locations)
    places = [
        _Place(locations[one], homes[_uuid(locations[one].variant_id)], together(about, files[one]), one == main)
        for main, said in pages.items()
        for one, about in _by_place(main, said, also.get(main, {}))
        if one in locations
    ]
    places.sort(key=lambda place: (place.variant.number, place.location.pk))
    learnt = _tell_models(places, {row.pk: live(row.model_id, held) for row in variants})
    _list_ids(places)
    _list_hashes([place for place in places if place.own])
    comparing.compare(list(locations))
    stamp([page for main, said in pages.items() if main in locations for page in said])
    return learnt


def _by_place(
    main: int, said: Sequence[Page], others: Mapping[int, Collection[int]]
) -> Iterator[tuple[int, Sequence[Page]]]:
    """The place itself with all of its notes, then others with those that speak of them."""
    yield main, said
    for one, speaking in others.items():
        yield one, [page for page in said if page.note.pk in speaking]


def stamp(pages: Sequence[Page]) -> None:
    """These notes were read, unless they changed since; what could not be read is a finding at its place."""
    raised = [_finding(page) for page in pages if page.told.problem]
    _clear([page.note for page in pages if not page.told.problem])
    findings.raise_all(found=raised)
    writing.mark_read(page.note for page in pages)


def unreadable(note: Note, reason: str) -> Raised:
    """The finding about a note."""
    place = shown(bytes(note.path))
    return Raised(
        FindingCode.NOTE_UNREADABLE,
        {"path": place, "reason": reason},
        library_id=note.library_id if note.location_id is None else None,
        location_id=note.location_id,
        place=place,
    )


def _finding(page: Page) -> Raised:
    return unreadable(page.note, page.told.problem)


def _clear(notes: Sequence[Note]) -> None:
    places = {shown(bytes(note.path)) for note in notes}
    findings.clear_notes(library_ids={note.library_id for note in notes}, places=places)


def _files(locations: Iterable[int]) -> dict[int, list[LocationFile]]:
    found: dict[int, list[LocationFile]] = {pk: [] for pk in locations}
    for row in LocationFile.objects.filter(location__in=list(found)).order_by("location", "position"):
        found[row.location_id].append(row)
    return found


def _uuid(value: UUID | None) -> UUID:
    return value if value is not None else UUID(int=0)


def _tell_models(places: Sequence[_Place], models: Mapping[UUID, ModelRecord]) -> int:
    """Of several places with a name for one model, that of the oldest variant names it; the others only add to it."""
    namers = _namers({model.pk for model in models.values()})
    changed = set()
    for place in places:
        model = models[place.variant.pk]
        own = place.variant.number, place.location.pk
        first = min(namers.get(model.pk, {own}))
        may_name = model.name_source != NameSource.SIDECAR or own <= first
        before = {name: getattr(model, name) for name in FIELDS}
        for name, value in _learnt(model, place.words, may_name=may_name).items():
            setattr(model, name, value)
        if place.words.name and may_name:
            namers.setdefault(model.pk, set()).add(own)
        if before != {name: getattr(model, name) for name in FIELDS}:
            changed.add(model.pk)
    writing.save(model for model in {row.pk: row for row in models.values()}.values() if model.pk in changed)
    return len(changed)


def _namers(models: Collection[UUID]) -> dict[UUID, set[tuple[int, int]]]:
    """Model -> numbers of variant and location of each place of it that has a note with a name, read before."""
    rows = Note.objects.filter(
        kind__in=_NAMING, read_at__isnull=False, location__variant__model__in=models
    ).values_list("location__variant__model", "location__variant__number", "location")
    found: dict[UUID, set[tuple[int, int]]] = {}
    for model, variant, location in rows:
        found.setdefault(model, set()).add((variant, location))
    return found


def _learnt(model: ModelRecord, words: Words, *, may_name: bool) -> dict[str, object]:
    """What the model takes over. The base model in the sidecar's words is a tag: tensors say what it is."""
    found: dict[str, object] = {}
    if may_name and words.name and RANK[NameSource.SIDECAR] <= RANK.get(model.name_source, len(RANK)):
        found |= {"name": words.name[:_LONGEST], "name_source": NameSource.SIDECAR.value}
    if may_name and words.version_name:
        found["version_name"] = words.version_name[:_LONGEST]
    if words.source and (not model.source or (may_name and model.source.startswith(SITE))):
        found["source"] = words.source
    if words.licence and not model.licence:
        found["licence"] = words.licence[:_LONGEST]
    if words.notes and not model.notes.strip():
        found["notes"] = words.notes
    found["tags"] = _united(model.tags, words.tags)
    found["trigger_words"] = _united(model.trigger_words, words.trigger_words)
    return {name: value for name, value in found.items() if name.removesuffix("_source") not in model.edited}


def _united(before: Sequence[str], more: Iterable[str]) -> list[str]:
    """Those of before, then the new ones, each once whatever its case."""
    kept = {word.casefold(): word for word in reversed(before)}
    found = [word for word in more if word.casefold() not in kept]
    return [*before, *found[: max(0, MOST_TAGS - len(before))]]


def _list_ids(places: Iterable[_Place]) -> None:
    of_models: set[tuple[str, str, UUID]] = set()
    of_variants: set[tuple[str, str, UUID]] = set()
    for place in places:
        for named in place.words.ids:
            owner = place.variant.model_id if named.of_model else place.variant.pk
            (of_models if named.of_model else of_variants).add((named.scheme, named.value, owner))
    for column, rows in (("model_id", of_models), ("variant_id", of_variants)):
        bulk.insert_missing(ExternalId, ["scheme", "value", column], sorted(rows), otherwise="DO NOTHING")


def _list_hashes(places: Sequence[_Place]) -> None:
    """What the notes list now, and no longer what they listed before."""
    rows = {
        (
            place.location.pk,
            place.variant.pk,
            one.stated.algorithm,
            one.stated.digest,
            one.stated.source.value,
            one.file,
        )
        for place in places
        for one in place.words.hashes
    }
    stay = {(row[0], row[2], row[4], row[5]) for row in rows}
    old = HashClaim.objects.filter(location__in=[place.location.pk for place in places], source__in=_OURS)
    gone = [
        pk for pk, *key in old.values_list("pk", "location", "algorithm", "source", "file") if tuple(key) not in stay
    ]
    HashClaim.objects.filter(pk__in=gone).delete()
    births.list_hashes(sorted(rows, key=str))
