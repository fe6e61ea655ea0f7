"""Files that moved between folders and libraries are known again without a read, hashed or not."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from django.conf import settings

from catalog.models import FormerName, HashClaim, Library, Location, LocationFile, ModelRecord, Variant
from catalog.services import claiming, probing
from catalog.vocabulary import LocationState, Stage
from tests.builders import sharded, weights, write_tree
from tests.identity.catalogue import add, at, catalogue, hash_all, model, probe_all, put, scan, variant_at

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.django_db


def moved(source: Path, target: Path) -> None:
    """As between two drives: a copy with its times, then the source is deleted. The inode is a new one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
        shutil.rmtree(source)
    else:
        shutil.copy2(source, target)
        source.unlink()


def probe_once() -> probing.ProbeReport:
    """The next claim of headers."""
    claim = claiming.claim(queue=settings.QUEUE, stages=[Stage.PROBE], limit_bytes=2**62)
    assert claim is not None
    return probing.probe(claim=claim)


@pytest.fixture
def drives(tmp_path: Path) -> tuple[Library, Library]:
    """Two libraries; the first holds a model, not yet scanned."""
    put(tmp_path / "one", "a.safetensors", model(1, {"sshs_model_hash": "ab" * 32}))
    put(tmp_path / "one", "stays.safetensors", model(2))
    return add(tmp_path / "one"), add(tmp_path / "two")


def test_a_hashed_file_is_known_again_on_another_drive_without_a_read(
    tmp_path: Path, drives: tuple[Library, Library]
) -> None:
    one, two = drives
    catalogue(one)
    before = at(one, "a.safetensors")
    moved(tmp_path / "one" / "a.safetensors", tmp_path / "two" / "sub" / "b.safetensors")
    scan(one)
    scan(two)

    report = probe_once()

    after = at(two, "sub/b.safetensors")
    assert report == probing.ProbeReport(moved=1)
    assert after.variant == before.variant
    assert (after.stage, after.state, after.hashed_at) == (Stage.NONE, LocationState.PRESENT, before.hashed_at)
    assert not Location.objects.filter(library=one, path=b"a.safetensors").exists()
    assert after.files.get().file == variant_at(two, "sub/b.safetensors").files.get()
    assert set(HashClaim.objects.filter(variant=before.variant).values_list("location", flat=True)) == {after.pk}
    names = FormerName.objects.filter(variant=before.variant)
    assert set(names.values_list("library", "path_text")) == {(one.pk, "a.safetensors"), (two.pk, "sub/b.safetensors")}


def test_a_file_that_was_never_hashed_is_known_again_and_then_hashed(
    tmp_path: Path, drives: tuple[Library, Library]
) -> None:
    one, two = drives
    scan(one)
    probe_all()
    before = variant_at(one, "a.safetensors")
    moved(tmp_path / "one" / "a.safetensors", tmp_path / "two" / "a.safetensors")
    scan(one)
    scan(two)
    probe_all()

    assert variant_at(two, "a.safetensors") == before
    assert at(two, "a.safetensors").stage == Stage.HASH
    assert Variant.objects.count() == 2


def test_a_set_is_known_again_by_all_its_files(tmp_path: Path) -> None:
    files = sharded(weights({f"layers.{number}.weight": (4, 4) for number in range(6)}, 7), 2)
    write_tree(tmp_path / "one" / "llm", files)
    one, two = add(tmp_path / "one"), add(tmp_path / "two")
    catalogue(one)
    before = Variant.objects.get()
    ids = set(before.files.values_list("pk", flat=True))
    moved(tmp_path / "one" / "llm", tmp_path / "two" / "other")
    scan(one)
    scan(two)
    report = probe_once()

    place = Location.objects.get()
    assert report.moved == 1
    assert place.library == two
    assert place.variant == before
    assert set(place.files.values_list("file", flat=True)) == ids


def test_a_copy_of_a_file_that_is_still_there_is_no_move(tmp_path: Path, drives: tuple[Library, Library]) -> None:
    one, two = drives
    catalogue(one)
    shutil.copy2(tmp_path / "one" / "a.safetensors", tmp_path / "two" / "a.safetensors")
    scan(two)

    assert probe_once() == probing.ProbeReport(born=1)
    assert at(two, "a.safetensors").stage == Stage.HASH


def test_two_copies_of_a_vanished_file_take_its_place_once(tmp_path: Path, drives: tuple[Library, Library]) -> None:
    one, two = drives
    catalogue(one)
    before = variant_at(one, "a.safetensors")
    for name in ("b", "c"):
        shutil.copy2(tmp_path / "one" / "a.safetensors", tmp_path / "two" / f"{name}.safetensors")
    (tmp_path / "one" / "a.safetensors").unlink()
    scan(one)
    scan(two)

    report = probe_once()

    assert (report.moved, report.born) == (1, 1)
    catalogue(two)
    assert variant_at(two, "b.safetensors") == variant_at(two, "c.safetensors") == before


def test_equal_size_and_time_with_other_bytes_is_no_move(tmp_path: Path, drives: tuple[Library, Library]) -> None:
    one, two = drives
    catalogue(one)
    old = tmp_path / "one" / "a.safetensors"
    stat = old.stat()
    other = put(tmp_path / "two", "a.safetensors", model(9, {"sshs_model_hash": "ab" * 32}))
    os.utime(other, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert other.stat().st_size == stat.st_size
    old.unlink()
    scan(one)
    scan(two)

    assert probe_once() == probing.ProbeReport(born=1)


def test_a_file_moved_over_another_takes_its_own_variant_along(tmp_path: Path, drives: tuple[Library, Library]) -> None:
    one, two = drives
    put(tmp_path / "two", "b.safetensors", model(5))
    catalogue(one, two)
    mine, lost = variant_at(one, "a.safetensors"), variant_at(two, "b.safetensors")
    moved(tmp_path / "one" / "a.safetensors", tmp_path / "two" / "b.safetensors")
    scan(one)
    scan(two)
    report = probe_once()

    place = at(two, "b.safetensors")
    assert report.moved == 1
    assert (place.variant, place.state, place.stage) == (mine, LocationState.PRESENT, Stage.NONE)
    assert not lost.locations.exists()
    assert lost.former_names.filter(stem="b").exists()


@pytest.mark.parametrize("hash_first", [True, False])
def test_the_new_place_may_be_met_before_the_old_one_is_known_to_be_gone(
    tmp_path: Path, drives: tuple[Library, Library], *, hash_first: bool
) -> None:
    one, two = drives
    scan(one)
    probe_all()
    before = variant_at(one, "a.safetensors")
    moved(tmp_path / "one" / "a.safetensors", tmp_path / "two" / "a.safetensors")
    scan(two)
    probe_all()
    assert variant_at(two, "a.safetensors") != before
    if hash_first:
        hash_all()
    scan(one)
    catalogue(one, two)

    assert variant_at(two, "a.safetensors") == before
    assert not Location.objects.filter(library=one, path=b"a.safetensors").exists()
    assert Variant.objects.filter(merged_into=None).count() == 2
    assert ModelRecord.objects.filter(merged_into=None).count() == 2


def test_bytes_that_were_exchanged_with_size_and_time_kept_are_read(tmp_path: Path) -> None:
    path = put(tmp_path, "a.safetensors", model(1))
    library = add(tmp_path)
    catalogue(library)
    before, stat = variant_at(library, "a.safetensors"), path.stat()
    path.write_bytes(model(2))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    Location.objects.update(stage=Stage.PROBE)
    LocationFile.objects.update(ctime_ns=path.stat().st_ctime_ns)
    probe_all()

    assert (at(library, "a.safetensors").state, at(library, "a.safetensors").stage) == (
        LocationState.CHANGED,
        Stage.HASH,
    )
    catalogue(library)
    assert variant_at(library, "a.safetensors") != before
