"""The picture of a variant: made here from one that lay beside it, so it is what its type says and nothing else."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from django.http import Http404, HttpResponse
from django.utils.cache import get_conditional_response

from catalog.admin.pages.base import page
from catalog.models import Preview

if TYPE_CHECKING:
    from uuid import UUID

    from django.http import HttpRequest

_DAY = 86_400


@page("catalog.view_modelrecord", cacheable=True)
def show(request: HttpRequest, variant_id: UUID) -> HttpResponse:
    """The picture as it stands; the id of a variant that was merged gives that of what it became."""
    row = _preview(variant_id)
    if row is None:
        raise Http404("This variant has no preview.")
    image = bytes(row.image)
    etag = f'"{hashlib.sha256(image).hexdigest()[:32]}"'
    answer = get_conditional_response(request, etag=etag) or HttpResponse(image, content_type=row.media_type)
    answer["ETag"] = etag
    answer["Cache-Control"] = f"private, max-age={_DAY}"
    answer["Content-Disposition"] = "inline"
    answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


def _preview(variant_id: UUID) -> Preview | None:
    own = Preview.objects.filter(variant=variant_id).first()
    return own or Preview.objects.filter(variant__aliases=variant_id).first()
