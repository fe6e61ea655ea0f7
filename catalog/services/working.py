"""Working on a claim: the service of its stage, around it the heart, and what becomes of the rows when it fails."""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import DatabaseError, connection

from catalog.errors import Cancelled, LeaseLost, LibraryOffline
from catalog.models import Location
from catalog.services import claiming, drives, hashing, libraries, losses, probing, settling, verifying
from catalog.services.keeping import ClaimHeart
from catalog.vocabulary import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from catalog.services.claiming import Claim

SMALL = 64 << 20
"""Files below it are hashed by the quick workers, so that they never wait behind large ones."""
_PATIENCE_SECONDS = 60

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Lane:
    """One sort of workers: which stages they take, in which order, and how large a file may be."""

    name: str
    stages: tuple[tuple[Stage, ...], ...]
    max_size: int | None = None
    polite: bool = False


QUICK = Lane("quick", ((Stage.PROBE,), (Stage.HASH,)), SMALL - 1)
BULK = Lane("bulk", ((Stage.HASH, Stage.VERIFY),), polite=True)


@contextmanager
def taken(*, queue: str, lane: Lane) -> Iterator[Claim | None]:
    """The next claim, of a library whose drive may be read now; None when there is nothing to do."""
    busy: set[int] = set()
    while (claim := _next(queue, lane, busy)) is not None:
        if claim.stage is Stage.PROBE:
            yield claim
            return
        with drives.turn(drive=drives.below(library_id=claim.library_id), lane=lane.name) as mine:
            if mine:
                yield claim
                return
        claiming.release(claim)
        busy.add(claim.library_id)
    yield None


def _next(queue: str, lane: Lane, without: set[int]) -> Claim | None:
    for stages in lane.stages:
        headers = Stage.PROBE in stages  # of these, size says nothing
        found = claiming.claim(
            queue=queue,
            stages=stages,
            max_size=None if headers else lane.max_size,
            limit_bytes=2**62 if headers else claiming.BYTES,
            without=without,
        )
        if found is not None:
            return found
    return None


def work(claim: Claim, *, lane: Lane) -> None:
    """Does what the rows wait for. What stops on somebody's word is given back; other errors are the caller's."""
    if lane.polite:
        drives.step_back()
    counting = settling.working_on(claim)
    with ClaimHeart(claim, job=counting) as heart:
        try:
            _do(claim, heart)
        except (Cancelled, LeaseLost) as word:
            log.info("%s", word)
            claiming.release(claim)
        except LibraryOffline as gone:
            log.warning("%s", gone)
            libraries.set_online(library_id=claim.library_id, online=False)
            claiming.release(claim)
        if heart.cancelled():
            claiming.release(claim)
    losses.fail(claim, "it was passed over")
    counting.count()
    if not Location.objects.filter(library=claim.library_id).exclude(stage=Stage.NONE).exists():
        settling.settle(library_id=claim.library_id)


def _do(claim: Claim, heart: ClaimHeart) -> None:
    if claim.stage is Stage.PROBE:
        probing.probe(claim=claim, cancelled=heart.cancelled)
    elif claim.stage is Stage.HASH:
        hashing.hash_claim(claim=claim, progress=heart.progress, cancelled=heart.cancelled)
    else:
        verifying.verify_claim(claim=claim, progress=heart.progress, cancelled=heart.cancelled)


def interrupted(claim: Claim, error: Exception) -> None:
    """After an error that nobody foresaw. One of the database's own going away does not count against the files."""
    if isinstance(error, DatabaseError) and not _usable():
        log.warning("the database went away", exc_info=error)
        _give_back(claim)
        return
    log.error("work on locations %s failed", claim.location_ids, exc_info=error)
    losses.fail(claim, " ".join(f"{type(error).__name__}: {error}".split())[:500])


def _usable() -> bool:
    return connection.connection is not None and connection.is_usable()


def _give_back(claim: Claim) -> None:
    """As soon as the database is back; if it stays away, the lease ends by itself."""
    for _ in range(_PATIENCE_SECONDS):
        connection.close()
        try:
            claiming.release(claim)
        except DatabaseError:
            time.sleep(1.0)
        else:
            return
