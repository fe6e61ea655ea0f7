"""Hashing real files of a claim against a real database."""

from __future__ import annotations

import hashlib
import os
import shutil
from typing import TYPE_CHECKING

import pytest
from blake3 import blake3
from django.conf import settings

from catalog.errors import Cancelled, LeaseLost, LibraryOffline
from catalog.formats.packing import unpack
from catalog.hashing.folders import folder_v1
from catalog.models import Component, HashClaim, Location, ModelHash, Preference, TensorIndex, Variant
from catalog.services import claiming, findings, hashing
from catalog.services.identity import deciding, rejections
from catalog.services.matching import renewing
from catalog.vocabulary import Basis, FindingCode, LocationState, Outcome, Stage
from tests.builders import checkpoint, diffusers_folder, sharded, weights, write_tree
from tests.identity.catalogue import add, at, catalogue, hash_all, model, probe_all, put, scan, variant_at

if TYPE_CHECKING:
    from pathlib import Path

    from catalog.services.claiming import Claim

pytestmark = pytest.mark.django_db


def claimed(limit: int = 100) -> Claim:
    found = claiming.claim(queue=settings.QUEUE, stages=[Stage.HASH], limit_files=limit)
    assert found is not None
    return found


def digests(variant: Variant, name: str | None = None) -> dict[str, bytes]:
    """Those of a file, or without a name those of the whole set."""
    file = variant.files.get(name=name.encode()) if name is not None else None
    return {row.algorithm: bytes(row.digest) for row in ModelHash.objects.filter(variant=variant, file=file)}


def shards() -> dict[str, bytes]:
    """Three shards and their index."""
    return sharded(weights({f"layers.{number}.weight": (4, 4) for number in range(9)}, 7), 3)


def test_every_digest_is_that_of_the_bytes(tmp_path: Path) -> None:
    content = model(1)
    put(tmp_path, "a.safetensors", content)
    library = add(tmp_path)
    catalogue(library)

    found = digests(variant_at(library, "a.safetensors"), "a.safetensors")
    body = 8 + int.from_bytes(content[:8], "little")
    assert found["blake3"] == blake3(content).digest()
    assert found["sha256"] == hashlib.sha256(content).digest()
    assert found["autov3"] == hashlib.sha256(content[body:]).digest()


def test_tensors_keep_their_digests_also_when_the_file_is_gone(tmp_path: Path) -> None:
    path = put(tmp_path, "a.safetensors", model(1))
    library = add(tmp_path)
    catalogue(library)
    path.unlink()
    put(tmp_path, "b.safetensors", model(2))
    catalogue(library)

    variant = variant_at(library, "a.safetensors")
    index = unpack(bytes(variant.tensor_index.packed))
    assert index.digests is not None
    assert len(index.digests) == len(index.tensors) == variant.tensor_index.tensors


def test_a_folder_has_digests_of_its_files_its_parts_and_of_all_together(tmp_path: Path) -> None:
    write_tree(tmp_path, {f"pipe/{name}": content for name, content in diffusers_folder(checkpoint(3)).items()})
    library = add(tmp_path)
    catalogue(library)

    place = Location.objects.get(path=b"pipe")
    variant = place.variant
    assert variant is not None
    whole = digests(variant)
    assert {"folder:v1", "invoke-dir:blake3", "invoke-dir:sha256", "tensors:v1", "weights:v1"} <= whole.keys()
    named = [
        (bytes(file.name), digests(variant, os.fsdecode(bytes(file.name)))["blake3"]) for file in variant.files.all()
    ]
    assert whole["folder:v1"] == folder_v1(named) == bytes(variant.content or b"")
    parts = Component.objects.filter(variant=variant)
    assert "unet" in {part.name for part in parts}
    assert all(part.tensors_digest is not None for part in parts)
    assert place.files.filter(file=None).count() == 0


def test_shards_have_one_content_and_are_known_again_elsewhere(tmp_path: Path) -> None:
    files = shards()
    one, two = add(tmp_path / "one"), add(tmp_path / "two")
    write_tree(tmp_path / "one", files)
    write_tree(tmp_path / "two" / "deep", files)
    catalogue(one, two)

    assert Variant.objects.filter(merged_into=None).count() == 1
    assert Variant.objects.get(merged_into=None).locations.count() == 2


def test_a_missing_shard_leaves_the_content_open_until_it_comes(tmp_path: Path) -> None:
    files = shards()
    last = max(name for name in files if name.endswith(".safetensors"))
    write_tree(tmp_path, {name: content for name, content in files.items() if name != last})
    library = add(tmp_path)
    catalogue(library)
    place = Location.objects.get()
    assert place.variant is not None
    assert place.variant.content is None
    assert place.outcome == Outcome.INVALID
    assert findings.open_findings().filter(code=FindingCode.MISSING_SHARD).exists()
    assert ModelHash.objects.filter(variant=place.variant, algorithm="blake3").exists()

    write_tree(tmp_path, {last: files[last]})
    catalogue(library)
    after = Location.objects.get()
    assert after.variant == place.variant
    assert after.variant is not None
    assert after.variant.content is not None
    assert after.outcome == Outcome.OK
    assert not findings.open_findings().exists()


def test_a_failure_of_one_file_stops_no_other(tmp_path: Path) -> None:
    for name in "abc":
        put(tmp_path, f"{name}.safetensors", model(ord(name)))
    library = add(tmp_path)
    scan(library)
    probe_all()
    (tmp_path / "b.safetensors").unlink()
    report = hash_all()

    assert (report.hashed, report.failed) == (2, 1)
    assert at(library, "b.safetensors").outcome == Outcome.CHANGED
    assert at(library, "b.safetensors").stage == Stage.NONE
    assert findings.open_findings().get().code == FindingCode.VANISHED
    assert at(library, "c.safetensors").hashed_at is not None


def test_a_file_written_to_since_the_walk_waits_for_the_next_scan(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    library = add(tmp_path)
    scan(library)
    probe_all()
    put(tmp_path, "a.safetensors", model(1, {"more": "header"}))
    report = hash_all()

    assert report.failed == 1
    assert not ModelHash.objects.exists()
    assert findings.open_findings().get().code == FindingCode.CHANGING
    catalogue(library)
    assert at(library, "a.safetensors").outcome == Outcome.OK
    assert not findings.open_findings().exists()


@pytest.mark.parametrize("content", [b"", b"\x10\0\0\0\0\0\0\0not json at all!", b"no model of any kind"])
def test_bad_files_are_catalogued_with_what_hashes_they_have(tmp_path: Path, content: bytes) -> None:
    put(tmp_path, "bad.safetensors", content)
    put(tmp_path, "good.safetensors", model(1))
    library = add(tmp_path)
    catalogue(library)

    variant = variant_at(library, "bad.safetensors")
    assert variant.outcome == Outcome.INVALID
    assert ("blake3" in digests(variant, "bad.safetensors")) == bool(content)
    assert (variant.content is not None) == bool(content)
    assert at(library, "good.safetensors").outcome == Outcome.OK


def test_empty_files_are_not_one_model(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", b"")
    put(tmp_path, "b.safetensors", b"")
    library = add(tmp_path)
    catalogue(library)

    assert variant_at(library, "a.safetensors") != variant_at(library, "b.safetensors")
    assert not ModelHash.objects.exists()


def test_a_listed_hash_that_differs_is_a_finding_until_it_agrees(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1, {"sshs_model_hash": "12" * 32}))
    library = add(tmp_path)
    catalogue(library)

    assert HashClaim.objects.get().variant == variant_at(library, "a.safetensors")
    found = findings.open_findings().get()
    assert found.code == FindingCode.CLAIM_DIFFERS
    assert found.location == at(library, "a.safetensors")

    put(tmp_path, "a.safetensors", model(1))
    catalogue(library)
    assert not findings.open_findings().exists()
    assert not HashClaim.objects.exists()


def test_a_listed_hash_that_agrees_is_none(tmp_path: Path) -> None:
    content = model(1)
    body = 8 + int.from_bytes(content[:8], "little")
    autov3 = hashlib.sha256(content[body:]).hexdigest()
    put(tmp_path, "a.safetensors", model(1, {"sshs_model_hash": autov3}))
    library = add(tmp_path)
    catalogue(library)

    assert HashClaim.objects.get().algorithm == "autov3"
    assert not findings.open_findings().exists()


def test_a_part_that_nothing_can_be_said_of_is_not_read_again_and_again(tmp_path: Path) -> None:
    """Of a file whose list of tensors is too long to be kept, say."""
    put(tmp_path, "m.safetensors", model(1))
    library = add(tmp_path)
    scan(library)
    probe_all()
    TensorIndex.objects.all().delete()
    hash_all()
    assert Component.objects.get().fingerprint is None
    assert renewing.renew() == 0


def test_what_was_decided_of_files_before_they_were_read_holds_for_their_weights(tmp_path: Path) -> None:
    put(tmp_path, "one.safetensors", model(1))
    put(tmp_path, "other.safetensors", model(2))
    library = add(tmp_path)
    scan(library)
    probe_all()
    one, other = (variant_at(library, f"{name}.safetensors") for name in ("one", "other"))
    decision = deciding.not_same(left=one, right=other, user=None)
    assert decision.basis == Basis.VARIANT
    hash_all()
    decision.refresh_from_db()
    assert decision.basis == Basis.WEIGHTS
    put(tmp_path, "again.safetensors", model(1, {"note": "another header"}))
    catalogue(library)
    assert rejections.stand_between([variant_at(library, "again.safetensors")], [other])


def test_further_algorithms_are_computed_on_request(tmp_path: Path) -> None:
    Preference.objects.create(key="extra_algorithms", value=["md5", "nonsense", 3, "shake_128"])
    content = model(1)
    put(tmp_path, "a.safetensors", content)
    library = add(tmp_path)
    catalogue(library)

    found = digests(variant_at(library, "a.safetensors"), "a.safetensors")
    assert found["md5"] == hashlib.md5(content, usedforsecurity=False).digest()
    assert not found.keys() & {"nonsense", "shake_128"}


def test_a_lost_lease_writes_nothing(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    library = add(tmp_path)
    scan(library)
    probe_all()
    claim = claimed()

    def taken_away(_location: int, _done: int) -> None:
        Location.objects.update(lease=None, leased_until=None)

    with pytest.raises(LeaseLost):
        hashing.hash_claim(claim=claim, progress=taken_away)
    assert not ModelHash.objects.exists()
    assert variant_at(library, "a.safetensors").content is None
    assert at(library, "a.safetensors").stage == Stage.HASH


def test_only_what_was_taken_away_is_dropped(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    put(tmp_path, "b.safetensors", model(2))
    library = add(tmp_path)
    scan(library)
    probe_all()
    claim = claimed()
    Location.objects.filter(path=b"a.safetensors").update(size=0)

    def taken_away(_location: int, _done: int) -> None:
        Location.objects.filter(path=b"a.safetensors").update(lease=None, leased_until=None)

    report = hashing.hash_claim(claim=claim, progress=taken_away)
    assert report.hashed == 1
    assert variant_at(library, "a.safetensors").content is None
    assert variant_at(library, "b.safetensors").content is not None


def test_progress_is_told_in_bytes_of_each_place(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    library = add(tmp_path)
    scan(library)
    probe_all()
    heard: list[tuple[int, int]] = []
    hashing.hash_claim(claim=claimed(), progress=lambda location, done: heard.append((location, done)))

    place = at(library, "a.safetensors")
    assert heard[-1] == (place.pk, place.size)


def test_what_was_read_before_a_cancellation_is_kept(tmp_path: Path) -> None:
    for name in "abc":
        put(tmp_path, f"{name}.safetensors", model(ord(name)))
    library = add(tmp_path)
    scan(library)
    probe_all()
    claim = claimed()
    asked: list[None] = []

    def cancelled() -> bool:
        asked.append(None)
        return len(asked) > 2

    with pytest.raises(Cancelled):
        hashing.hash_claim(claim=claim, cancelled=cancelled)
    assert Location.objects.filter(hashed_at__isnull=False, stage=Stage.NONE).count() == 2
    assert Location.objects.filter(lease=claim.token, stage=Stage.HASH).count() == 1
    claiming.release(claim)
    hash_all()
    assert Location.objects.filter(library=library, hashed_at=None).count() == 0


def test_a_shard_that_goes_away_leaves_the_variant_what_it_was(tmp_path: Path) -> None:
    files = shards()
    last = max(name for name in files if name.endswith(".safetensors"))
    write_tree(tmp_path, files)
    library = add(tmp_path)
    catalogue(library)
    before = Location.objects.get().variant
    assert before is not None
    (tmp_path / last).unlink()
    catalogue(library)

    place = Location.objects.get()
    assert place.variant == before
    assert (place.state, place.outcome) == (LocationState.CHANGED, Outcome.INVALID)
    write_tree(tmp_path, {last: files[last]})
    catalogue(library)
    place = Location.objects.get()
    assert place.variant == before
    assert (place.state, place.outcome) == (LocationState.PRESENT, Outcome.OK)
    assert Variant.objects.count() == 1
    assert {file.file for file in place.files.all()} == set(before.files.all())


def test_a_drive_that_is_gone_fails_no_file(tmp_path: Path) -> None:
    for name in "abc":
        put(tmp_path / "drive", f"{name}.safetensors", model(ord(name)))
    library = add(tmp_path / "drive")
    scan(library)
    probe_all()
    claim = claimed()
    asked: list[None] = []

    def pulled() -> bool:
        asked.append(None)
        if len(asked) == 2:
            shutil.rmtree(tmp_path / "drive")
        return False

    with pytest.raises(LibraryOffline):
        hashing.hash_claim(claim=claim, cancelled=pulled)
    library.refresh_from_db()
    assert not library.online
    assert {row.code for row in findings.open_findings()} == {FindingCode.LIBRARY_OFFLINE}
    assert Location.objects.filter(hashed_at__isnull=False).count() < 3
