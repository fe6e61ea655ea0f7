"""The admin is the site; the API and the health addresses stand beside it."""

from __future__ import annotations

from django.urls import path

from catalog.admin import site
from catalog.api import api
from catalog.health import healthz, readyz
from catalog.metrics import metrics

urlpatterns = [
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
    path("api/v1/", api.urls),
    path("", site.urls),
]

handler500 = "catalog.admin.pages.errors.server_error"
