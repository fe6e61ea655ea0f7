"""Folders catalogued as the product does it, in this process: scan, read headers, hash, until nothing waits."""

from __future__ import annotations

import itertools
import os
from typing import TYPE_CHECKING

from django.conf import settings

from catalog.models import Library, Location, ModelRecord, Variant
from catalog.services import claiming, hashing, libraries, probing, scanning, verifying
from catalog.vocabulary import Stage
from tests.builders import HALF, cast, safetensors, weights

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from catalog.services.scanning import ScanReport

_HOURS_AGO = itertools.count(1)


def model(seed: int, metadata: Mapping[str, str] | None = None, *, size: int = 8) -> bytes:
    """A small safetensors file; its tensors depend on the seed alone."""
    shapes = {"layers.0.weight": (size, size), "layers.0.bias": (size,), "layers.1.weight": (size, size)}
    return safetensors(cast(weights(shapes, seed), HALF), metadata)


def put(folder: Path, name: str, content: bytes) -> Path:
    """A file with its folders, written at an hour of its own, long enough ago to be finished."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    moment = 1_600_000_000_000_000_000 + next(_HOURS_AGO) * 3_600_000_000_000
    os.utime(path, ns=(moment, moment))
    return path


def add(folder: Path) -> Library:
    """The folder as a library."""
    folder.mkdir(parents=True, exist_ok=True)
    return libraries.add(path=os.fsencode(folder))


def scan(library: Library) -> ScanReport:
    """One walk of the library."""
    return scanning.scan(library_id=library.pk)


def probe_all() -> None:
    """Every header that waits to be read."""
    while claim := claiming.claim(queue=settings.QUEUE, stages=[Stage.PROBE], limit_bytes=2**62):
        probing.probe(claim=claim)


def hash_all(*, at_once: int = 100) -> hashing.HashReport:
    """Every file that waits to be hashed, so many a claim."""
    total = hashing.HashReport()
    while claim := claiming.claim(queue=settings.QUEUE, stages=[Stage.HASH], limit_files=at_once):
        total += hashing.hash_claim(claim=claim)
    return total


def verify_all() -> None:
    """Every file that waits to be verified."""
    while claim := claiming.claim(queue=settings.QUEUE, stages=[Stage.VERIFY]):
        verifying.verify_claim(claim=claim)


def catalogue(*places: Library) -> None:
    """Scans the libraries in this order and works until nothing waits."""
    for library in places:
        scan(library)
    while Location.objects.exclude(stage=Stage.NONE).exists():
        probe_all()
        hash_all()
        verify_all()


def at(library: Library, path: str) -> Location:
    """The location of a path."""
    return Location.objects.select_related("variant__model").get(library=library, path=os.fsencode(path))


def variant_at(library: Library, path: str) -> Variant:
    """The variant that lies at a path."""
    found = at(library, path).variant
    assert found is not None
    return found


def answers(variant: Variant) -> Variant:
    """The live variant that an id answers with."""
    row = Variant.objects.select_related("merged_into").get(pk=variant.pk)
    return row.merged_into or row


def answering_model(model: ModelRecord) -> ModelRecord:
    """The live model that an id answers with."""
    row = ModelRecord.objects.select_related("merged_into").get(pk=model.pk)
    return row.merged_into or row
