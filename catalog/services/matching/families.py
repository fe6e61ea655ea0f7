"""The families of components: relatives that are compared by a probe each, since there may be thousands of them.

A family is named by its first member. Whoever comes later is a member if at least half of its core values have their
like in the first one (by correlation: fine-tunes, merges, every precision), else it begins a family of its own. So all
that a member needs is to be compared once with the first, whatever the number of the others.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from django.db import connection

from catalog.fingerprints import packing
from catalog.matching import components, probes
from catalog.models import Component, ComponentProbe
from catalog.queries import probes as kept

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from catalog.fingerprints.base import Fingerprint
    from catalog.queries.candidates import Met

_MOST_TRIED = 4
"""Families that a component is held against before it begins one of its own."""
_HALF = 0.5

_KEEP = """
INSERT INTO catalog_componentprobe (component_id, family_id, build, packed)
SELECT mine.id, first.id, given.build, given.packed
FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[], %s::bytea[]) given(component, family, build, packed)
JOIN catalog_component mine ON mine.id = given.component
JOIN catalog_component first ON first.id = given.family
ORDER BY mine.id FOR KEY SHARE OF mine, first
ON CONFLICT (component_id) DO NOTHING
"""


class Home(NamedTuple):
    """The family of a component, with what it keeps there."""

    component: int
    family: int
    build: int
    packed: bytes


def home(component: int, print_: Fingerprint, met: Sequence[Met]) -> Home:
    """Where the component belongs, by what it met. Nothing is written.

    A component that has a home keeps it, and one with the same values as another lives where that does.
    """
    same = [one.component for one in met if one.exact]
    rows = ComponentProbe.objects.filter(component__in=[component, *same])
    known = {row.component_id: row for row in rows}
    row = known.get(component) or known.get(min(known, default=0))
    if row is not None:
        return Home(component, row.family_id, row.build, bytes(row.packed))
    build = probes.build(print_.tensors)
    for family in _tried(met, build):
        packed = _as_member(family, print_)
        if packed is not None:
            return Home(component, family, build, packed)
    return Home(component, component, build, probes.of_first(print_))


def keep(homes: Iterable[Home]) -> None:
    """In the caller's transaction. One whose family is gone meanwhile is found a home at its next search."""
    rows = sorted(homes)
    if rows:
        with connection.cursor() as cursor:
            cursor.execute(_KEEP, [list(column) for column in zip(*rows, strict=True)])


def _tried(met: Sequence[Met], build: int) -> Sequence[int]:
    """Families that are worth a look: those of others with the same anchors, else those of the same sizes."""
    votes: Counter[int] = Counter()
    homes = kept.families_of([one.component for one in met])
    for one in met:
        if one.component in homes:
            votes[homes[one.component]] += one.anchors
    if votes:
        return [family for family, _ in sorted(votes.items(), key=lambda one: (-one[1], one[0]))][:_MOST_TRIED]
    return kept.firsts(build, most=_MOST_TRIED) if build else ()


def _as_member(family: int, print_: Fingerprint) -> bytes | None:
    """The probe in that family; None for no member."""
    packed = Component.objects.filter(pk=family).values_list("fingerprint", flat=True).first()
    try:
        first = packing.unpack(bytes(packed or b""))
    except ValueError:
        return None
    verdict, pairs = components.compare(first, print_)
    if max(verdict.share_left, verdict.share_right) < _HALF:
        return None
    return probes.of_member(first, pairs)
