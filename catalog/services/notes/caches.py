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
    from collections.abc import Collection, Iterator, Sequence
    from uuid import UUID

    from catalog.models import Library
    from catalog.services.notes.reading import Page
    from catalog.sidecars import Cached

    Row = tuple[int, UUID, str, bytes, str, None]

_NEAR_NS = 1000
"""A time in seconds as a float is that much off."""


class _Files:
    """The files of a library that are models by themselves and are called as in `names`, by name and by stem."""

    def __init__(self, library: Library, names: Collection[str]) -> None:
        rows = LocationFile.objects.filter(
            location__library=library,
            location__set_name="",
            location__state=LocationState.PRESENT,
            location__variant__isnull=False,
        ).values_list("path", "mtime_ns", "location", "location__variant")
        self._found: dict[str, list[tuple[bytes, int, int, UUID]]] = {}
        for raw, mtime_ns, location, variant in rows.iterator() if names else ():
            path = bytes(raw)
            if variant is not None:
                for key in {shown(path).rpartition("/")[2], stem(path)}.intersection(names):
                    self._found.setdefault(key, []).append((path, mtime_ns, location, variant))

    def meant(self, line: Cached, folder: bytes) -> Iterator[tuple[int, UUID]]:
        """Locations and variants of the files below a folder that a line can mean."""
        rest = _path(line)
        for path, mtime_ns, location, variant in self._found.get(_name(line), ()):
            whole = f"/{shown(path)}"
            fits = "/" not in rest or whole.endswith(f"/{rest}")
            if fits and abs(mtime_ns - line.mtime * 1e9) <= _NEAR_NS and (not folder or path.startswith(folder + b"/")):
                yield location, variant


def _path(line: Cached) -> str:
    """What a title says after the sort of model: a path below the folder of that sort, or a stem."""
    return line.title.replace("\\", "/").partition("/")[2]


def _name(line: Cached) -> str:
    return _path(line).rpartition("/")[2]


@in_one_transaction
def take(library: Library, pages: Sequence[Page]) -> int:
    """Lists what the caches say now, and no longer what they said before. Returns how many digests that is."""
    files = _Files(library, {_name(line) for page in pages for line in page.told.cached})
    rows: dict[tuple[int, str], Row] = {}
    for page in pages:
        folder = _folder(bytes(page.note.path))
        for line in page.told.cached:
            for location, variant in files.meant(line, folder):
                stated = line.hash
                rows[location, stated.algorithm] = (
                    location, variant, stated.algorithm, stated.digest, stated.source.value, None,
                )  # fmt: skip
    known = {
        (place, algorithm): (pk, (place, variant, algorithm, bytes(digest), source, None))
        for pk, place, variant, algorithm, digest, source in HashClaim.objects.filter(
            location__library=library, source=ClaimSource.A1111
        ).values_list("pk", "location", "variant", "algorithm", "digest", "source")
    }
    gone = {key: pk for key, (pk, _) in known.items() if key not in rows}
    fresh = {key: row for key, row in rows.items() if key not in known or known[key][1] != row}
    HashClaim.objects.filter(pk__in=gone.values()).delete()
    births.list_hashes(fresh.values())
    comparing.compare(sorted({place for place, _ in (*gone, *fresh)}))
    stamp(pages)
    return len(rows)


def _folder(path: bytes) -> bytes:
    """The folder of the program that keeps the cache."""
    for name in DATABASES:
        if path == name or path.endswith(b"/" + name):
            return path[: -len(name)].rstrip(b"/")
    return path.rpartition(b"/")[0]
