"""Taking variants that wait to be searched for, and giving them back: a lease on the variant itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from catalog.models import Variant
from catalog.services import findings
from catalog.services.claiming import Orders
from catalog.services.findings import Raised
from catalog.services.losses import LOSSES
from catalog.vocabulary import FindingCode

if TYPE_CHECKING:
    from django.db.models import QuerySet

_TAKE = """
UPDATE catalog_variant SET search_lease = %(token)s, search_until = now() + %(seconds)s * interval '1 second',
    search_attempts = search_attempts + 1
WHERE id = (
    SELECT id FROM catalog_variant WHERE search_due AND search_lease IS NULL AND merged_into_id IS NULL
    ORDER BY number LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
)
RETURNING id
"""
_BEAT = """
UPDATE catalog_variant SET search_until = now() + %(seconds)s * interval '1 second'
WHERE id = %(variant)s AND search_lease = %(token)s
"""

_LOST = "the process that compared it was killed each time"


class Search(NamedTuple):
    """A variant that is being searched for, leased to whoever holds the token."""

    token: UUID
    variant: UUID


def take() -> Search | None:
    """The oldest variant that waits; None when none does. One at a time: one that kills its worker takes none along."""
    token = uuid4()
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, {"token": token, "seconds": settings.LEASE_SECONDS})
        row = cursor.fetchone()
    return Search(token, row[0]) if row else None


def beat(search: Search) -> Orders:
    """Keeps the lease for another while."""
    with connection.cursor() as cursor:
        cursor.execute(_BEAT, {"seconds": settings.LEASE_SECONDS, "variant": search.variant, "token": search.token})
        return Orders(cancel=cursor.rowcount == 0)


def finish(search: Search) -> bool:
    """In the transaction of the results. Whether it was still ours."""
    done = _held(search).update(search_due=False, search_lease=None, search_until=None, search_attempts=0)
    return bool(done)


def release(search: Search) -> None:
    """Gives it back as if it had never been taken."""
    _held(search).update(search_lease=None, search_until=None, search_attempts=F("search_attempts") - 1)


def fail(search: Search, reason: str) -> None:
    """An error that nobody foresaw: the same as a loss."""
    _give_up(Q(pk=search.variant, search_lease=search.token), reason)


def expire() -> None:
    """Gives what dead workers held to others; after the third loss it is left, with a finding."""
    _give_up(Q(search_due=True, search_lease__isnull=False, search_until__lt=Now()), _LOST)


def _held(search: Search) -> QuerySet[Variant]:
    return Variant.objects.filter(pk=search.variant, search_lease=search.token)


def _give_up(lost: Q, reason: str) -> None:
    with transaction.atomic():
        rows = Variant.objects.select_for_update(no_key=True).filter(lost).order_by("number")
        found = dict(rows.values_list("pk", "search_attempts"))
        hopeless = [pk for pk, attempts in found.items() if attempts >= LOSSES]
        Variant.objects.filter(pk__in=found).update(search_lease=None, search_until=None)
        Variant.objects.filter(pk__in=hopeless).update(search_due=False, search_attempts=0)
        code = FindingCode.COMPARISON_FAILED
        findings.raise_all(found=[Raised(code, {"reason": reason}, variant_id=pk) for pk in hopeless])
