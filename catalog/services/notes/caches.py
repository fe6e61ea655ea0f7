"""Digests that A1111 keeps of its models: taken for a file of that name and that very time, and for no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalog.models import HashClaim, LocationFile
from catalog.services.identity import births, comparing
from catalog.services.identity.locking import in_one_transaction
from catalog.services.notes.telling import stamp
from catalog.storage.beside import DATABASES
from catalog.storage.keys import stem
from catalog.storage.values import shown
from catalog.vocabulary import ClaimSource, LocationState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    from catalog.models import Library
    from catalog.services.notes.reading import Page
    from catalog.sidecars import Cached

    Row = tuple[int, UUID, str, bytes, str, None]

_NEAR_NS = 1000
"""A time in seconds as a float is that much off."""


class _Files:
    """The files of a library that are models by themselves, by name and by stem."""

    def __init__(self, library: Library) -> None:
        rows = LocationFile.objects.filter(
            location__library=library,
            location__set_name="",
            location__state=LocationState.PRESENT,
            location__variant__isnull=False,
        ).values_list("path", "mtime_ns", "location", "location__variant")
        self._found: dict[str, list[tuple[bytes, int, int, UUID]]] = {}
        for raw, mtime_ns, location, variant in rows:
            path = bytes(raw)
            if variant is not None:
                for key in {shown(path).rpartition("/")[2], stem(path)}:
                    self._found.setdefault(key, []).append((path, mtime_ns, location, variant))

    def meant(self, line: Cached, folder: bytes) -> Iterator[tuple[int, UUID]]:
        """Locations and variants of the files below a folder that a line can mean."""
        _, _, rest = line.title.replace("\\", "/").partition("/")
        for path, mtime_ns, location, variant in self._found.get(rest.rpartition("/")[2], ()):
            whole = f"/{shown(path)}"
            fits = "/" not in rest or whole.endswith(f"/{rest}")
            if fits and abs(mtime_ns - line.mtime * 1e9) <= _NEAR_NS and (not folder or path.startswith(folder + b"/")):
                yield location, variant


@in_one_transaction
def take(library: Library, pages: Sequence[Page]) -> int:
    """Lists what the caches say now, and no longer what they said before. Returns how many digests that is."""
    files = _Files(library)
    rows: dict[tuple[int, str], Row] = {}
    for page in pages:
        folder = _folder(bytes(page.note.path))
        for line in page.told.cached:
            for location, variant in files.meant(line, folder):
                stated = line.hash
                rows[location, stated.algorithm] = (
                    location, variant, stated.algorithm, stated.digest, stated.source.value, None,
                )  # fmt: skip
    old = HashClaim.objects.filter(location__library=library, source=ClaimSource.A1111)
    gone = {
        pk: place for pk, place, name in old.values_list("pk", "location", "algorithm") if (place, name) not in rows
    }
    HashClaim.objects.filter(pk__in=gone).delete()
    births.list_hashes(rows.values())
    comparing.compare(sorted({*gone.values(), *(location for location, _ in rows)}))
    stamp(pages)
    return len(rows)


def _folder(path: bytes) -> bytes:
    """The folder of the program that keeps the cache."""
    for name in DATABASES:
        if path == name or path.endswith(b"/" + name):
            return path[: -len(name)].rstrip(b"/")
    return path.rpartition(b"/")[0]
