"""The list of models: what each row shows, read for one page of the list at a time."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import BigIntegerField, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce

from catalog.models import Location, Preview, Variant
from catalog.vocabulary import LocationState, Outcome

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from django.db.models import QuerySet

    from catalog.models import ModelRecord

_WORST = (Outcome.UNSAFE, Outcome.INVALID, Outcome.UNREADABLE, Outcome.SUSPICIOUS)
_ON_DISK = (LocationState.PRESENT, LocationState.CHANGED)


@dataclass(frozen=True, slots=True)
class Chip:
    """One format with the precisions it is there in."""

    format: str
    precisions: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """What a row shows. `state` is the best state of all places, empty when there is none left.

    `outcome` is the worst of its variants, empty when nothing is wrong; `preview` the variant that has a picture.
    """

    chips: tuple[Chip, ...] = ()
    size: int = 0
    places: int = 0
    state: str = ""
    seen: datetime | None = None
    outcome: str = ""
    preview: UUID | None = None


def sized(models: QuerySet[ModelRecord]) -> QuerySet[ModelRecord]:
    """With `size_sum`, the bytes of all variants, to order by."""
    sums = Variant.objects.filter(model=OuterRef("pk"), merged_into=None).order_by().values("model")
    total = Subquery(sums.annotate(n=Sum("size")).values("n"), output_field=BigIntegerField())
    return models.annotate(size_sum=Coalesce(total, 0))


def summaries(ids: Iterable[UUID]) -> Mapping[UUID, Summary]:
    """For the models of one page, in three statements."""
    wanted = list(ids)
    variants: dict[UUID, list[Variant]] = defaultdict(list)
    columns = ("id", "model_id", "format", "precision", "bits", "size", "outcome")
    for row in Variant.objects.filter(model__in=wanted, merged_into=None).only(*columns).order_by("-bits", "number"):
        variants[row.model_id].append(row)
    places: dict[UUID, list[Location]] = defaultdict(list)
    rows = Location.objects.filter(variant__model__in=wanted, library__removed_at=None)
    for place in rows.select_related("library", "variant").only(
        "state", "size", "missing_since", "first_seen", "variant__model", "library__last_scan_at"
    ):
        if place.variant is not None:
            places[place.variant.model_id].append(place)
    pictured = Preview.objects.filter(variant__model__in=wanted, variant__merged_into=None)
    pictures = set(pictured.values_list("variant", flat=True))
    return {pk: _summary(variants[pk], places[pk], pictures) for pk in wanted}


def _summary(variants: Sequence[Variant], places: Sequence[Location], pictures: Collection[UUID]) -> Summary:
    formats: dict[str, dict[tuple[str, int], None]] = defaultdict(dict)
    for row in variants:
        formats[row.format][row.precision, row.bits] = None
    here = [place for place in places if place.state in _ON_DISK]
    return Summary(
        chips=tuple(Chip(name, tuple(precisions)) for name, precisions in formats.items()),
        size=sum(place.size for place in here),
        places=len(here),
        state=_state(place.state for place in places),
        outcome=next((word.value for word in _WORST if any(row.outcome == word for row in variants)), ""),
        preview=next((row.pk for row in variants if row.pk in pictures), None),
        seen=max((moment for place in places if (moment := _seen(place))), default=None),
    )


def _state(states: Iterable[str]) -> str:
    met = set(states)
    return next((state.value for state in LocationState if state in met), "")


def _seen(place: Location) -> datetime | None:
    """A place that is there was seen by the last whole scan; else when it was missed."""
    if place.state in _ON_DISK:
        return place.library.last_scan_at or place.first_seen
    return place.missing_since
