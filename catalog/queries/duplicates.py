"""Groups of duplicates, the most bytes to gain first. Only rows that are kept up to date are read."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from django.db.models import Count, Q, Sum

from catalog.models import DuplicateGroup, DuplicateMember, Location, LocationFile
from catalog.storage.values import shown
from catalog.vocabulary import FileRole, LocationState

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from uuid import UUID

    from django.db.models import QuerySet

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Member:
    """One file at one place, or one variant at the first place that it lies at.

    `path` is that of the place, relative to the folder `library`; `set` tells several sets of weights at one place
    apart. `file` is the name of the file within the variant, None where all files of the variant are meant.
    `relation` is what it is to the kept one; `role` what the file is for.
    """

    variant: UUID
    library: str
    path: str
    set: str
    file: str | None
    size: int
    relation: str
    kept: bool
    role: str = FileRole.WEIGHTS.value

    @property
    def where(self) -> str:
        """The whole path as a person reads it."""
        path = f"{self.library.rstrip('/')}/{self.path}" + (f"#{self.set}" if self.set else "")
        return path if self.file is None or not self.set else f"{path}: {self.file}"


@dataclass(frozen=True, slots=True)
class Group:
    """`bytes` of all members, each file once; `reclaimable` if only the kept one stayed."""

    group: int
    sort: str
    relation: str
    certainty: str
    bytes: int
    reclaimable: int
    members: tuple[Member, ...]

    @property
    def of_weights(self) -> bool:
        """Not of files that only lie beside weights: configurations, tokenizers."""
        return any(member.role == FileRole.WEIGHTS for member in self.members)


class Sums(NamedTuple):
    """How many groups there are, and what is to be gained by them together."""

    groups: int
    reclaimable: int


class _Spot(NamedTuple):
    place: Location
    file: str | None
    role: str = FileRole.WEIGHTS.value


def sums(*, relation: str = "") -> Sums:
    """Of all groups of a relation, or of all there are."""
    found = _of(relation).aggregate(groups=Count("pk"), reclaimable=Sum("reclaimable"))
    return Sums(found["groups"], found["reclaimable"] or 0)


def groups(*, relation: str = "") -> Iterator[Group]:
    """All groups of a relation, or all there are, read part by part."""
    rows = _of(relation).order_by("-reclaimable", "pk")
    part = list(rows[:_AT_ONCE])
    while part:
        yield from _filled(part)
        last = part[-1]
        below = Q(reclaimable__lt=last.reclaimable) | Q(reclaimable=last.reclaimable, pk__gt=last.pk)
        part = list(rows.filter(below)[:_AT_ONCE])


def _of(relation: str) -> QuerySet[DuplicateGroup]:
    return DuplicateGroup.objects.filter(relation=relation) if relation else DuplicateGroup.objects.all()


def _filled(rows: Sequence[DuplicateGroup]) -> Iterator[Group]:
    members: dict[int, list[DuplicateMember]] = defaultdict(list)
    for member in DuplicateMember.objects.filter(group__in=rows).order_by("-kept", "pk"):
        members[member.group_id].append(member)
    spots = _spots([member for some in members.values() for member in some])
    for row in rows:
        told = tuple(_told(one, spots[one.pk]) for one in members[row.pk] if one.pk in spots)
        yield Group(row.pk, row.sort, row.relation, row.certainty, row.bytes, row.reclaimable, told)


def _told(member: DuplicateMember, spot: _Spot) -> Member:
    place = spot.place
    library, path = place.library.path_text, place.path_text
    return Member(
        member.variant_id,
        library,
        path,
        place.set_name,
        spot.file,
        member.size,
        member.relation,
        member.kept,
        spot.role,
    )


def _spots(members: Collection[DuplicateMember]) -> Mapping[int, _Spot]:
    """By number of the member. What went away since the groups were made is nowhere."""
    files = LocationFile.objects.select_related("location__library").in_bulk(
        [member.file_id for member in members if member.file_id is not None]
    )
    firsts = _firsts({member.variant_id for member in members if member.file_id is None})
    found: dict[int, _Spot] = {}
    for member in members:
        if member.file_id is None:
            if member.variant_id in firsts:
                found[member.pk] = firsts[member.variant_id]
        elif member.file_id in files:
            file = files[member.file_id]
            found[member.pk] = _Spot(file.location, shown(bytes(file.name)), file.role)
    return found


def _firsts(variants: Collection[UUID]) -> dict[UUID, _Spot]:
    """The first place of each variant that is on disk; the file's name where it is a single one."""
    places = Location.objects.filter(variant__in=variants, state=LocationState.PRESENT).order_by("pk")
    found: dict[UUID, _Spot] = {}
    for place in places.select_related("library"):
        if place.variant_id is not None:
            name = None if place.set_name else place.path_text.rpartition("/")[2]
            found.setdefault(place.variant_id, _Spot(place, name))
    return found
