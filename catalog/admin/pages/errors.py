"""What is said when something failed that should not have."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from django.template.loader import render_to_string

if TYPE_CHECKING:
    from django.http import HttpRequest


def server_error(request: HttpRequest) -> HttpResponse:
    """503 with a plain page while the database does not answer, else 500. Neither page asks the database."""
    kind = sys.exc_info()[0]
    if kind is not None and issubclass(kind, OperationalError | InterfaceError):
        return HttpResponse(render_to_string("503.html"), status=503, headers={"Retry-After": "10"})
    return HttpResponse(render_to_string("500.html"), status=500)
