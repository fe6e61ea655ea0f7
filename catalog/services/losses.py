"""What becomes of work whose worker was lost: tried again, each file by itself, and after the third loss a finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Case, F, Value, When
from django.db.models.functions import Now

from catalog.models import Location
from catalog.services import findings
from catalog.services.findings import Raised
from catalog.vocabulary import FindingCode, Outcome, Stage

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from catalog.services.claiming import Claim

LOSSES = 3
"""So often may a worker be lost over one piece of work."""

_KILLED = "the process that read it was killed each time"


def expire() -> int:
    """Gives the rows of workers that show no sign of life to others. How many."""
    return _give_up(Location.objects.filter(lease__isnull=False, leased_until__lt=Now()), _KILLED)


def fail(claim: Claim, reason: str) -> int:
    """A worker could not go on, for a reason that nobody foresaw: the same as a loss. How many rows."""
    return _give_up(Location.objects.filter(pk__in=claim.location_ids, lease=claim.token), reason)


def _give_up(lost: QuerySet[Location], reason: str) -> int:
    """Next time each of them is claimed by itself, so that one that kills its worker takes no others along."""
    with transaction.atomic():
        rows = list(lost.select_for_update().order_by("pk").values_list("pk", "attempts"))
        ids = [pk for pk, _ in rows]
        hopeless = [pk for pk, attempts in rows if attempts >= LOSSES]
        Location.objects.filter(pk__in=ids).update(lease=None, leased_until=None, alone=True, done_bytes=0)
        Location.objects.filter(pk__in=hopeless).update(
            stage=Stage.NONE,
            alone=False,
            outcome=Case(When(outcome=Outcome.PENDING, then=Value(Outcome.INVALID.value)), default=F("outcome")),
        )
        code = FindingCode.READER_FAILED
        findings.raise_all(found=[Raised(code, {"reason": reason}, location_id=pk) for pk in hopeless])
    return len(rows)
