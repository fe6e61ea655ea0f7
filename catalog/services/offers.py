"""Folders of this machine that would make good libraries: recognised by their names, with what they hold."""

from __future__ import annotations

import json
import os
import threading
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING

import redis
from django.conf import settings
from django.core.cache import cache

from catalog import layouts
from catalog.errors import FileProblem, LibraryOffline, PathRefused, Refused
from catalog.layouts import extra_paths
from catalog.models import Library
from catalog.services.libraries import within
from catalog.storage.offering import glimpse, names_in, tally, walk_near
from catalog.storage.root import open_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from catalog.layouts import Layout
    from catalog.layouts.extra_paths import ExtraFolder
    from catalog.storage.offering import Names

SECONDS = 2.0
_FOR_NAMES = 0.5  # of the time; counting gets the rest
_PAGE_SECONDS = 1.0
_GRACE = 0.5
_LEVELS = 2
_KEPT_SECONDS = 60
_HOMES = (
    ".cache/huggingface/hub", ".ollama/models", ".lmstudio/models", ".cache/lm-studio/models", "ComfyUI", "invokeai",
)  # fmt: skip
_SYSTEM = ("/usr/share/ollama/.ollama/models",)
_INNER = (b"models", b"Models")


@dataclass(frozen=True, slots=True)
class Offer:
    """A folder that may be added. `layout` is a stored word, "" for a folder that only ComfyUI's file names: then
    `named_by` is that file. `whole`: the counts are exact, not the least of what is there.
    """

    path: str
    layout: str
    managed: bool
    files: int = 0
    size: int = 0
    whole: bool = True
    named_by: str = ""

    @property
    def label(self) -> str:
        """What to call it."""
        return layouts.label_of(self.layout) or os.path.basename(self.path)

    @property
    def symbol(self) -> str:
        """Two letters for its tile."""
        layout = layouts.named(self.layout)
        return layout.symbol if layout is not None else "··"


def find(*, everywhere: bool = False, seconds: float = SECONDS) -> tuple[Offer, ...]:
    """Recognised folders that hold models and are no libraries yet, the largest first; in about `seconds`.

    Looked at are the places where tools keep models by custom, and two levels below each of `ISOTOPE_FOLDERS`;
    `everywhere` also such places outside of those. No file is opened but ComfyUI's `extra_model_paths.yaml`.
    """
    search = _Search(everywhere=everywhere, known=_known(), seconds=seconds)
    hand = threading.Thread(target=search.run, name="offers", daemon=True)  # a dead network drive may hold it for ever
    hand.start()
    hand.join(seconds + _GRACE)
    return tuple(sorted((one for one in tuple(search.offers) if one.files), key=lambda one: (-one.size, one.path)))


def current() -> tuple[Offer, ...]:
    """The same for a page: looked for once a minute. What was added since then is left out."""
    with suppress(redis.RedisError, ValueError, TypeError):
        kept = cache.get(_key())
        if kept is not None:
            return tuple(_new([Offer(**row) for row in json.loads(kept)], _known()))
    found = find(seconds=_PAGE_SECONDS)
    with suppress(redis.RedisError):
        cache.set(_key(), json.dumps([asdict(one) for one in found]), _KEPT_SECONDS)
    return found


def _key() -> str:
    """What was found for other folders, or in another home, is not found for these."""
    places = "\0".join([os.path.expanduser("~"), *settings.ISOTOPE_FOLDERS])
    return f"offers-{sha256(os.fsencode(places)).hexdigest()}"


def named_in(text: str, *, beside: str = "") -> tuple[str, ...]:
    """The folders of an `extra_model_paths.yaml`, those of one tool as one. Raises `Refused` when it is none."""
    try:
        return _folded(extra_paths.parse(text, beside=beside))
    except extra_paths.NotExtraPathsError as problem:
        raise Refused(str(problem)) from problem


def named_beside(path: bytes) -> tuple[str, ...]:
    """Folders that the file of the ComfyUI in this folder names, that are there, and that are no libraries yet."""
    folder = os.path.realpath(path)
    installs = [folder, *([os.path.dirname(folder)] if os.path.basename(folder) in _INNER else [])]
    found = [one for install in installs for one in _extra(install) if os.path.isdir(one)]
    return tuple(one.path for one in _new([Offer(one, "", managed=False) for one in found], _known()))


class _Search:
    """One look around."""

    def __init__(self, *, everywhere: bool, known: list[bytes], seconds: float) -> None:
        now = time.monotonic()
        self._everywhere, self._known = everywhere, known
        self._until, self._end = now + seconds * _FOR_NAMES, now + seconds
        given = [os.path.normpath(os.fsencode(folder)) for folder in settings.ISOTOPE_FOLDERS]
        self._tops = list(dict.fromkeys(map(os.path.realpath, given)))
        self._allowed = [*given, *self._tops]
        self._home = os.path.realpath(os.path.expanduser(b"~"))
        self._found: dict[str, Offer] = {}
        self.offers: list[Offer] = []
        """What was found and counted so far."""

    def run(self) -> None:
        """Looks for names first; then each offer gets an equal share of the time that is left to be counted."""
        self._look()
        wanted = _new(_outermost(self._found), self._known)
        for left, offer in zip(range(len(wanted), 0, -1), wanted, strict=True):
            now = time.monotonic()
            found = tally(os.fsencode(offer.path), until=now + max(0.0, self._end - now) / left)
            self.offers.append(replace(offer, files=found.files, size=found.size, whole=found.whole))

    def _look(self) -> None:
        known = [real for path in _customary(os.environ) if (real := self._real(path)) is not None]
        walk_near(known, levels=0, until=self._until, taken=self._take)
        tops = [*self._tops, *([self._home] if self._everywhere else [])]
        walk_near(dict.fromkeys(tops), levels=_LEVELS, until=self._until, taken=self._take)

    def _real(self, path: bytes) -> bytes | None:
        """Where a path leads, if one may look there; a path elsewhere is not even looked up."""
        if not self._may_look(path):
            return None
        real = os.path.realpath(path)
        return real if self._may_look(real) else None

    def _may_look(self, path: bytes) -> bool:
        return self._everywhere or any(within(path, top) for top in self._allowed)

    def _take(self, folder: bytes, names: Names) -> bool:
        """Whether a tool's folder was recognised, so that there is no need to look further into it."""
        seen = glimpse(folder, names)
        root = next(iter(layouts.roots(folder, seen.paths, seen.marks)), None)
        inner = root is not None and root.path in _INNER
        if root is None or root.weak or not (inner or not root.path) or (folder == self._home and not inner):
            return False
        place = os.path.join(folder, root.path) if inner and not root.proven else folder
        self._add(place, root.layout)
        if extra_paths.FILE_NAME in names.files and root.layout.name == "comfyui":
            self._add_extra(folder)
        return place == folder

    def _add(self, place: bytes, layout: Layout) -> None:
        text = os.fsdecode(place)
        if text.isprintable() and os.pathsep not in text:  # a form sends text, and `up` hands lists of paths on
            self._found.setdefault(text, Offer(text, layout.name, layout.managed))

    def _add_extra(self, install: bytes) -> None:
        named_by = os.path.join(os.fsdecode(install), extra_paths.FILE_NAME)
        for path in _extra(install):
            real = self._real(os.fsencode(path))
            if real is not None and os.path.isdir(real):
                seen = glimpse(real, names_in(real))
                root = next((one for one in layouts.roots(real, seen.paths, seen.marks) if not one.path), None)
                layout = root.layout if root is not None else None
                offer = Offer(os.fsdecode(real), layout.name if layout else "", managed=bool(layout and layout.managed))
                self._found.setdefault(offer.path, replace(offer, named_by=named_by))


def _customary(environ: Mapping[str, str]) -> list[bytes]:
    """Where tools keep their models unless told otherwise, and where they were told to."""
    home = os.path.expanduser("~")
    hub = environ.get("HF_HOME", "")
    places = [
        environ.get("HF_HUB_CACHE", ""),
        os.path.join(hub, "hub") if hub else "",
        environ.get("OLLAMA_MODELS", ""),
        *(os.path.join(home, place) for place in _HOMES),
        *_SYSTEM,
    ]
    return [os.fsencode(place) for place in dict.fromkeys(places) if place.startswith("/")]


def _extra(install: bytes) -> tuple[str, ...]:
    """The folders of the file in an installation; none where it cannot be read, or is none."""
    try:
        with open_path(os.path.join(install, extra_paths.FILE_NAME.encode())) as file:
            text = file.read_at(0, min(file.size, extra_paths.LARGEST))
        return named_in(text.decode(), beside=os.fsdecode(install))
    except (FileProblem, LibraryOffline, PathRefused, Refused, UnicodeDecodeError):
        return ()


def _folded(extras: Iterable[ExtraFolder]) -> tuple[str, ...]:
    """Folders of one tool become its own folder; nothing that lies within another is named twice."""
    below: dict[str, list[str]] = {}
    for extra in extras:
        base = extra.base if within(extra.path.encode(), extra.base.encode() or b"\0") else ""
        below.setdefault(base, []).append(extra.path)
    found: dict[str, None] = {}
    for base, paths in below.items():
        found |= dict.fromkeys(_tools(base, paths) if base else paths)
    return tuple(path for path in found if not _inside_another(path, found))


def _tools(base: str, paths: list[str]) -> list[str]:
    relative = [os.fsencode(os.path.relpath(path, base)) for path in paths]
    roots = {root.path: root for root in layouts.roots(os.fsencode(base), [path + b"/." for path in relative])}
    owners = [layouts.owner(roots, path) for path in relative]
    return [
        os.path.normpath(os.path.join(base, os.fsdecode(owner.path))) if owner is not None else path
        for owner, path in zip(owners, paths, strict=True)
    ]


def _outermost(found: Mapping[str, Offer]) -> list[Offer]:
    return [offer for path, offer in found.items() if not _inside_another(path, found)]


def _inside_another(path: str, among: Iterable[str]) -> bool:
    return any(other != path and within(os.fsencode(path), os.fsencode(other)) for other in among)


def _known() -> list[bytes]:
    """The folders of the libraries."""
    rows = Library.objects.filter(queue=settings.QUEUE, removed_at=None, only=None).values_list("path", flat=True)
    return [bytes(path) for path in rows]


def _new(offers: Iterable[Offer], known: list[bytes]) -> list[Offer]:
    """Those that neither lie in a library nor hold one."""
    return [
        offer
        for offer in offers
        if not any(within(raw := os.fsencode(offer.path), path) or within(path, raw) for path in known)
    ]
