"""Reading again: rot is told from writing, and nothing that was recorded changes."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from blake3 import blake3
from django.db.models.functions import Now

from catalog.errors import Cancelled, LeaseLost, LibraryOffline
from catalog.models import Finding, Library, Location, LocationFile, ModelHash, Variant, VariantFile
from catalog.services import claiming, verifying
from catalog.vocabulary import FindingCode, LocationState, Stage, Verified
from tests import rows

if TYPE_CHECKING:
    from catalog.services.claiming import Claim

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path: Path) -> Library:
    return rows.library(os.fsencode(tmp_path))


def record(folder: Library, name: str, *, content: bytes = b"weights" * 1000) -> Location:
    """A hashed file of the library that waits to be verified."""
    (path := place_of(folder, name)).write_bytes(content)
    digest = blake3(content).digest()
    variant = rows.variant(name, size=len(content))
    Variant.objects.filter(pk=variant.pk).update(content=digest)
    ModelHash.objects.create(variant=variant, file=variant.files.get(), algorithm="blake3", digest=digest)
    location = rows.location(variant, name.encode(), where=folder)
    seen(location, path)
    wait([location])
    return location


def place_of(folder: Library, name: str) -> Path:
    return Path(os.fsdecode(bytes(folder.path))) / name


def seen(location: Location, path: Path) -> None:
    """The stat that a scan notes."""
    stat = path.stat()
    location.files.update(
        size=stat.st_size, mtime_ns=stat.st_mtime_ns, ctime_ns=stat.st_ctime_ns, ino=stat.st_ino, dev=stat.st_dev
    )


def wait(locations: list[Location]) -> None:
    Location.objects.filter(pk__in=[one.pk for one in locations]).update(stage=Stage.VERIFY, hashed_at=Now())


def take() -> Claim:
    claim = claiming.claim(queue="local", stages=[Stage.VERIFY])
    assert claim is not None
    return claim


def rot(path: Path) -> None:
    """One bit turns; size and time of the last write stay."""
    stat = path.stat()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def test_a_good_file_is_stamped(folder: Library) -> None:
    location = record(folder, "a.safetensors")
    report = verifying.verify_claim(claim=take())

    digest = blake3(b"weights" * 1000).hexdigest()
    assert [(row.path, row.state, row.expected, row.found) for row in report.rows] == [
        (f"{folder.path_text}/a.safetensors", Verified.OK, digest, digest)
    ]
    location.refresh_from_db()
    assert location.verified_at is not None
    assert (location.stage, location.lease, location.state) == (Stage.NONE, None, LocationState.PRESENT)
    assert not Finding.objects.exists()
    assert report.bytes_read == 7000


def test_one_turned_bit_among_many_names_exactly_that_file(folder: Library) -> None:
    locations = [record(folder, f"{number}.safetensors", content=bytes([number]) * 5000) for number in range(1, 30)]
    rot(place_of(folder, "7.safetensors"))
    report = verifying.verify_claim(claim=take())

    bad = [row for row in report.rows if row.state is Verified.CORRUPT]
    assert [row.path for row in bad] == [f"{folder.path_text}/7.safetensors"]
    assert bad[0].expected == blake3(bytes([7]) * 5000).hexdigest() != bad[0].found
    finding = Finding.objects.get()
    assert (finding.code, finding.location_id) == (FindingCode.CORRUPT, locations[6].pk)
    assert finding.params == {"expected": bad[0].expected, "found": bad[0].found}
    assert Location.objects.filter(verified_at=None).get() == locations[6]
    assert report.counts == {Verified.OK: 28, Verified.CORRUPT: 1}


def test_rot_overwrites_no_recorded_digest(folder: Library) -> None:
    location = record(folder, "a.safetensors")
    rot(place_of(folder, "a.safetensors"))
    before = list(ModelHash.objects.values_list()), list(Variant.objects.values_list("content"))
    verifying.verify_claim(claim=take())

    assert (list(ModelHash.objects.values_list()), list(Variant.objects.values_list("content"))) == before
    location.refresh_from_db()
    assert (location.stage, location.state) == (Stage.NONE, LocationState.PRESENT)


def test_a_restored_file_clears_its_finding(folder: Library) -> None:
    location = record(folder, "a.safetensors")
    path = place_of(folder, "a.safetensors")
    rot(path)
    verifying.verify_claim(claim=take())
    rot(path)
    wait([location])
    verifying.verify_claim(claim=take())

    assert Finding.objects.get().cleared_at is not None
    location.refresh_from_db()
    assert location.verified_at is not None


def test_a_written_file_is_changed_and_not_corrupt(folder: Library) -> None:
    location = record(folder, "a.safetensors")
    place_of(folder, "a.safetensors").write_bytes(b"other and longer" * 1000)
    report = verifying.verify_claim(claim=take())

    assert [row.state for row in report.rows] == [Verified.CHANGED]
    location.refresh_from_db()
    assert (location.state, location.stage, location.size) == (LocationState.CHANGED, Stage.PROBE, 16000)
    assert location.files.get().size == 16000
    assert not Finding.objects.exists()
    folder.refresh_from_db()
    assert folder.totals_stale


def test_a_file_written_to_while_it_is_read_is_not_corrupt(folder: Library) -> None:
    location = record(folder, "a.safetensors")
    path = place_of(folder, "a.safetensors")

    def write(location_id: int, done: int) -> None:
        path.write_bytes(b"x" * 7000)

    report = verifying.verify_claim(claim=take(), progress=write)
    assert [row.state for row in report.rows] == [Verified.CHANGED]
    location.refresh_from_db()
    assert (location.state, location.stage) == (LocationState.CHANGED, Stage.PROBE)


def test_a_file_that_is_open_for_writing_is_not_called_corrupt(folder: Library) -> None:
    record(folder, "a.safetensors")
    path = place_of(folder, "a.safetensors")
    rot(path)
    with path.open("r+b"):
        report = verifying.verify_claim(claim=take())
    assert [row.state for row in report.rows] == [Verified.CHANGED]


def test_a_vanished_file_is_left_to_the_scan(folder: Library) -> None:
    record(folder, "stays.safetensors", content=b"z" * 100)
    location = record(folder, "a.safetensors")
    place_of(folder, "a.safetensors").unlink()
    report = verifying.verify_claim(claim=take())

    assert report.counts == {Verified.OK: 1, Verified.MISSING: 1}
    location.refresh_from_db()
    assert (location.state, location.stage, location.verified_at) == (LocationState.PRESENT, Stage.NONE, None)
    assert not Finding.objects.exists()


def test_a_drive_that_is_gone_is_told_and_nothing_is_said_of_its_files(folder: Library) -> None:
    record(folder, "a.safetensors")
    place_of(folder, "a.safetensors").unlink()
    place_of(folder, "").rmdir()
    with pytest.raises(LibraryOffline):
        verifying.verify_claim(claim=take())
    assert not Finding.objects.filter(code=FindingCode.CORRUPT).exists()


def test_what_is_no_file_any_more_gets_a_finding(folder: Library) -> None:
    record(folder, "stays.safetensors", content=b"z" * 100)
    location = record(folder, "a.safetensors")
    path = place_of(folder, "a.safetensors")
    path.unlink()
    os.mkfifo(path)
    report = verifying.verify_claim(claim=take())
    assert report.counts[Verified.UNREADABLE] == 1
    finding = Finding.objects.get()
    assert (finding.code, finding.location_id) == (FindingCode.NOT_A_FILE, location.pk)


def test_an_unhashed_location_is_hashed_first(folder: Library) -> None:
    location = record(folder, "a.safetensors")
    ModelHash.objects.all().delete()
    Variant.objects.update(content=None)
    report = verifying.verify_claim(claim=take())
    assert [row.state for row in report.rows] == [Verified.UNHASHED]
    location.refresh_from_db()
    assert location.stage == Stage.HASH


def test_each_file_of_a_set_is_read_and_the_bad_one_named(folder: Library) -> None:
    location = record(folder, "one.safetensors")
    variant = location.variant
    assert variant is not None
    place_of(folder, "two.safetensors").write_bytes(b"second" * 100)
    second = VariantFile.objects.create(variant=variant, position=1, name=b"two.safetensors", size=600, role="weights")
    ModelHash.objects.create(variant=variant, file=second, algorithm="blake3", digest=blake3(b"second" * 100).digest())
    stat = place_of(folder, "two.safetensors").stat()
    LocationFile.objects.create(
        location=location, file=second, position=1, path=b"two.safetensors", name=b"two.safetensors", role="weights",
        size=600, mtime_ns=stat.st_mtime_ns, ctime_ns=stat.st_ctime_ns, ino=stat.st_ino, dev=stat.st_dev,
    )  # fmt: skip
    Location.objects.update(set_name="safetensors")
    rot(place_of(folder, "two.safetensors"))
    report = verifying.verify_claim(claim=take())

    assert [(row.path.rsplit("/", 1)[-1], row.state) for row in report.rows] == [
        ("one.safetensors", Verified.OK),
        ("two.safetensors", Verified.CORRUPT),
    ]
    assert Finding.objects.get().params["file"] == "two.safetensors"
    location.refresh_from_db()
    assert location.verified_at is None

    rot(place_of(folder, "one.safetensors"))
    wait([location])
    verifying.verify_claim(claim=take())
    assert {finding.params["file"] for finding in Finding.objects.all()} == {"one.safetensors", "two.safetensors"}


def test_it_stops_when_asked(folder: Library) -> None:
    location = record(folder, "a.safetensors")
    with pytest.raises(Cancelled):
        verifying.verify_claim(claim=take(), cancelled=lambda: True)
    location.refresh_from_db()
    assert (location.stage, location.verified_at) == (Stage.VERIFY, None)


def test_a_lost_lease_writes_nothing(folder: Library) -> None:
    location = record(folder, "a.safetensors")
    claim = take()

    def lose(location_id: int, done: int) -> None:
        Location.objects.filter(pk=location.pk).update(lease=uuid.uuid4())

    report = verifying.verify_claim(claim=claim, progress=lose)
    assert report.rows == ()
    location.refresh_from_db()
    assert (location.stage, location.verified_at) == (Stage.VERIFY, None)
    with pytest.raises(LeaseLost):
        verifying.verify_claim(claim=claim)


def test_progress_counts_the_bytes_of_each_location(folder: Library) -> None:
    location = record(folder, "a.safetensors")
    told: list[tuple[int, int]] = []
    verifying.verify_claim(claim=take(), progress=lambda location_id, done: told.append((location_id, done)))
    assert told[-1] == (location.pk, 7000)


class TestJudge:
    def test_a_good_read_is_not_repeated(self) -> None:
        assert verifying.judge(expected=b"a", found=b"a", again=lambda: pytest.fail("read twice")) == (
            Verified.OK,
            b"a",
        )

    def test_one_bad_read_is_no_bad_file(self) -> None:
        assert verifying.judge(expected=b"a", found=b"b", again=lambda: b"a") == (Verified.OK, b"a")

    def test_two_bad_reads_are(self) -> None:
        assert verifying.judge(expected=b"a", found=b"b", again=lambda: b"c") == (Verified.CORRUPT, b"c")
