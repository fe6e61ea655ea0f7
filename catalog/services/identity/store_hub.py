"""What a cache of Hugging Face, a download from there, or LM Studio says of the places in it."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from catalog.services.identity.known import NOTHING, Known, Listed, Name
from catalog.storage import hub
from catalog.storage.keys import unsigned
from catalog.storage.values import shown
from catalog.vocabulary import Algorithm, ClaimSource, NameSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalog.models import LocationFile
    from catalog.services.identity.places import Place
    from catalog.storage.root import Root

SITE = "https://huggingface.co/"
_MAIN = "main"
_SHORT = 7
_ALGORITHMS = {64: Algorithm.SHA256.value, 40: Algorithm.GIT_SHA1.value}
# LM Studio, "Offline operation, manage chats and models": models/<publisher>/<repository>/<file>
_LM_STUDIO = re.compile(rb".*/(?:\.lmstudio|\.?lm-studio)/models/([\w.-]+)/([\w.-]+)/[^/]+\.gguf", re.ASCII | re.DOTALL)
_IMPORTED = b"imported-models"


class Hub:
    """Reads each repository once for all places of a batch."""

    def __init__(self, root: Root) -> None:
        self._root = root
        self._revisions: dict[bytes, hub.Revisions] = {}
        self._trees: dict[tuple[bytes, bytes], dict[bytes, tuple[int, str]]] = {}
        self._downloads: dict[bytes, bool] = {}

    def of(self, place: Place) -> Known:
        """What is known of one place."""
        path = bytes(place.location.path)
        inside = hub.spot(path)
        if inside is not None:
            return self._cached(place, inside)
        full = os.path.join(self._root.real, path)
        above = hub.spot(full)
        if above is not None:
            named = hub.named_blob(above, full) if place.single else ""
            claims = tuple(_claim(place, place.files[0], named))
            return Known(claims=claims).besides(_of_repository(above, [above.commit] if above.commit else []))
        return Known(claims=tuple(self._downloaded(place))).besides(_lm_studio(full))

    def _cached(self, place: Place, spot: hub.Spot) -> Known:
        revisions = self._revisions.get(spot.folder)
        if revisions is None:
            revisions = self._revisions[spot.folder] = hub.revisions(self._root, spot.folder)
        commits = [spot.commit] if spot.commit else []
        if commits:
            files = {
                inner.path: unsigned(file.ino)
                for file in place.files
                if (inner := hub.spot(bytes(file.path))) is not None
            }
            others = tuple(commit for commit in revisions.commits if commit != spot.commit)
            commits += hub.commits_with(self._root, spot.folder, others, files)
        known = _of_repository(spot, commits)
        claims = tuple(self._claims(place, spot))
        return Known(version=_version(revisions, commits), claims=claims).besides(known)

    def _claims(self, place: Place, spot: hub.Spot) -> Iterator[Listed]:
        for file in place.files:
            path = bytes(file.path)
            digits = hub.digest_of_blob(self._root, path) or self._in_tree(spot, path, file.size)
            yield from _claim(place, file, digits)

    def _in_tree(self, spot: hub.Spot, path: bytes, size: int) -> str:
        """Where the cache holds copies instead of links, its list of the commit says the digest."""
        if not spot.commit:
            return ""
        key = spot.folder, spot.commit
        if key not in self._trees:
            self._trees[key] = dict(hub.tree(self._root, *key))
        inner = hub.spot(path)
        listed = self._trees[key].get(inner.path) if inner is not None else None
        return listed[1] if listed is not None and listed[0] == size else ""

    def _downloaded(self, place: Place) -> Iterator[Listed]:
        for file in place.files:
            path = bytes(file.path)
            for folder in _folders(path):
                if self._has_downloads(folder):
                    below = path[len(folder) + 1 :] if folder else path
                    digits = hub.downloaded(self._root, folder, below, file.mtime_ns / 1e9)
                    yield from _claim(place, file, digits)
                    break

    def _has_downloads(self, folder: bytes) -> bool:
        if folder not in self._downloads:
            self._downloads[folder] = hub.has_downloads(self._root, folder)
        return self._downloads[folder]


def _folders(path: bytes) -> Iterator[bytes]:
    """The folders above a file, the nearest first; the library's own is the last."""
    while path:
        path = os.path.dirname(path)
        yield path


def _claim(place: Place, file: LocationFile, digits: str) -> Iterator[Listed]:
    """The digest of nothing says nothing."""
    if digits and file.size:
        meant = None if place.single else file.pk
        yield Listed(_ALGORITHMS[len(digits)], bytes.fromhex(digits), ClaimSource.HUGGING_FACE, meant)


def _of_repository(spot: hub.Spot, commits: list[bytes]) -> Known:
    """The repository itself is an id too: people look for `owner/name`."""
    path = f"/{shown(spot.path)}" if spot.path else ""
    ids = [("hf", f"{spot.repository}@{shown(commit)}{path}") for commit in commits]
    return Known(
        name=Name(spot.repository, NameSource.REPOSITORY),
        ids=(("hf", spot.repository), *ids),
        source=SITE + spot.repository,
    )


def _version(revisions: hub.Revisions, commits: list[bytes]) -> str:
    """A name of the revision; none for what everybody gets, and none where there is nothing to tell apart."""
    names = [name for commit in commits for name in revisions.names.get(commit, ())]
    if _MAIN in names or not commits:
        return ""
    if names:
        return names[0]
    return shown(commits[0][:_SHORT]) if revisions.names or len(revisions.commits) > 1 else ""


def _lm_studio(full: bytes) -> Known:
    """Folders below its own are named after the repository on Hugging Face; what was imported by hand is not."""
    found = _LM_STUDIO.fullmatch(full)
    if found is None or found[1] == _IMPORTED:
        return NOTHING
    repository = shown(found[1] + b"/" + found[2])
    return Known(name=Name(repository, NameSource.REPOSITORY), ids=(("hf", repository),), source=SITE + repository)
