"""The API under `/api/v1/`: a router for each resource, schemas beside it, documentation that needs no network."""

from __future__ import annotations

from ninja import NinjaAPI
from ninja.openapi.docs import Swagger

from catalog.api import comparisons, jobs, libraries, lookup, records
from catalog.api.auth import AUTH, staff_or_token

api = NinjaAPI(
    title="Isotope",
    version="1",
    description="Which model is this file, where does it lie, and what else is known of it.",
    auth=AUTH,
    docs_decorator=staff_or_token,
    docs=Swagger(settings={"persistAuthorization": False}),
    urls_namespace="api",
)
api.add_router("/lookup", lookup.router)
api.add_router("/models", records.models)
api.add_router("/variants", records.variants)
api.add_router("/comparisons", comparisons.router)
api.add_router("/libraries", libraries.router)
api.add_router("/scan", libraries.scanning)
api.add_router("/jobs", jobs.router)
