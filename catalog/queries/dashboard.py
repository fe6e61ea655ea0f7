"""What the dashboard shows at a glance. Sums come from the maintained rows, so a page costs the same at any size."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import Count, Max, Sum

from catalog.models import Job, Library, Location, LocationFile, ModelRecord, StorageTotal, Variant
from catalog.queries.estimates import count_of
from catalog.vocabulary import JobKind, LocationState, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

ON_DISK = (LocationState.PRESENT.value, LocationState.CHANGED.value)
_SHOWN_COPIES = 50_000


@dataclass(frozen=True, slots=True)
class Numbers:
    """The four numbers. `copies` are places beyond the first of one content, each on an inode of its own."""

    models: int
    variants: int
    places: int
    bytes: int
    copies: int
    copy_bytes: int


@dataclass(frozen=True, slots=True)
class Cell:
    """Bytes on disk of one format and precision."""

    format: str
    precision: str
    bits: int
    bytes: int
    variants: int


@dataclass(frozen=True, slots=True)
class Folder:
    """One library folder. `free` and `capacity` are those of its drive, None where they cannot be told."""

    library: Library
    variants: int
    bytes: int
    free: int | None
    capacity: int | None
    scanning: bool

    @property
    def used(self) -> int | None:
        """Bytes of the drive that are taken."""
        return None if self.capacity is None or self.free is None else self.capacity - self.free


def numbers(cells: Iterable[Cell]) -> Numbers:
    """The four numbers, of which the bytes are the sum of the picture beside them."""
    copies, copy_bytes = identical_copies()
    places = StorageTotal.objects.filter(state__in=ON_DISK, library__removed_at=None)
    return Numbers(
        models=count_of(ModelRecord.objects.filter(merged_into=None)).rows,
        variants=count_of(Variant.objects.filter(merged_into=None)).rows,
        places=places.aggregate(n=Sum("locations"))["n"] or 0,
        bytes=sum(cell.bytes for cell in cells),
        copies=copies,
        copy_bytes=copy_bytes,
    )


def storage() -> list[Cell]:
    """Bytes on disk by format and precision, all library folders together."""
    rows = StorageTotal.objects.filter(state__in=ON_DISK, library__removed_at=None, bytes__gt=0)
    sums = rows.values("format", "precision").annotate(n=Sum("bytes"), weight=Max("bits"), count=Sum("variants"))
    return [Cell(row["format"], row["precision"], row["weight"], row["n"], row["count"]) for row in sums]


def identical_copies() -> tuple[int, int]:
    """How many places hold bytes that another place holds too, and how many bytes that is; hard links are one.

    As of the last time that the sums were refreshed: between two refreshes nothing is counted again.
    """
    return _copies_as_of(connection.settings_dict["NAME"], StorageTotal.objects.aggregate(n=Max("pk"))["n"])


@lru_cache(maxsize=4)
def _copies_as_of(database: str, last: int | None) -> tuple[int, int]:
    """`last` is the newest row of the sums: every refresh writes new ones."""
    held = Location.objects.filter(state__in=ON_DISK, variant__isnull=False).order_by().values("variant")
    several = list(held.annotate(n=Count("pk")).filter(n__gt=1).values_list("variant", flat=True)[:_SHOWN_COPIES])
    rows = LocationFile.objects.filter(
        location__variant__in=several,
        location__variant__content__isnull=False,
        location__state__in=ON_DISK,
        position=0,
    ).values_list("location__variant", "dev", "ino", "location__size")
    inodes: dict[object, dict[tuple[int, int], int]] = defaultdict(dict)
    for variant, dev, ino, size in rows:
        inodes[variant][dev, ino] = size
    return (
        sum(len(places) - 1 for places in inodes.values()),
        sum(sum(places.values()) - max(places.values()) for places in inodes.values()),
    )


def folders() -> list[Folder]:
    """Every library folder with what is in it and what its drive has left."""
    sums = {
        row["library"]: (row["count"], row["n"])
        for row in StorageTotal.objects.filter(state__in=[*ON_DISK, LocationState.OFFLINE])
        .values("library")
        .annotate(n=Sum("bytes"), count=Sum("variants"))
    }
    scans = set(
        Job.objects.filter(kind=JobKind.SCAN, finished_at=None, library__isnull=False).values_list("library", flat=True)
    )
    rows = Library.objects.filter(removed_at=None).order_by("name", "pk")
    return [_folder(row, *sums.get(row.pk, (0, 0)), scanning=row.pk in scans) for row in rows]


def waiting_headers() -> int:
    """Places whose header was not read yet."""
    rows = StorageTotal.objects.filter(format=Outcome.PENDING, state__in=ON_DISK, library__removed_at=None)
    return rows.aggregate(n=Sum("locations"))["n"] or 0


def _folder(library: Library, variants: int, total: int, *, scanning: bool) -> Folder:
    free = capacity = None
    if library.online:
        try:
            drive = os.statvfs(bytes(library.path))
            free, capacity = drive.f_bavail * drive.f_frsize, drive.f_blocks * drive.f_frsize
        except OSError:
            pass  # on another host, or gone this moment
    return Folder(library, variants, total, free, capacity, scanning)
