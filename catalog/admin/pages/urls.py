"""The addresses of the pages."""

from __future__ import annotations

from django.urls import path

from catalog.admin.pages import (
    attention,
    comparisons,
    dashboard,
    help,
    jobs,
    libraries,
    lookup,
    models,
    preview,
    setup,
    status,
    tokens,
)

PAGES = [
    path("", dashboard.show, name="index"),
    path("live/dashboard/", dashboard.poll, name="live_dashboard"),
    path("lookup/", lookup.show, name="lookup"),
    path("models/<uuid:model_id>/", models.show, name="catalog_modelrecord_change"),
    path("models/<uuid:model_id>/forget/", models.forget, name="forget"),
    path("variants/<uuid:variant_id>/", models.variant, name="variant"),
    path("variants/<uuid:variant_id>/preview/", preview.show, name="preview"),
    path("variants/<uuid:variant_id>/tensors/", models.tensors, name="tensors"),
    path("relations/<int:match_id>/", comparisons.show, name="relation"),
    path("compare/<uuid:left_id>/<uuid:right_id>/", comparisons.compare, name="compare"),
    path("relations/<int:match_id>/decide/", models.decide, name="decide"),
    path("decisions/<int:decision_id>/undo/", models.undo, name="undo"),
    path("libraries/", libraries.index, name="libraries"),
    path("live/libraries/", libraries.poll_index, name="live_libraries"),
    path("libraries/add/", libraries.add, name="library_add"),
    path("libraries/scan/", libraries.scan_all, name="scan_all"),
    path("libraries/<int:library_id>/", libraries.show, name="library"),
    path("live/libraries/<int:library_id>/", libraries.poll, name="live_library"),
    path("libraries/<int:library_id>/scan/", libraries.scan, name="library_scan"),
    path("libraries/<int:library_id>/verify/", libraries.verify, name="library_verify"),
    path("libraries/<int:library_id>/pause/", libraries.pause, name="library_pause"),
    path("libraries/<int:library_id>/remove/", libraries.remove, name="library_remove"),
    path("jobs/", jobs.index, name="jobs"),
    path("live/jobs/", jobs.poll_index, name="live_jobs"),
    path("jobs/<uuid:job_id>/", jobs.show, name="job"),
    path("live/jobs/<uuid:job_id>/", jobs.poll, name="live_job"),
    path("jobs/<uuid:job_id>/<slug:verb>/", jobs.act, name="job_act"),
    path("attention/", attention.index, name="attention"),
    path("attention/<int:finding_id>/retry/", attention.retry, name="attention_retry"),
    path("status/", status.show, name="status"),
    path("tokens/", tokens.index, name="tokens"),
    path("tokens/<int:token_id>/revoke/", tokens.revoke, name="token_revoke"),
    path("help/", help.show, name="help"),
    path("help/<slug:name>/", help.show, name="help_page"),
    path("setup/<str:token>/", setup.show, name="setup"),
]
