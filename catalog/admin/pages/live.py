"""Keeping a page fresh: its parts as JSON, with an ETag, so that an unchanged page costs a few bytes."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from django.http import HttpResponse, HttpResponseNotModified
from django.template.loader import render_to_string

from catalog.admin.site import site

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest

BUSY_SECONDS = 2
IDLE_SECONDS = 10
_TOKEN = re.compile(rb"csrfmiddlewaretoken[^>]*value=[^>]*>")  # another mask each time


def answer(
    request: HttpRequest, parts: Mapping[str, str], context: Mapping[str, Any], *, percent: int | None = None
) -> HttpResponse:
    """`parts` maps the name of a part to its template. The page asks again soon when the context says `busy`."""
    frame = {**site.each_context(request), **context}
    body = json.dumps(
        {
            "parts": {name: render_to_string(template, frame, request) for name, template in parts.items()},
            "percent": percent,
            "findings": frame["open_findings"],
            "again": BUSY_SECONDS if context["busy"] else IDLE_SECONDS,
        }
    ).encode()
    tag = f'"{hashlib.sha256(_TOKEN.sub(b"", body)).hexdigest()[:32]}"'
    same = request.headers.get("If-None-Match") == tag
    response = HttpResponseNotModified() if same else HttpResponse(body, content_type="application/json")
    response["ETag"] = tag
    return response
