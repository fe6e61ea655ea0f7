"""Two variants beside each other, with the evidence tensor by tensor."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Router
from ninja.errors import HttpError

from catalog.api.auth import require
from catalog.api.schemas import REFUSALS, ComparisonOut
from catalog.matching import wording
from catalog.services.matching import showing

router = Router(tags=["comparisons"])


@router.get(
    "/{left}/{right}",
    response={200: ComparisonOut, **REFUSALS},
    summary="What one variant is to another, and the table that shows why",
)
def compare(request: HttpRequest, left: UUID, right: UUID) -> dict[str, Any]:
    """Of stored relations what is stored; of any other pair what the fingerprints say now."""
    require(request)
    found = showing.comparison(left, right)
    if found is None:
        raise HttpError(404, "Two variants are compared; one of these ids is not known, or both are one.")
    names = str(found.left.variant.model), str(found.right.variant.model)
    told = wording.as_json(found.evidence, *names)
    return {"left": found.left.variant.pk, "right": found.right.variant.pk, "waits": found.waits, **told}
