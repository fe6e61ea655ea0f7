"""Work is taken by one, kept by a heartbeat, given back or finished; and nobody writes with a lease that is not his."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from catalog.errors import LeaseLost
from catalog.models import Finding, Job, Library, Location
from catalog.services import claiming, losses
from catalog.vocabulary import FindingCode, JobKind, JobState, Outcome, Stage
from tests import rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from catalog.services.claiming import Claim

pytestmark = pytest.mark.django_db


def queued(*sizes: int, stage: Stage = Stage.HASH, where: Library | None = None, priority: int = 2) -> list[Location]:
    """Locations that wait for a stage."""
    start = Location.objects.count()
    made = [
        rows.location(rows.variant(f"m{start + at}", size=size), f"a/{start + at}".encode(), where=where)
        for at, size in enumerate(sizes)
    ]
    Location.objects.filter(pk__in=[one.pk for one in made]).update(stage=stage, priority=priority)
    return made


def take(*stages: Stage, **limits: int | None) -> Claim | None:
    return claiming.claim(queue="local", stages=stages or (Stage.HASH,), **limits)  # type: ignore[arg-type]  # a test's


def taken(*stages: Stage, **limits: int | None) -> Claim:
    claim = take(*stages, **limits)
    assert claim is not None
    return claim


def ids(found: Sequence[Location]) -> tuple[int, ...]:
    return tuple(one.pk for one in found)


def write_and_finish(claim: Claim) -> None:
    with transaction.atomic():
        Location.objects.update(outcome=Outcome.INVALID)
        claiming.finish(claim, claim.location_ids)


def expire(claim: Claim) -> None:
    """As if the worker had been dead for a while."""
    Location.objects.filter(lease=claim.token).update(leased_until=Now() - timedelta(seconds=1))
    losses.expire()


def test_nothing_waits() -> None:
    rows.location(rows.variant(), b"a")

    assert take() is None


def test_urgent_comes_before_ordinary_and_small_before_large() -> None:
    large, small = queued(30, 20)
    (urgent,) = queued(90, priority=0)

    assert taken().location_ids == ids([urgent, small, large])


def test_what_is_taken_is_not_taken_again() -> None:
    first, second = queued(1, 2)

    assert taken(limit_files=1).location_ids == (first.pk,)
    assert taken(limit_files=1).location_ids == (second.pk,)
    assert take() is None


def test_a_claim_holds_so_many_bytes_but_one_file_at_least() -> None:
    small, middle, large = queued(10, 20, 1000)

    assert taken(limit_bytes=30).location_ids == ids([small, middle])
    assert taken(limit_bytes=30).location_ids == (large.pk,)


def test_large_files_are_left_to_those_who_take_them() -> None:
    small, _large = queued(10, 1000)

    assert taken(max_size=999).location_ids == (small.pk,)
    assert take(max_size=999) is None


def test_a_claim_is_of_one_library_and_one_stage() -> None:
    other = rows.library(b"/other")
    (header,) = queued(5, stage=Stage.PROBE)
    (here,) = queued(1)
    (there,) = queued(2, where=other)

    found = [taken(Stage.PROBE, Stage.HASH) for _ in range(3)]

    assert [(claim.stage, claim.library_id, claim.location_ids) for claim in found] == [
        (Stage.HASH, here.library_id, (here.pk,)),
        (Stage.HASH, other.pk, (there.pk,)),
        (Stage.PROBE, header.library_id, (header.pk,)),
    ]


@pytest.mark.parametrize(
    "change",
    [{"online": False}, {"removed_at": timezone.now()}, {"queue": "elsewhere"}, {"paused": True}],
    ids=["offline", "removed", "of another host", "paused"],
)
def test_some_libraries_are_left_alone(change: dict[str, object]) -> None:
    queued(1)
    Library.objects.update(**change)

    assert take() is None


def test_headers_are_read_while_hashing_is_paused() -> None:
    queued(1, stage=Stage.PROBE)
    Library.objects.update(paused=True)

    assert take(Stage.PROBE) is not None


@pytest.mark.parametrize(("start", "end", "rests"), [(-1, 1, True), (1, 2, False), (-2, -1, False), (23, 22, True)])
def test_nothing_is_hashed_in_the_quiet_hours(start: int, end: int, rests: bool) -> None:
    """Hours from now, so that some go over midnight whenever this runs; the last pair spans all but an hour to come."""
    now = timezone.localtime()
    queued(1)
    Library.objects.update(
        quiet_from=(now + timedelta(hours=start)).time(), quiet_until=(now + timedelta(hours=end)).time()
    )

    assert (take() is None) is rests


@pytest.mark.parametrize(("kind", "stage"), [(JobKind.HASH, Stage.HASH), (JobKind.VERIFY, Stage.VERIFY)])
def test_a_paused_job_holds_its_work_back(kind: JobKind, stage: Stage) -> None:
    queued(1, stage=stage)
    Job.objects.create(kind=kind, library=rows.library(), state=JobState.PAUSED)

    assert take(stage) is None


def test_a_heartbeat_keeps_the_lease_and_tells_how_far_the_work_is() -> None:
    (location,) = queued(100)
    claim = taken()
    Location.objects.update(leased_until=Now() + timedelta(seconds=1))

    orders = claiming.heartbeat(claim, location.pk, 40)

    assert not orders.stop
    location.refresh_from_db()
    assert location.done_bytes == 40
    assert location.leased_until is not None
    assert location.leased_until > timezone.now() + timedelta(seconds=20)


def test_a_heartbeat_keeps_the_files_that_have_their_turn_later() -> None:
    first, second = queued(1, 2)
    claim = taken()
    Location.objects.update(leased_until=Now() + timedelta(seconds=1))

    claiming.heartbeat(claim, first.pk, 1)

    second.refresh_from_db()
    assert second.leased_until is not None
    assert second.leased_until > timezone.now() + timedelta(seconds=20)


def test_a_heartbeat_brings_the_order_to_pause() -> None:
    queued(1)
    claim = taken()
    Library.objects.update(paused=True)

    assert claiming.heartbeat(claim).pause


def test_a_heartbeat_brings_the_loss_of_the_lease() -> None:
    queued(1)
    claim = taken()
    Location.objects.update(lease=None)

    assert claiming.heartbeat(claim).cancel


def test_the_speed_limit_of_a_library_is_shared_by_its_readers() -> None:
    queued(1, 2)
    Library.objects.update(speed_limit=10)
    claim, _other = taken(limit_files=1), taken(limit_files=1)

    assert claiming.heartbeat(claim).speed == 5e6


def test_finished_rows_wait_for_what_comes_next_and_are_free() -> None:
    queued(1, stage=Stage.PROBE)
    claim = taken(Stage.PROBE)

    claiming.finish(claim, claim.location_ids, stage=Stage.HASH)

    row = Location.objects.get()
    assert (row.stage, row.lease, row.leased_until, row.attempts) == (Stage.HASH, None, None, 0)


def test_nothing_is_written_with_a_lease_that_was_lost() -> None:
    queued(1)
    claim = taken()
    expire(claim)
    again = taken()

    with pytest.raises(LeaseLost), transaction.atomic():
        claiming.fence(claim, claim.location_ids)
    with pytest.raises(LeaseLost):
        write_and_finish(claim)

    row = Location.objects.get()
    assert (row.stage, row.lease, row.outcome) == (Stage.HASH, again.token, Outcome.OK)


def test_what_is_given_back_counts_as_never_taken() -> None:
    queued(1, 2)
    claim = taken()

    assert claiming.release(claim) == 2
    assert set(Location.objects.values_list("lease", "attempts", "alone")) == {(None, 0, False)}


def test_after_a_loss_each_file_is_tried_by_itself() -> None:
    queued(1, 2, 3)
    expire(taken())
    (unhurt,) = queued(4)

    assert [len(taken().location_ids) for _ in range(4)] == [1, 1, 1, 1]
    unhurt.refresh_from_db()
    assert unhurt.attempts == 1


def test_a_living_worker_loses_nothing() -> None:
    queued(1)
    claim = taken()

    assert losses.expire() == 0
    assert not claiming.heartbeat(claim).stop


def test_the_third_loss_is_a_finding_and_the_others_go_on() -> None:
    poison, innocent = queued(1, 2)
    for _ in range(losses.LOSSES):
        for _file in range(2):
            claim = take()
            if claim is not None and poison.pk in claim.location_ids:
                expire(claim)
            elif claim is not None:
                claiming.finish(claim, claim.location_ids)

    poison.refresh_from_db()
    innocent.refresh_from_db()
    assert (poison.stage, innocent.stage) == (Stage.NONE, Stage.NONE)
    finding = Finding.objects.get()
    assert (finding.code, finding.location_id) == (FindingCode.READER_FAILED, poison.pk)
    assert "killed" in FindingCode.READER_FAILED.sentence(finding.params)


def test_a_file_that_was_never_read_and_kills_its_reader_is_no_longer_pending() -> None:
    queued(1, stage=Stage.PROBE)
    Location.objects.update(outcome=Outcome.PENDING)

    for _ in range(losses.LOSSES):
        expire(taken(Stage.PROBE))

    assert Location.objects.get().outcome == Outcome.INVALID


def test_an_error_that_nobody_foresaw_counts_as_a_loss_and_tells_its_reason() -> None:
    queued(1)

    for _ in range(losses.LOSSES):
        losses.fail(taken(), "ZeroDivisionError: division by zero")

    assert "division by zero" in FindingCode.READER_FAILED.sentence(Finding.objects.get().params)


@pytest.mark.django_db(transaction=True)
def test_two_that_come_at_once_share_the_work() -> None:
    queued(*range(1, 41))
    found: list[tuple[int, ...]] = []
    start = threading.Barrier(4)

    def worker() -> None:
        start.wait()
        try:
            while (claim := take(limit_files=3)) is not None:
                found.append(claim.location_ids)
        finally:
            connection.close()

    threads = [threading.Thread(target=worker) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(pk for claimed in found for pk in claimed) == sorted(Location.objects.values_list("pk", flat=True))
