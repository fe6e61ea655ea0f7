"""The two ends of a relation, held while it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.models import Variant

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID


def live(wanted: Iterable[UUID]) -> dict[UUID, UUID]:
    """Variants -> the live ones that they are by now, locked by number until the transaction ends.

    One that was just absorbed once more is left out.
    """
    rows = Variant.objects.filter(pk__in=set(wanted)).values_list("pk", "merged_into")
    targets = {pk: merged or pk for pk, merged in rows}
    locked = Variant.objects.select_for_update(no_key=True).filter(pk__in=set(targets.values())).order_by("number")
    still = {pk for pk, merged in locked.values_list("pk", "merged_into") if merged is None}
    return {pk: target for pk, target in targets.items() if target in still}
