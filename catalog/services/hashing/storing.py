"""One transaction for a batch of places that were read: contents, absorptions, digests, findings, joins."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING

from django.db.models import Q
from django.utils import timezone

from catalog.models import Decision, HashClaim, Location, LocationFile, Note, Variant
from catalog.services import bulk, grouping, totals
from catalog.services.hashing import settling
from catalog.services.hashing.report import HashReport
from catalog.services.hashing.rows import Told, files_of, outcome_of, store_digests
from catalog.services.identity import attaching, births, comparing, joining, listed, noticing, rejections
from catalog.services.identity.absorbing import absorb_all
from catalog.services.identity.fencing import LEASE, let_go, still_ours
from catalog.services.identity.locking import in_one_transaction
from catalog.vocabulary import Basis, ClaimSource, DecisionKind, FindingCode, LocationState, Stage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from uuid import UUID

    from catalog.models import Library
    from catalog.services.claiming import Claim
    from catalog.services.hashing.digesting import Digested
    from catalog.services.hashing.settling import Settled
    from catalog.services.identity.places import Failed

_HINDRANCES = frozenset(
    {
        FindingCode.UNREADABLE,
        FindingCode.NOT_A_FILE,
        FindingCode.VANISHED,
        FindingCode.CHANGING,
        FindingCode.LINK_LEAVES,
        FindingCode.DISK_READ_ERROR,
        FindingCode.READER_FAILED,
    }
)


@in_one_transaction
def store(*, claim: Claim, library: Library, digested: Sequence[Digested], failed: Sequence[Failed]) -> HashReport:
    """Writes what was read of places that are still ours. Raises `LeaseLost` when none is.

    Everybody locks in this order: digests, models, variants by number, locations. Who meets somebody all the same
    begins again; nothing is read twice for that.
    """
    settling.hold(digested)
    variants = settling.lock(digested)
    ids = [one.place.id for one in digested] + [one.place.id for one in failed]
    ours = still_ours(claim, ids)
    digested = [one for one in digested if one.place.id in ours]
    failed = [one for one in failed if one.place.id in ours]
    settled = settling.settle(digested, ours, variants)
    now = timezone.now()
    told, libraries = _identify(settled, ours, library, now)
    printed = store_digests([*told, *_without_content(settled, ours, variants)])
    _write_places(told, settled, ours, now)
    moved = [one for one in told if one.moved]
    _bring_along(moved, library)
    _link_files(told)
    attaching.mark_failed((one.place.id, one.problem.outcome) for one in failed)
    _notice(digested, failed)
    _compare_listed(digested)
    fresh = [one.variant for one in told if one.fresh]
    _rebind(fresh)
    joined = joining.join_proven(variants=[*fresh, *printed])
    grouping.due(one.variant.pk for one in told)
    totals.stale({library.pk, *libraries})
    return HashReport(
        hashed=len(digested),
        failed=len(failed),
        absorbed=len(settled.pairs),
        restored=sum(not one.moved and ours[one.place.id].state == LocationState.CHANGED for one in told),
        moved_on=sum(one.place.variant is not None for one in moved),
        joined=len(joined),
        bytes_read=sum(one.bytes_read for one in digested),
    )


def _identify(
    settled: Settled, locations: Mapping[int, Location], library: Library, now: datetime
) -> tuple[list[Told], set[int]]:
    """Gives each place the variant of its content: the survivor of all that have it, or one that is born now."""
    libraries = absorb_all(pairs=settled.pairs)
    orphans = [
        reading
        for group in settled.groups.values()
        if group.survivor is None and (reading := group.places[0].reading) is not None
    ]
    born = births.give_birth(readings=orphans, library=library, known={})
    told: list[Told] = []
    for content, group in settled.groups.items():
        variant = group.survivor or Variant(pk=born[group.places[0].place.id].variant_id)
        if variant.content is None:
            variant.content, variant.hashed_at = content, now
        told += [
            Told(
                one,
                variant,
                fresh=group.fresh,
                first=one is group.places[0],
                moved=locations[one.place.id].variant_id not in group.members,
            )
            for one in group.places
        ]
    fresh = {one.variant.pk: one for one in told if one.fresh and one.first}
    bulk.update(
        Variant,
        ["id", "content", "hashed_at", "search_due"],
        [(pk, one.variant.content, one.variant.hashed_at, bool(one.digested.prints)) for pk, one in fresh.items()],
    )
    return told, libraries


def _without_content(
    settled: Settled, locations: Mapping[int, Location], variants: Mapping[UUID, Variant]
) -> list[Told]:
    """Incomplete sets and empty files. One that was edited says nothing of the variant that it was before."""
    return [
        Told(one, variants[variant_id], fresh=True, first=True, moved=False)
        for one in settled.without
        if (variant_id := locations[one.place.id].variant_id) is not None
        and settling.may_take(variants[variant_id], locations[one.place.id])
    ]


def _write_places(told: Sequence[Told], settled: Settled, locations: Mapping[int, Location], now: datetime) -> None:
    """Edited places are present again, with the bytes of before or with another variant. All are let go of."""
    rows: list[tuple[object, ...]] = []
    for one in told:
        location = locations[one.place.id]
        state = LocationState.PRESENT.value if location.state == LocationState.CHANGED else location.state
        rows.append((location.pk, one.variant.pk, one.outcome, state, now, *let_go()))
    for left in settled.without:
        location = locations[left.place.id]
        read = None if location.state == LocationState.CHANGED else now
        rows.append((location.pk, location.variant_id, outcome_of(left), location.state, read, *let_go()))
    for left in settled.again:
        location, changed = locations[left.place.id], LocationState.CHANGED.value
        rows.append((location.pk, location.variant_id, location.outcome, changed, None, *let_go(Stage.HASH)))
    rows.sort(key=itemgetter(0))
    bulk.update(Location, ["id", "variant_id", "outcome", "state", "hashed_at", *LEASE], rows)


def _bring_along(moved: Sequence[Told], library: Library) -> None:
    """What is noted about the place itself: the name it goes by, what its header lists, and what others say of it."""
    if not moved:
        return
    HashClaim.objects.filter(location__in=[one.place.id for one in moved], source=ClaimSource.HEADER).delete()
    bulk.update(HashClaim, ["location_id", "variant_id"], [(one.place.id, one.variant.pk) for one in moved])
    births.list_hashes(
        row
        for one in moved
        if (reading := one.digested.reading) is not None
        for row in listed.rows(
            one.place.id, one.variant.pk, listed.listed(reading.probe, bytes(one.place.location.path))
        )
    )
    births.remember_names(library=library, seen=[(one.variant.pk, bytes(one.place.location.path)) for one in moved])
    Note.objects.filter(location__in=[one.place.id for one in moved]).update(read_at=None)


def _link_files(told: Sequence[Told]) -> None:
    """Each file of a place to that file of the variant."""
    new = [one for one in told if not one.at_home]
    files = files_of(new)
    bulk.update(
        LocationFile,
        ["id", "file_id"],
        [(row.pk, file_id) for one in new for row, file_id in zip(one.place.files, one.file_ids(files), strict=True)],
    )


def _compare_listed(digested: Sequence[Digested]) -> None:
    """What others list of a place against what was computed of it."""
    comparing.replace(
        HashClaim.objects.filter(location__in=[one.place.id for one in digested]),
        {
            one.place.id: comparing.computed(one.place.files, one.files, one.whole, single=one.place.single)
            for one in digested
        },
    )


def _notice(digested: Sequence[Digested], failed: Sequence[Failed]) -> None:
    """What hindered the reading is over; what is wrong with a header is told by those whose header was read again."""
    again = [one.reading for one in digested if one.reading is not None]
    noticing.notice(readings=again, failed=failed)
    noticing.replace([one.place.id for one in digested if one.reading is None], [], _HINDRANCES)


def _rebind(variants: Sequence[Variant]) -> None:
    """A "not the same" that was bound to ids is bound to what outlives them, now that the bytes are known."""
    names = {variant.pk.bytes: variant for variant in variants}
    bound = Decision.objects.filter(Q(left__in=names) | Q(right__in=names), left__isnull=False, right__isnull=False)
    for row in bound.filter(kind=DecisionKind.NOT_SAME, closed_at=None, basis=Basis.VARIANT).order_by("pk"):
        for end in (row.left, row.right):
            if bytes(end or b"") in names:
                rejections.rebind(names[bytes(end or b"")])
