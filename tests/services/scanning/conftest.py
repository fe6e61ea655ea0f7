"""A real folder that is a library, and what a scan says of it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from django.utils import timezone

from catalog.models import Finding, Library, Location, LocationFile, Variant
from catalog.services import findings, libraries, scanning
from catalog.storage.quick import quick_id
from catalog.storage.root import open_path
from catalog.vocabulary import FindingCode, Outcome, Stage
from tests import rows

if TYPE_CHECKING:
    from pathlib import Path

    from catalog.services.scanning import ScanReport

HOUR_NS = 3_600_000_000_000


class Scene:
    """A library folder with its scans."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.library: Library = libraries.add(path=os.fsencode(folder))

    def put(self, *names: str, content: bytes | None = None) -> Path:
        """Files, with their folders, that were written an hour ago; each has bytes of its own unless told."""
        for name in names:
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if content is not None else name.encode())
            os.utime(path, ns=(0, path.stat().st_mtime_ns - HOUR_NS))
        return self.folder / names[-1]

    def scan(self, part: bytes | None = None) -> ScanReport:
        """One scan."""
        return scanning.scan(library_id=self.library.pk, part=part)

    def known(self) -> Scene:
        """Scans, then gives every location what reading its header and hashing it would."""
        self.scan()
        for location in Location.objects.filter(library=self.library, variant=None):
            finish(self.folder, location)
        return self

    def at(self, path: str, set_name: str = "") -> Location:
        """The location of a path."""
        return Location.objects.get(library=self.library, path_text=path, set_name=set_name)

    def states(self) -> dict[str, str]:
        """Path -> state, of every location."""
        return dict(Location.objects.filter(library=self.library).values_list("path_text", "state"))

    def findings(self) -> list[tuple[str, str]]:
        """Code and place of what is open."""
        found = findings.open_findings().filter(library=self.library)
        return sorted(found.values_list("code", "place"))

    def finding(self, code: FindingCode) -> Finding:
        """The one that is open of a code."""
        return findings.open_findings().get(library=self.library, code=code)


def finish(folder: Path, location: Location) -> Variant:
    """A variant for a location, with quick ids and a content of its own."""
    variant = rows.variant(location.path_text, size=location.size)
    variant.content = os.urandom(32)
    variant.save()
    for file in LocationFile.objects.filter(location=location):
        with open_path(os.fsencode(folder) + b"/" + bytes(file.path)) as opened:
            file.quick = quick_id(opened)
        file.save()
    location.variant, location.outcome, location.stage = variant, Outcome.OK.value, Stage.NONE.value
    location.hashed_at = timezone.now()
    location.save()
    return variant


@pytest.fixture
def scene(tmp_path: Path, db: None) -> Scene:
    """An empty library folder."""
    return Scene(tmp_path / "library")


@pytest.fixture
def other(tmp_path: Path, db: None) -> Scene:
    """Another one beside it."""
    return Scene(tmp_path / "other")
