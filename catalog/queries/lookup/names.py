"""Who has this id, name, path or former name."""

from __future__ import annotations

import os
from uuid import UUID

from django.db.models import Q, QuerySet

from catalog.models import ExternalId, FormerName, Library, Location, ModelRecord, Variant, VariantFile
from catalog.queries.lookup.hits import Found

_LIMIT = 50
_SHORTEST_FRAGMENT = 3


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
    rows = ExternalId.objects.filter(Q(value=text) | Q(scheme=scheme, value=value.strip()))
    return [
        Found(variant=variant, model=model, how=f"external id {scheme}")
        for variant, model, scheme in rows.values_list("variant", "model", "scheme")[:_LIMIT]
    ]


def find_path(text: str) -> list[Found]:
    """An absolute path of this host, or a path below any library folder."""
    tail = os.path.normpath(text).lstrip("/") if not text.endswith("#") else text
    rows = Location.objects.filter(path_text__iexact=tail)
    if text.startswith("/"):
        rows = _below_libraries(os.path.normpath(text))
    return [Found(variant=variant, model=None, how="path") for variant in _variants(rows)]


def _below_libraries(path: str) -> QuerySet[Location]:
    """Locations whose library folder is an ancestor of `path` and whose own path is the rest."""
    wanted = Q(pk__in=[])
    for pk, folder in Library.objects.filter(removed_at=None).values_list("pk", "path_text"):
        if path.startswith(f"{folder.rstrip('/')}/"):
            rest = path[len(folder.rstrip("/")) + 1 :]
            wanted |= Q(library=pk, path_text__iexact=rest) | Q(library=pk, files__path=os.fsencode(rest))
    return Location.objects.filter(wanted).distinct()


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
