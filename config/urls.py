"""The admin is the site; the API and the health addresses stand beside it."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

from catalog.api import api
from catalog.health import healthz, readyz

urlpatterns = [
    path("healthz", healthz),
    path("readyz", readyz),
    path("api/v1/", api.urls),
    path("", admin.site.urls),
]
