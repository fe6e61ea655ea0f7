"""How everything stands, in a few numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, Sum

from catalog.models import Finding, Job, Library, Location, ModelRecord, StorageTotal, Variant
from catalog.models.work import OPEN_STATES
from catalog.vocabulary import LocationState, Stage

if TYPE_CHECKING:
    from collections.abc import Mapping

_ON_DISK = (LocationState.PRESENT, LocationState.CHANGED)


@dataclass(frozen=True, slots=True)
class Standing:
    """`waiting`: locations by what they wait for; `jobs`: open ones by state; `bytes`: on disk, hard links once."""

    libraries: int
    offline: int
    models: int
    variants: int
    locations: int
    bytes: int
    waiting: Mapping[str, int]
    jobs: Mapping[str, int]
    findings: int


def standing() -> Standing:
    """Of all libraries that were not removed."""
    live = Library.objects.filter(removed_at=None)
    totals = StorageTotal.objects.filter(library__removed_at=None, state__in=_ON_DISK)
    sums = totals.aggregate(places=Sum("locations"), size=Sum("bytes"))
    stages = Location.objects.filter(library__removed_at=None).exclude(stage=Stage.NONE).order_by()
    waiting = dict(stages.values_list("stage").annotate(Count("pk")))
    states = Job.objects.filter(state__in=OPEN_STATES).order_by()
    return Standing(
        libraries=live.count(),
        offline=live.filter(online=False).count(),
        models=ModelRecord.objects.filter(merged_into=None).count(),
        variants=Variant.objects.filter(merged_into=None).count(),
        locations=sums["places"] or 0,
        bytes=sums["size"] or 0,
        waiting={stage: waiting.get(stage, 0) for stage in Stage.values() if stage},
        jobs=dict(states.values_list("state").annotate(Count("pk"))),
        findings=Finding.objects.filter(cleared_at=None).count(),
    )
