"""Who has this id, name, path or former name."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Q, QuerySet

from catalog.formats.sets import parse_printed
from catalog.models import ExternalId, FormerName, Library, Location, LocationFile, ModelRecord, Variant, VariantFile
from catalog.queries.lookup.hits import Found
from catalog.queries.lookup.spellings import begins, spellings
from catalog.storage.values import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

_LIMIT = 50
_SHORTEST_FRAGMENT = 3
_OLLAMA_ID = re.compile(r"[0-9a-f]{8,64}")


def find_uuid(text: str) -> list[Found]:
    """A UUID of a model, a variant or a file, in full; an alias answers with what it was merged into."""
    try:
        wanted = UUID(text)
    except ValueError:
        return []
    return [
        *(
            Found(variant=None, model=pk, how="alias" if merged else "id")
            for pk, merged in ModelRecord.objects.filter(pk=wanted).values_list("pk", "merged_into")
        ),
        *(
            Found(variant=pk, model=None, how="alias" if merged else "id")
            for pk, merged in Variant.objects.filter(pk=wanted).values_list("pk", "merged_into")
        ),
        *(
            Found(variant=variant, model=None, how="alias" if merged else "id")
            for variant, merged in VariantFile.objects.filter(pk=wanted).values_list("variant", "merged_into")
        ),
    ]


def find_short_id(digits: str) -> list[Found]:
    """The first 8 to 31 digits of a model's or a variant's id."""
    low, high = UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))
    models = ModelRecord.objects.filter(pk__range=(low, high)).values_list("pk", flat=True)[:_LIMIT]
    variants = Variant.objects.filter(pk__range=(low, high)).values_list("pk", flat=True)[:_LIMIT]
    return [
        *(Found(variant=None, model=pk, how="short id") for pk in models),
        *(Found(variant=pk, model=None, how="short id") for pk in variants),
    ]


def find_external(text: str) -> list[Found]:
    """Another program's id, alone or as `scheme:value`."""
    scheme, _, value = text.partition(":")
    wanted = Q(value__in=spellings(text)) | Q(scheme=scheme, value__in=spellings(value.strip()))
    revision = begins(text)
    if revision is not None:
        wanted |= Q(scheme="hf", value__startswith=revision)
    digits = text.lower()
    if _OLLAMA_ID.fullmatch(digits):  # `ollama list` shows the first twelve digits
        wanted |= Q(scheme="ollama-id", value__startswith=digits)
    rows = ExternalId.objects.filter(wanted)
    return [
        Found(variant=variant, model=model, how=f"external id {scheme}")
        for variant, model, scheme in rows.values_list("variant", "model", "scheme")[:_LIMIT]
    ]


def find_path(text: str) -> list[Found]:
    """An absolute path of this host, or a path below any library folder; `PATH#SET` means that set alone."""
    raw, set_name = parse_printed(text)
    path = os.path.normpath(shown(raw))
    places = Location.objects.filter(set_name=set_name) if set_name else Location.objects.all()
    if path.startswith("/"):
        found = [pk for library, rest in _below_libraries(path) for pk in _at(places.filter(library=library), rest)]
    else:
        found = _variants(places.filter(path_text__iexact=path))
    return [Found(variant=variant, model=None, how="path") for variant in dict.fromkeys(found)]


def _below_libraries(path: str) -> Iterator[tuple[int, str]]:
    """The libraries whose folder is an ancestor of `path`, each with the rest of the path."""
    for pk, folder in Library.objects.filter(removed_at=None).values_list("pk", "path_text"):
        start = f"{folder.rstrip('/')}/"
        if path.startswith(start):
            yield pk, path[len(start) :]


def _at(places: QuerySet[Location], path: str) -> list[UUID]:
    """What lies there, and what has a file there."""
    files = LocationFile.objects.filter(path=os.fsencode(path)).values_list("location", flat=True)
    parts = places.filter(pk__in=list(files[:_LIMIT]))
    return _variants(places.filter(path_text__iexact=path)) + _variants(parts)


def find_name(text: str) -> list[Found]:
    """A model's name, a file's name, or a fragment of one (three characters at least); exact ones first."""
    exact = ModelRecord.objects.filter(name__iexact=text, merged_into=None)
    found = [Found(variant=None, model=pk, how="name") for pk in exact.values_list("pk", flat=True)[:_LIMIT]]
    if len(text) < _SHORTEST_FRAGMENT:
        return found
    part = ModelRecord.objects.filter(name__icontains=text, merged_into=None).order_by("name")
    found += [Found(variant=None, model=pk, how="name") for pk in part.values_list("pk", flat=True)[:_LIMIT]]
    places = Location.objects.filter(path_text__icontains=text)
    found += [Found(variant=pk, model=None, how="path") for pk in _variants(places)]
    former = FormerName.objects.filter(path_text__icontains=text).order_by("-last_seen")
    known = {item.variant for item in found}
    return found + [
        Found(variant=pk, model=None, how="former name")
        for pk in former.values_list("variant", flat=True)[:_LIMIT]
        if pk not in known
    ]


def _variants(rows: QuerySet[Location]) -> list[UUID]:
    found = rows.filter(variant__isnull=False).order_by("path_text").values_list("variant", flat=True)[:_LIMIT]
    return list(dict.fromkeys(pk for pk in found if pk is not None))
