"""One piece of comparing at a time, as a worker does it: what stops on somebody's word is given back."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.db import DatabaseError, connection

from catalog.errors import Cancelled, LeaseLost, LibraryOffline
from catalog.services import drives
from catalog.services.matching import comparing, leases, searching
from catalog.services.matching.comparing import Comparison

if TYPE_CHECKING:
    from catalog.services.matching.leases import Search
    from catalog.services.matching.subjects import Shelf

log = logging.getLogger(__name__)


def search(work: Search, shelf: Shelf) -> None:
    """Compares one variant with what is known. Errors that nobody foresaw are the caller's."""
    try:
        searching.search(work, shelf)
    except LeaseLost as word:
        log.info("%s", word)


def compare(work: Comparison) -> None:
    """Compares all values of one pair. Errors that nobody foresaw are the caller's."""
    drives.step_back()
    try:
        comparing.compare(work)
    except (Cancelled, LeaseLost, LibraryOffline) as word:
        log.info("%s", word)
        comparing.release(work)


def interrupted(work: Search | Comparison, error: Exception) -> None:
    """After an error that nobody foresaw. When the database itself went away, the lease ends by itself."""
    if isinstance(error, DatabaseError) and not (connection.connection is not None and connection.is_usable()):
        log.warning("the database went away", exc_info=error)
        connection.close()
        return
    log.error("%s failed", work, exc_info=error)
    reason = " ".join(f"{type(error).__name__}: {error}".split())[:500]
    if isinstance(work, Comparison):
        comparing.fail(work, reason)
    else:
        leases.fail(work, reason)
