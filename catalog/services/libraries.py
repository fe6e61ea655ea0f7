"""Library folders: which may be added, which one a path lies in, and what becomes of one that goes away."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from catalog.errors import PathRefused
from catalog.models import Library, Location
from catalog.services import findings, totals
from catalog.storage.keys import path_key
from catalog.storage.values import shown
from catalog.vocabulary import FindingCode, LocationState, Stage

if TYPE_CHECKING:
    from collections.abc import Sequence

_LOCK = 0x1507_0003
_NO_MODELS_IN = (b"/", b"/dev", b"/proc", b"/sys")
_BETWEEN = b"/"
"""Stands between the names of the files that a library is limited to: no name holds one."""
_MOUNT = " Isotope runs in a container: a folder of its host must be mounted into it first."
_SAYS_NOTHING = (b"models", b"hub", b"checkpoints")


class _Place(NamedTuple):
    """A folder without links, and the one file of it that is meant; None for all of it."""

    folder: bytes
    file: bytes | None


def add(*, path: bytes, name: str = "", only: bytes | None = None) -> Library:
    """The library of a folder, new or known; one that was removed is revived with everything in it.

    A path inside a known library gives that library (`locate` says which part of it). A file outside all makes its
    folder a library that is limited to it, and so does `only`, the name of a file in the folder; adding the folder
    itself lifts that limit. Raises `PathRefused` when nothing is there, and for a folder above a known library.
    """
    place = _place(path, only)
    with transaction.atomic():
        _one_at_a_time()
        live = _live()
        home = _home(live, place)
        if home is not None:
            return home
        if place.file is None:
            _make_way(live, place.folder)
        return _kept(place, name)


def locate(path: bytes) -> tuple[Library, bytes | None]:
    """The library that a path lies in, and the path below it; None for the whole library.

    The path may be that of a file. Raises `PathRefused` when it lies in none.
    """
    real = os.path.realpath(path)
    home = _home(_live(), _Place(real, None)) or _home(_live(), _Place(*os.path.split(real)))
    if home is None:
        raise PathRefused(f"{shown(path)} lies in no library folder. Add its folder first: manage.py scan FOLDER.")
    return home, None if real == bytes(home.path) else os.path.relpath(real, bytes(home.path))


def limited_to(library: Library) -> tuple[bytes, ...]:
    """The names of the files that a library is limited to; none when all of its folder is meant."""
    return tuple(bytes(library.only).split(_BETWEEN)) if library.only is not None else ()


def allowed(path: bytes) -> bool:
    """May the browser or a program use this path? Below `ISOTOPE_FOLDERS`, or in a library that is known."""
    real = os.path.realpath(path)
    if any(within(real, os.path.realpath(os.fsencode(folder))) for folder in settings.ISOTOPE_FOLDERS):
        return True
    return any(within(real, bytes(library.path)) for library in _live() if library.only is None)


def check_allowed(*, path: bytes) -> None:
    """Raises `PathRefused`, in the same words whether there is something at the path or not."""
    if not allowed(path):
        raise PathRefused(
            f"{shown(path)} lies outside the folders that may be used here. Whoever runs Isotope can allow it with "
            "ISOTOPE_FOLDERS, or add it on the command line: manage.py scan FOLDER."
            + (_MOUNT if settings.CONTAINED else "")
        )


def remove(library: Library) -> None:
    """Hides a library. Its models stay known, without a finding; adding the folder again brings everything back."""
    # Committed first, so that a scan under way drops what it would write.
    Library.objects.filter(pk=library.pk).update(removed_at=Now())
    with transaction.atomic():
        Location.objects.filter(library=library).exclude(state=LocationState.MISSING).update(
            state=LocationState.MISSING.value,
            missing_since=Now(),
            stage=Stage.NONE.value,
            lease=None,
            leased_until=None,
        )
        findings.clear_below(library_id=library.pk)
        totals.stale([library.pk])
    library.refresh_from_db()


def set_online(*, library_id: int, online: bool) -> bool:
    """Whether the folder can be reached: its locations turn grey, or come back. Returns if that is news.

    While it cannot, one finding says so, and nothing is missing.
    """
    of_library = Location.objects.filter(library_id=library_id)
    with transaction.atomic():  # the library's own row comes last, as with everybody who writes
        if online:
            of_library.filter(state=LocationState.OFFLINE).update(state=LocationState.PRESENT.value)
            findings.clear(codes=[FindingCode.LIBRARY_OFFLINE], library=library_id)
        else:
            of_library.filter(state=LocationState.PRESENT).update(state=LocationState.OFFLINE.value)
            count = of_library.filter(state=LocationState.OFFLINE).count()
            path = Library.objects.values_list("path_text", flat=True).get(pk=library_id)
            params: dict[str, str | int] = {"path": path, "count": count}
            findings.raise_finding(code=FindingCode.LIBRARY_OFFLINE, params=params, library=library_id)
        news = Library.objects.filter(pk=library_id, online=not online).update(online=online, totals_stale=True)
    return bool(news)


def _place(path: bytes, only: bytes | None) -> _Place:
    real = os.path.realpath(path)
    try:
        mode = os.stat(real).st_mode
    except OSError as error:
        raise PathRefused(f"There is no {shown(path)}. Check its spelling, or mount its drive.") from error
    if stat.S_ISREG(mode) and only is None:
        place = _Place(*os.path.split(real))
    elif stat.S_ISDIR(mode):
        place = _Place(real, only)
    else:
        raise PathRefused(f"{shown(path)} is no folder, and no file that can hold a model.")
    if place.folder in _NO_MODELS_IN:
        raise PathRefused(f"{shown(place.folder)} belongs to the system. Name the folder in it that holds the models.")
    return place


def _one_at_a_time() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def _live() -> list[Library]:
    return list(Library.objects.filter(queue=settings.QUEUE, removed_at=None))


def _home(live: Sequence[Library], place: _Place) -> Library | None:
    """The library that shows this place."""
    for library in sorted(live, key=lambda one: len(bytes(one.path)), reverse=True):
        if library.only is None and within(place.folder, bytes(library.path)):
            return library
        if place.folder == bytes(library.path) and place.file in limited_to(library):
            return library
    return None


def within(path: bytes, folder: bytes) -> bool:
    """A path is a folder, or lies in it; both absolute and without links."""
    return path == folder or path.startswith(folder.rstrip(b"/") + b"/")


def _make_way(live: Sequence[Library], folder: bytes) -> None:
    """A library below that is limited to some files of its folder gives them up to the new one; others stand."""
    for library in live:
        if bytes(library.path) == folder or not within(bytes(library.path), folder):
            continue
        if library.only is None:
            raise PathRefused(
                f"{shown(folder)} lies above the library folder {library.path_text}. Remove that one first, or add the "
                "folders beside it one by one."
            )
        remove(library)


def _named(folder: bytes) -> str:
    """The last part of the path that says something: the folders of `ComfyUI/models` are ComfyUI's."""
    parts = [part for part in folder.split(b"/") if part]
    telling = [part for part in parts if part.lower() not in _SAYS_NOTHING]
    return shown((telling or parts or [folder])[-1])


def _kept(place: _Place, name: str) -> Library:
    """The row of the folder: made, revived, or with another limit."""
    library, created = Library.objects.get_or_create(
        queue=settings.QUEUE,
        path_key=path_key(place.folder),
        defaults={
            "name": name or _named(place.folder),
            "path": place.folder,
            "path_text": shown(place.folder),
            "only": place.file,
        },
    )
    if not created:
        still_limited = library.removed_at is None and place.file is not None
        files = {*(limited_to(library) if still_limited else ()), *([place.file] if place.file is not None else ())}
        library.only = _BETWEEN.join(sorted(files)) if files else None
        library.name = name or library.name
        library.removed_at = None
        library.save(update_fields=["only", "name", "removed_at"])
        totals.stale([library.pk])
    return library
