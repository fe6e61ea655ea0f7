"""A library with notes in it, and what became of them."""

from __future__ import annotations

import hashlib
import json

from django.conf import settings

from catalog.models import Finding, Library, ModelRecord
from catalog.services import notes
from catalog.vocabulary import FindingCode
from tests.identity.catalogue import probe_all, scan
from tests.identity.catalogue import variant_at as variant

INFO = {
    "id": 5,
    "modelId": 4,
    "name": "v2",
    "baseModel": "Pony",
    "trainedWords": ["mychar, smile"],
    "model": {"name": "A Character", "type": "LORA", "tags": ["anime"]},
}


def info(content: bytes = b"", **fields: object) -> bytes:
    """A sidecar of Civitai that lists the digests of these bytes."""
    hashes = {"SHA256": hashlib.sha256(content).hexdigest().upper()} if content else {}
    return json.dumps({**INFO, "files": [{"name": "any", "hashes": hashes}], **fields}).encode()


def read() -> notes.NotesReport:
    """All notes that wait."""
    total = notes.NotesReport()
    while (report := notes.read_waiting(queue=settings.QUEUE)).notes:
        total += report
    return total


def told(library: Library) -> notes.NotesReport:
    """The library is scanned, its headers and then its notes are read."""
    scan(library)
    probe_all()
    return read()


def model_at(library: Library, path: str) -> ModelRecord:
    """The model of a path, as it is now."""
    return ModelRecord.objects.get(pk=variant(library, path).model_id)


def open_notes() -> list[str]:
    """Places of open findings about notes."""
    rows = Finding.objects.filter(code=FindingCode.NOTE_UNREADABLE, cleared_at=None)
    return sorted(rows.values_list("place", flat=True))


def differing() -> list[str]:
    """What is listed in open findings about listed hashes."""
    rows = Finding.objects.filter(code=FindingCode.CLAIM_DIFFERS, cleared_at=None)
    return [row.params["listed"] for row in rows]
