"""The drives below library folders: gone or back, and how many may read from one at once."""

from __future__ import annotations

import ctypes
import os
import platform
import zlib
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

from django.db import DatabaseError, connection
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from catalog.errors import LibraryOffline
from catalog.models import Job, Library, LocationFile
from catalog.services import libraries
from catalog.storage.mounts import Drive, drive_of, reach
from catalog.storage.root import Root
from catalog.vocabulary import JobKind, LocationState

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_TURNS = 0x1507_0004
_KNOWN = 5
_PATIENCE_SECONDS = 60

_IOPRIO_SET = {"x86_64": 251, "aarch64": 30, "riscv64": 30}  # linux, unistd.h of each
_OF_PROCESS, _IDLE = 1, 3 << 13  # linux/ioprio.h: IOPRIO_WHO_PROCESS, IOPRIO_CLASS_IDLE
_NICE = 10


def look(*, library_id: int, besides: Collection[bytes] = ()) -> None:
    """After a read error: is the library still there? Raises `LibraryOffline`, and notes it, when it is not.

    `besides` are the paths that just failed; some other file that was hashed must still give its first byte.
    """
    library = Library.objects.get(pk=library_id)
    found = reach(bytes(library.path), known=_known(library_id, besides))
    if not found.reachable:
        libraries.set_online(library_id=library_id, online=False)
        raise LibraryOffline(found.reason)


def back(*, queue: str) -> list[int]:
    """Libraries of a queue that were offline and can be reached again: they want a scan.

    One that a scan has just called offline in spite of that is left alone for a minute.
    """
    just_tried = Job.objects.filter(
        library=OuterRef("pk"), kind=JobKind.SCAN, finished_at__gt=Now() - timedelta(seconds=_PATIENCE_SECONDS)
    )
    offline = Library.objects.filter(~Exists(just_tried), queue=queue, online=False, removed_at=None).order_by("pk")
    return [
        library.pk
        for library in offline
        if reach(bytes(library.path), known=_known(library.pk, (), state=LocationState.OFFLINE)).reachable
    ]


def _known(library_id: int, besides: Collection[bytes], state: LocationState = LocationState.PRESENT) -> list[bytes]:
    """A few files, from all over the library as far as that comes cheap."""
    rows = LocationFile.objects.filter(location__library=library_id, location__state=state).exclude(path__in=besides)
    ends = [*rows.order_by("pk")[:_KNOWN], *rows.order_by("-pk")[:_KNOWN]]
    return [bytes(row.path) for row in ends]


def below(*, library_id: int) -> Drive | None:
    """The drive of a library; None when the folder cannot be reached: whoever reads will say so."""
    path = Library.objects.values_list("path", flat=True).get(pk=library_id)
    try:
        with Root(bytes(path)) as root:
            return drive_of(root)
    except (LibraryOffline, OSError):
        return None


@contextmanager
def turn(*, drive: Drive | None, lane: str) -> Iterator[bool]:
    """Whether the drive may be read now. A rotational or a network drive has one reader a lane at once.

    The turn belongs to this database connection, so it ends with the process, too.
    """
    if drive is None or not drive.one_reader:
        yield True
        return
    key = (_TURNS, zlib.crc32(f"{drive.device} {lane}".encode()) & 0x7FFF_FFFF)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", key)
        mine = bool(cursor.fetchone()[0])
    try:
        yield mine
    finally:
        if mine:
            with suppress(DatabaseError), connection.cursor() as cursor:  # a lost connection has let go of it
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", key)


@cache
def step_back() -> None:
    """This process from now on computes and reads only when nobody else wants to, where the system knows how."""
    os.nice(_NICE)
    number = _IOPRIO_SET.get(platform.machine())
    if number is not None:
        ctypes.CDLL(None, use_errno=True).syscall(number, _OF_PROCESS, 0, _IDLE)
