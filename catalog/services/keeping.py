"""The heart of a worker: while it works, a thread keeps its lease, notes its progress and brings back its orders.

The thread has a database connection of its own, so that neither a long read nor a long transaction lets a lease end,
and so that orders arrive within a second. It first beats after a second: short work pays nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Self

from django.db import DatabaseError, InterfaceError, connection

from catalog.services import claiming, stopping
from catalog.services.claiming import Orders

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from catalog.services.claiming import Claim
    from catalog.services.settling import Working

BEAT_SECONDS = 1.0
_NAP_SECONDS = 0.1
_END_SECONDS = 15.0

log = logging.getLogger(__name__)


class Heart:
    """Calls `beat` once a second in a thread, from `with` on; `orders` is what it last answered."""

    def __init__(self, beat: Callable[[], Orders], *, speed: float | None = None) -> None:
        self.orders = Orders(speed=speed)
        self._beat = beat
        self._ended = threading.Event()
        self._skipped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heart", daemon=True)
        self._budget_from = time.monotonic()
        self._read = 0

    def cancelled(self) -> bool:
        """Must the work stop? Quick enough to be asked after each block."""
        if self._skipped.is_set():
            self._skipped.clear()
            _renew_connection()
        return self.orders.stop or stopping.asked()

    def spend(self, count: int) -> None:
        """So many bytes more were read: sleeps as long as the speed limit asks for."""
        self._read += count
        speed = self.orders.speed
        if speed is None:
            self._budget_from, self._read = time.monotonic(), 0
            return
        while not self.cancelled() and (ahead := self._budget_from + self._read / speed - time.monotonic()) > 0:
            time.sleep(min(ahead, _NAP_SECONDS))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join(_END_SECONDS)

    def _run(self) -> None:
        try:
            while not self._ended.wait(BEAT_SECONDS):
                self._try()
        finally:
            connection.close()

    def _try(self) -> None:
        """While the database is away the work goes on: the lease may well outlive its restart."""
        try:
            self.orders = self._beat()
        except (DatabaseError, InterfaceError):
            log.warning("the database did not take a heartbeat", exc_info=True)
            connection.close()
            self._skipped.set()


class ClaimHeart(Heart):
    """Keeps a claim; `progress` and `cancelled` are what the services that read files take."""

    def __init__(self, claim: Claim, *, job: Working) -> None:
        super().__init__(self._beat_claim, speed=job.speed)
        self._claim, self._job = claim, job
        self._location: int | None = None
        self._done = 0

    def progress(self, location_id: int, done: int) -> None:
        """`done` bytes of that location are read. Sleeps as long as the library's speed limit asks for."""
        new = done - self._done if location_id == self._location else done
        self._location, self._done = location_id, done
        self.spend(max(new, 0))

    def _beat_claim(self) -> Orders:
        orders = claiming.heartbeat(self._claim, self._location, self._done)
        if len(self._claim.location_ids) > 1:
            self._job.count()
        return orders


def _renew_connection() -> None:
    """The database was away: our own connection is dead too, and unusable until it is closed."""
    if not connection.in_atomic_block:
        connection.close()
