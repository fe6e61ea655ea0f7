"""What a look-up answers, and how a match on a variant or a model becomes an answer."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from catalog.models import Location, ModelRecord, Variant
from catalog.queries.tool_names import ToolNames
from catalog.vocabulary import LocationState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID


@dataclass(frozen=True, slots=True)
class Found:
    """One match: a variant (or a whole model), and how the query met it.

    `how` is an algorithm's name, or one of `id`, `alias`, `short id`, `name`, `former name`, `path`,
    `external id SCHEME`. `matched` of `of` digits agree when `how` is an algorithm, else both are 0. `listed`: somebody
    else states the digest; `differs`: and the bytes have another one.
    """

    variant: UUID | None
    model: UUID | None
    how: str
    matched: int = 0
    of: int = 0
    digest: str = ""
    listed: bool = False
    differs: bool = False
    file: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer: which model and variant, what matched and how well, whether its bytes are here and where.

    `tool_names` has for each of the `paths` what the tool that keeps it calls the model, or "".
    """

    model: UUID
    variant: UUID | None
    name: str
    kind: str
    base: str
    format: str
    precision: str
    size: int
    algorithm: str
    matched: int
    of: int
    digest: str
    listed: bool
    differs: bool
    file: str
    state: str
    paths: tuple[str, ...]
    tool_names: tuple[str, ...] = ()

    @property
    def named_paths(self) -> list[tuple[str, str]]:
        """Each path with what its tool calls the model."""
        return list(zip_longest(self.paths, self.tool_names, fillvalue=""))


def hits_of(found: Sequence[Found]) -> list[Hit]:
    """Every match as an answer, in the order given, each (variant, how) once; six statements whatever the count."""
    variants = _variants({item.variant for item in found if item.variant})
    models = _models({item.model for item in found if item.model and not item.variant})
    places = _places(variants.keys(), models.keys())
    names = ToolNames({row.variant_id for rows in places.values() for row in rows if row.variant_id is not None})
    hits: dict[tuple[UUID, UUID | None, str, bool, str], Hit] = {}
    for item in found:
        hit = _hit(item, variants, models, places, names)
        if hit is not None:
            hits.setdefault((hit.model, hit.variant, hit.algorithm, hit.listed, hit.digest), hit)
    return list(hits.values())


def _variants(ids: set[UUID]) -> Mapping[UUID, Variant]:
    """By every id asked for, the live variant that it names now."""
    rows = Variant.objects.filter(pk__in=ids).select_related("model__merged_into", "merged_into__model__merged_into")
    return {row.pk: row.merged_into or row for row in rows}


def _models(ids: set[UUID]) -> Mapping[UUID, ModelRecord]:
    rows = ModelRecord.objects.filter(pk__in=ids).select_related("merged_into")
    return {row.pk: row.merged_into or row for row in rows}


def _places(variants: Iterable[UUID], models: Iterable[UUID]) -> Mapping[UUID, list[Location]]:
    """Locations by variant id and by model id, in the order of their paths."""
    places: dict[UUID, list[Location]] = defaultdict(list)
    theirs = Variant.objects.filter(model__in=list(models)).values_list("pk", flat=True)
    wanted = {*variants, *theirs}
    rows = Location.objects.filter(variant__in=wanted, library__removed_at=None).select_related("library", "variant")
    for row in rows.order_by("library__path_text", "path_text"):
        if row.variant is not None:
            places[row.variant.pk].append(row)
            places[row.variant.model_id].append(row)
    return places


def _hit(
    item: Found,
    variants: Mapping[UUID, Variant],
    models: Mapping[UUID, ModelRecord],
    places: Mapping[UUID, list[Location]],
    names: ToolNames,
) -> Hit | None:
    variant = variants.get(item.variant) if item.variant else None
    record = variant.model if variant else models.get(item.model) if item.model else None
    if record is None:
        return None
    model = record.merged_into or record
    here = places.get(variant.pk if variant else model.pk, [])
    on_disk = [place for place in here if _on_disk(place)]
    return Hit(
        model=model.pk,
        variant=variant.pk if variant else None,
        name=str(model),
        kind=variant.kind if variant else model.kind,
        base=variant.base if variant else model.base,
        format=variant.format if variant else "",
        precision=variant.precision if variant else "",
        size=variant.size if variant else sum(place.size for place in here),
        algorithm=item.how,
        matched=item.matched,
        of=item.of,
        digest=item.digest,
        listed=item.listed,
        differs=item.differs,
        file=item.file,
        state=_state(here),
        paths=tuple(f"{place.library.path_text}/{place}" for place in on_disk),
        tool_names=tuple(names.of(place, kind=place.variant.kind if place.variant else "") for place in on_disk),
    )


def _on_disk(place: Location) -> bool:
    return place.state in (LocationState.PRESENT, LocationState.CHANGED, LocationState.OFFLINE)


def _state(places: Sequence[Location]) -> str:
    """The best state of all places; "missing" when there is none left."""
    states = {place.state for place in places}
    order = (LocationState.PRESENT, LocationState.CHANGED, LocationState.OFFLINE, LocationState.IN_TRASH)
    return next((state.value for state in order if state in states), LocationState.MISSING.value)
