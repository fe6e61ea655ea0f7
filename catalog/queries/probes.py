"""Relatives by the thousand, told apart by a few values of each: the members of a family beside one probe."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from django.db import connection
from django.db.models import F
from psycopg import Cursor

from catalog.matching.probes import beside
from catalog.models import Component, ComponentProbe

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from uuid import UUID

    import numpy.typing as npt

    Ids = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

_BLOCK = 2048
"""Members that are read at once: 4 MiB."""
_READ = """
SELECT array_agg(component_id), string_agg(packed, ''::bytea), max(component_id) FROM (
    SELECT component_id, packed FROM catalog_componentprobe
    WHERE family_id = %s AND component_id > %s ORDER BY component_id LIMIT %s
) member
"""


class Relative(NamedTuple):
    """A component beside the one that was asked for; see `catalog.matching.probes.Near`."""

    component: int
    variant: UUID
    outside: float
    distance: float


def families_of(components: Collection[int]) -> dict[int, int]:
    """Component -> the first member of its family, for those that have one."""
    return dict(ComponentProbe.objects.filter(component__in=components).values_list("component", "family"))


def firsts(build: int, *, most: int) -> list[int]:
    """First members of the oldest families whose tensors have the same sizes."""
    rows = ComponentProbe.objects.filter(build=build, component=F("family")).order_by("component")
    return list(rows.values_list("component", flat=True)[:most])


def relatives(family: int, probe: bytes, *, besides: int, nearest: int, closest: int) -> list[Relative]:
    """Those with the least outside of what rounding allows, so many; and those that lie closest, so many."""
    ids, outside, distance = _all(family, probe)
    others = ids != besides
    ids, outside, distance = ids[others], outside[others], distance[others]
    by_outside = np.lexsort((ids, distance, outside))[:nearest]
    by_distance = np.lexsort((ids, distance))[:closest]
    chosen = {int(ids[at]): at for at in [*by_outside, *by_distance]}
    rows = Component.objects.filter(pk__in=chosen, variant__merged_into=None).values_list("pk", "variant")
    return [Relative(pk, owner, float(outside[chosen[pk]]), float(distance[chosen[pk]])) for pk, owner in rows]


def _all(family: int, probe: bytes) -> tuple[Ids, Floats, Floats]:
    """Of every member its id, the share outside and the distance."""
    ids: list[Ids] = [np.empty(0, np.int64)]
    outside: list[Floats] = [np.empty(0)]
    distance: list[Floats] = [np.empty(0)]
    for members, block in _blocks(family):
        near = beside(probe, block)
        ids.append(np.array(members, np.int64))
        outside.append(near.outside)
        distance.append(near.distance)
    return np.concatenate(ids), np.concatenate(outside), np.concatenate(distance)


def _blocks(family: int) -> Iterator[tuple[list[int], bytes]]:
    connection.ensure_connection()
    last = 0
    while True:
        with Cursor(connection.connection) as cursor:  # as text, each block would be twice as long
            row = cursor.execute(_READ, [family, last, _BLOCK], binary=True).fetchone()
        if row is None or row[0] is None:
            return
        members, block, last = row
        yield members, block
