"""What other programs say of places that have their variants already: listed hashes, ids, and what a model lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Count

from catalog.models import HashClaim, Location, LocationFile, ModelRecord, Variant
from catalog.services import findings
from catalog.services.identity import births, comparing, listed, stores
from catalog.services.identity.locking import in_one_transaction
from catalog.services.identity.naming import RANK
from catalog.services.identity.places import Place
from catalog.vocabulary import ClaimSource, FindingCode, LocationState

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from uuid import UUID

    from catalog.models import Library
    from catalog.services.identity.known import Known
    from catalog.services.identity.stores import Gathered
    from catalog.storage.root import Root

_BATCH = 500
_HUB = ClaimSource.HUGGING_FACE.value
_STORES = (ClaimSource.INVOKEAI.value, _HUB)
"""Whose claims are theirs alone: what they no longer say is forgotten."""


def refresh(*, root: Root, library: Library, pause: Callable[[], None]) -> int:
    """Asks the programs again about every place of the library that has a variant. How many were told something.

    `pause` is called between batches; it may raise.
    """
    rows = Location.objects.filter(library=library, variant__isnull=False, state=LocationState.PRESENT)
    ids = list(rows.order_by("pk").values_list("pk", flat=True))
    told = 0
    for at in range(0, len(ids), _BATCH):
        pause()
        batch = ids[at : at + _BATCH]
        told += tell(root=root, library=library, ids=batch, moved=batch)
    return told


def tell(*, root: Root, library: Library, ids: Sequence[int], moved: Collection[int] = ()) -> int:
    """The same of these locations; `moved` as `learn` has it."""
    places = _places(ids)
    gathered = stores.gather(root, library, places)
    _learn({place.id for place in places}, gathered.known, moved)
    settle_notes(library, gathered)
    return len(gathered.known)


def _places(ids: Sequence[int]) -> list[Place]:
    files: dict[int, list[LocationFile]] = {pk: [] for pk in ids}
    for file in LocationFile.objects.filter(location_id__in=ids).order_by("location_id", "position"):
        files[file.location_id].append(file)
    rows = Location.objects.filter(pk__in=ids).order_by("pk")
    return [Place(row, tuple(files[row.pk]), None) for row in rows if files[row.pk]]


@in_one_transaction
def _learn(ids: Collection[int], known: Mapping[int, Known], moved: Collection[int]) -> None:
    learn(ids=ids, known=known, moved=moved)


def learn(*, ids: Collection[int], known: Mapping[int, Known], moved: Collection[int]) -> None:
    """Writes what is known of these locations, in the caller's transaction.

    `moved` are those whose bytes are known to be the ones of before, wherever they lie now.
    """
    if not ids:
        return
    rows = Location.objects.filter(pk__in=ids, variant__isnull=False).order_by("pk")
    variants = {pk: variant for pk, variant in rows.values_list("pk", "variant") if variant is not None}
    _tell_models(_by_variant(variants, known))
    changed = _forget(ids, known, moved) | _list(variants, known)
    births.list_ids(
        (scheme, value, variants[pk]) for pk, said in known.items() if pk in variants for scheme, value in said.ids
    )
    if changed:
        comparing.compare(changed)


def _by_variant(variants: Mapping[int, UUID], known: Mapping[int, Known]) -> dict[UUID, Known]:
    """Of several places of one variant the first speaks before the others."""
    found: dict[UUID, Known] = {}
    for pk, variant in variants.items():
        if pk in known:
            found[variant] = found[variant].besides(known[pk]) if variant in found else known[pk]
    return found


def _forget(ids: Collection[int], known: Mapping[int, Known], moved: Collection[int]) -> set[int]:
    """Removes what a program listed once and does not list now; the locations of it.

    A file that left its cache is still the one whose digest was its name.
    """
    said = {(pk, one.file, one.algorithm, one.source.value) for pk, told in known.items() for one in told.claims}
    left = set(moved) - {place for place, _, _, source in said if source == _HUB}
    rows = HashClaim.objects.filter(location_id__in=ids, source__in=_STORES)
    gone = [
        (pk, place)
        for pk, place, file, algorithm, source in rows.values_list("pk", "location", "file", "algorithm", "source")
        if (place, file, algorithm, source) not in said and not (source == _HUB and place in left)
    ]
    if gone:
        HashClaim.objects.filter(pk__in=[pk for pk, _ in gone]).delete()
    return {place for _, place in gone}


def _list(variants: Mapping[int, UUID], known: Mapping[int, Known]) -> set[int]:
    told = {pk: said.claims for pk, said in known.items() if said.claims and pk in variants}
    births.list_hashes(row for pk, claims in told.items() for row in listed.rows(pk, variants[pk], claims))
    return set(told)


def _tell_models(known: Mapping[UUID, Known]) -> None:
    """Fills what a model lacks; a stronger name takes the place of a weaker one. What a person set stays."""
    if not known:
        return
    said: dict[UUID, Known] = {}
    for variant, model in Variant.objects.filter(pk__in=known).order_by("number").values_list("pk", "model"):
        said[model] = said[model].besides(known[variant]) if model in said else known[variant]
    counted = Variant.objects.filter(model__in=said, merged_into=None).values("model").annotate(variants=Count("pk"))
    alone = {row["model"] for row in counted if row["variants"] == 1}
    for row in ModelRecord.objects.select_for_update(no_key=True).filter(pk__in=said).order_by("pk"):
        told = _fresh(row, said[row.pk], alone=row.pk in alone)
        for column, value in told.items():
            setattr(row, column, value)
        if told:
            row.save(update_fields=[*told, "updated_at"])


def _fresh(model: ModelRecord, said: Known, *, alone: bool) -> dict[str, object]:
    """The columns that change. Of two variants with names of one strength the first one stays."""
    values: dict[str, object] = {
        "version_name": said.version,
        "source": said.source,
        "licence": said.licence,
        "trigger_words": list(said.words),
    }
    fresh = {
        column: value
        for column, value in values.items()
        if value and not getattr(model, column) and column not in model.edited
    }
    if said.name is not None and said.name.text != model.name and "name" not in model.edited:
        ours, theirs = RANK[model.name_source], RANK[said.name.source]
        if theirs < ours or (alone and theirs == ours):
            fresh |= {"name": said.name.text, "name_source": said.name.source.value}
    return fresh


def settle_notes(library: Library, gathered: Gathered) -> None:
    """A database that cannot be read is a finding of its library until it can."""
    findings.raise_all(found=gathered.problems)
    if gathered.read:
        findings.clear(codes=[FindingCode.NOTE_UNREADABLE], library=library, places=gathered.read)
