"""Relatives by the thousand, told apart by a few values of each: the members of a family beside one probe."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from django.db import connection
from django.db.models import F
from psycopg import Cursor

from catalog.matching.probes import LENGTH, beside
from catalog.models import Component, ComponentProbe

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from uuid import UUID

    import numpy.typing as npt

    Ids = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

_BLOCK = 2048
"""Members that are compared at once: 4 MiB."""
_READ = """
COPY (
    SELECT component_id, packed FROM catalog_componentprobe
    WHERE family_id = %s AND octet_length(packed) = %s
) TO STDOUT (FORMAT BINARY)
"""
_HEADER = 19
"""Bytes before the first row: signature, flags, length of an extension that there is none of."""
_ROW = np.dtype(
    [("fields", ">i2"), ("id_length", ">i4"), ("id", ">i8"), ("length", ">i4"), ("packed", np.uint8, (LENGTH,))]
)
"""PostgreSQL's binary COPY: all rows are of one length here, so a block of them is read without a look at each."""


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
        ids.append(members)
        outside.append(near.outside)
        distance.append(near.distance)
    return np.concatenate(ids), np.concatenate(outside), np.concatenate(distance)


def _blocks(family: int) -> Iterator[tuple[Ids, bytes]]:
    connection.ensure_connection()
    held = bytearray()
    with Cursor(connection.connection) as cursor, cursor.copy(_READ, [family, LENGTH]) as copy:
        start = _HEADER
        for piece in copy:
            held += piece
            if len(held) >= start + _BLOCK * _ROW.itemsize:
                yield _rows(held, start)
                held, start = held[start + _BLOCK * _ROW.itemsize :], 0
    yield _rows(held, start)


def _rows(held: bytearray, start: int) -> tuple[Ids, bytes]:
    """As many whole rows as there are; two bytes of an end mark may follow."""
    rows = np.frombuffer(held, _ROW, min(_BLOCK, (len(held) - start) // _ROW.itemsize), start)
    return rows["id"].astype(np.int64), rows["packed"].tobytes()
