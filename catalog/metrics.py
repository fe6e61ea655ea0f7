"""Figures for monitoring, read from the database when asked: `/metrics`, for a token or a signed-in member of staff."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily

from catalog.api.auth import staff_or_token
from catalog.models import Finding, Job, Location, StorageTotal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prometheus_client import Metric


class Catalog:
    """One collector; five statements a scrape, none over a table of hashes."""

    def collect(self) -> Iterator[Metric]:
        totals = StorageTotal.objects.values("format", "precision", "state").annotate(
            variants_sum=Sum("variants"), bytes_sum=Sum("bytes")
        )
        variants = GaugeMetricFamily("isotope_variants", "Variants", labels=["format", "precision", "state"])
        stored = GaugeMetricFamily("isotope_bytes", "Bytes, hard links once", labels=["format", "precision", "state"])
        for row in totals:
            labels = [row["format"], row["precision"], row["state"]]
            variants.add_metric(labels, row["variants_sum"])
            stored.add_metric(labels, row["bytes_sum"])
        yield variants
        yield stored
        waiting = GaugeMetricFamily("isotope_waiting", "Files that wait for work", labels=["stage"])
        for stage, count in Location.objects.exclude(stage="").values_list("stage").annotate(Count("pk")).order_by():
            waiting.add_metric([stage], count)
        yield waiting
        jobs = GaugeMetricFamily("isotope_jobs", "Jobs", labels=["kind", "state"])
        for kind, state, count in Job.objects.values_list("kind", "state").annotate(Count("pk")).order_by():
            jobs.add_metric([kind, state], count)
        yield jobs
        findings = GaugeMetricFamily("isotope_findings", "Open findings", labels=["code"])
        open_ones = Finding.objects.filter(cleared_at=None)
        for code, count in open_ones.values_list("code").annotate(Count("pk")).order_by():
            findings.add_metric([code], count)
        yield findings


@staff_or_token
def metrics(request: HttpRequest) -> HttpResponse:
    """The figures as text."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Catalog())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
