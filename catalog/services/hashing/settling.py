"""Which variant has which content: who takes it, who is absorbed by whom, and who moves on to another."""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING

from catalog.models import Location, Variant
from catalog.services.identity import holding, joining, twins
from catalog.services.identity.locking import MovedOnError
from catalog.vocabulary import LocationState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from uuid import UUID

    from catalog.services.hashing.digesting import Digested


@dataclass(slots=True)
class Group:
    """All that has one content. `members` are variants: those that take it now, and the one that has it already."""

    members: dict[UUID, Variant] = field(default_factory=dict)
    places: list[Digested] = field(default_factory=list)
    fresh: bool = False
    """Some member takes the content now, or none is there yet: its digests are to be stored."""

    @property
    def survivor(self) -> Variant | None:
        """The oldest; None when the content needs a variant that is not born yet."""
        return min(self.members.values(), key=attrgetter("number"), default=None)


@dataclass(slots=True)
class Settled:
    """`groups` by content; `without` are places that came to no content.

    `again` are to be read once more, with the header: they need a variant of their own and were not thought to.
    """

    groups: dict[bytes, Group] = field(default_factory=dict)
    without: list[Digested] = field(default_factory=list)
    again: list[Digested] = field(default_factory=list)

    @property
    def pairs(self) -> list[tuple[Variant, Variant]]:
        """(survivor, loser) of all that turned out to be the same."""
        return [
            (survivor, other)
            for group in self.groups.values()
            if (survivor := group.survivor) is not None
            for other in group.members.values()
            if other is not survivor
        ]


def hold(digested: Iterable[Digested]) -> None:
    """Nobody else stores one of these contents or digests of weights until the transaction ends."""
    digests = {one.content for one in digested if one.content is not None}
    digests |= {digest for one in digested for name, digest in one.whole.items() if name in twins.FINDERS}
    joining.hold(digests)


def lock(digested: Sequence[Digested]) -> dict[UUID, Variant]:
    """The variants of the places and those that have the contents, locked by number.

    Before them the models, where others know of one of the variants already: those that have a content.
    """
    contents = {one.content for one in digested if one.content is not None}
    at_places = set(_variants_of(digested).values())
    holders = dict(Variant.objects.filter(content__in=contents).values_list("pk", "content"))
    if holders or len(contents) < len(digested):
        wanted = at_places | holders.keys()
        holding.hold_models(set(Variant.objects.filter(pk__in=wanted).values_list("model", flat=True)))
    rows = Variant.objects.select_for_update(no_key=True).filter(pk__in=at_places | holders.keys()).order_by("number")
    found = {row.pk: row for row in rows.defer("settings", "reasons")}
    if any(row.merged_into_id for row in found.values()):
        raise MovedOnError
    return found


def _variants_of(digested: Sequence[Digested]) -> dict[int, UUID]:
    rows = Location.objects.filter(pk__in=[one.place.id for one in digested], variant__isnull=False)
    return dict(rows.values_list("pk", "variant"))


def settle(
    digested: Sequence[Digested], locations: Mapping[int, Location], variants: Mapping[UUID, Variant]
) -> Settled:
    """Decides; nothing is written. `locations` are those that are still ours, locked after their `variants`."""
    result = Settled()
    holders = {bytes(row.content): row for row in variants.values() if row.content is not None}
    takes: dict[UUID, bytes] = {}
    for one in digested:
        location = locations[one.place.id]
        if location.variant_id is not None and location.variant_id not in variants:
            raise MovedOnError
        own = variants[location.variant_id] if location.variant_id is not None else None
        if one.content is None:
            result.without.append(one)
            continue
        takers = [own] if own is not None and may_take(own, location) else []
        takers = [taker for taker in takers if takes.setdefault(taker.pk, one.content) == one.content]
        holder = holders.get(one.content)
        if one.reading is None and not takers and holder is None and one.content not in result.groups:
            result.again.append(one)
            continue
        group = result.groups.setdefault(one.content, Group({holder.pk: holder} if holder is not None else {}))
        group.places.append(one)
        group.members |= {taker.pk: taker for taker in takers}
        group.fresh = any(member.content is None for member in group.members.values()) or not group.members
    return result


def may_take(variant: Variant, location: Location) -> bool:
    """Bytes were never read of the variant, and those at this place are the ones whose header made it."""
    return variant.content is None and location.state != LocationState.CHANGED
