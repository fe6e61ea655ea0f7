"""Which of the places that were worked on are still leased to us: the others' results are dropped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.errors import LeaseLost
from catalog.models import Location
from catalog.vocabulary import Stage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from catalog.services.claiming import Claim

LEASE = ("stage", "lease", "leased_until", "attempts", "alone", "done_bytes")
"""Written with the results, in the same statement: each update of a location costs all of its indexes."""


def let_go(stage: Stage = Stage.NONE) -> tuple[object, ...]:
    """Values of `LEASE` for a location that `still_ours` gave; `stage` is what it waits for next."""
    return stage.value, None, None, 0, False, 0


def still_ours(claim: Claim, ids: Iterable[int]) -> dict[int, Location]:
    """The locations by number, locked until the transaction ends. Raises `LeaseLost` when none is ours any more.

    Of each only library, variant and state are read: those may have changed since the claim.

    A scan takes single rows away from whoever reads them, when it sees that their files changed.
    """
    rows = Location.objects.select_for_update(no_key=True).filter(pk__in=list(ids), lease=claim.token).order_by("pk")
    ours = {row.pk: row for row in rows.only("library_id", "variant_id", "state")}
    if not ours:
        raise LeaseLost("Another worker has taken over; what was computed here is dropped.")
    return ours
