"""Several workers at once, each with a database connection of its own."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.db import connection

from catalog.models import Location, ModelHash, ModelRecord, Variant
from catalog.services import claiming, hashing
from catalog.vocabulary import Stage
from tests.identity.catalogue import add, answers, model, probe_all, put, scan

if TYPE_CHECKING:
    from pathlib import Path

    from catalog.services.hashing import HashReport

pytestmark = pytest.mark.django_db(transaction=True)

WORKERS = 4


def work(start: threading.Barrier, files: int) -> HashReport:
    """What one worker does until nothing waits; all begin in the same moment."""
    total = hashing.HashReport()
    try:
        start.wait()
        while claim := claiming.claim(queue=settings.QUEUE, stages=[Stage.HASH], limit_files=files):
            total += hashing.hash_claim(claim=claim)
    finally:
        connection.close()
    return total


def hash_by_many(files: int) -> list[HashReport]:
    start = threading.Barrier(WORKERS)
    with ThreadPoolExecutor(WORKERS) as pool:
        return [done.result() for done in [pool.submit(work, start, files) for _ in range(WORKERS)]]


@pytest.mark.parametrize("files", [1, 5])
def test_workers_with_the_same_contents_at_once_leave_one_variant_of_each(tmp_path: Path, files: int) -> None:
    contents = [model(seed) for seed in range(5)]
    for copy in range(8):
        for number, content in enumerate(contents if copy % 2 else reversed(contents)):
            put(tmp_path, f"{copy}-{number}.safetensors", content)
    library = add(tmp_path)
    scan(library)
    probe_all()
    born = list(Variant.objects.all())
    reports = hash_by_many(files)

    assert sum(report.hashed for report in reports) == 40
    live = Variant.objects.filter(merged_into=None)
    assert live.count() == 5
    assert {answers(variant) for variant in born} == set(live)
    assert all(variant.locations.count() == 8 for variant in live)
    assert ModelRecord.objects.filter(merged_into=None).count() == 5
    assert not Location.objects.exclude(stage=Stage.NONE).exists()
    for variant in live:
        assert ModelHash.objects.filter(variant=variant, algorithm="blake3").count() == 1


def test_workers_with_the_same_tensors_at_once_leave_one_model(tmp_path: Path) -> None:
    for seed in range(3):
        for header in range(6):
            put(tmp_path, f"{header}-{seed}.safetensors", model(seed, {"note": "x" * header}))
    library = add(tmp_path)
    scan(library)
    probe_all()
    hash_by_many(2)

    assert Variant.objects.filter(merged_into=None).count() == 18
    assert ModelRecord.objects.filter(merged_into=None).count() == 3
