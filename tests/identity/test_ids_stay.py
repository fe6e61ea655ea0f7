"""Ids stay the same, or answer as aliases, whatever happens to the files."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from catalog.models import ModelHash, ModelRecord, Variant
from catalog.vocabulary import Algorithm, LocationState
from tests.identity.catalogue import (
    add,
    answering_model,
    answers,
    at,
    catalogue,
    hash_all,
    model,
    probe_all,
    put,
    scan,
    variant_at,
)

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.django_db


def test_a_file_is_catalogued_with_all_its_digests(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    library = add(tmp_path)
    catalogue(library)

    variant = variant_at(library, "a.safetensors")
    found = {row.algorithm: row for row in ModelHash.objects.filter(variant=variant)}
    assert {"blake3", "sha256", "autov3", "crc32", "git-sha1", "tensors:v1", "weights:v1"} <= found.keys()
    assert found["blake3"].file_id is not None
    assert found[Algorithm.TENSORS].file_id is None
    assert bytes(variant.content or b"") == bytes(found["blake3"].digest)
    assert at(library, "a.safetensors").hashed_at is not None


def test_a_rename_keeps_the_ids(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    library = add(tmp_path)
    catalogue(library)
    before = variant_at(library, "a.safetensors")

    (tmp_path / "sub").mkdir()
    os.rename(tmp_path / "a.safetensors", tmp_path / "sub" / "b.safetensors")
    catalogue(library)

    assert variant_at(library, "sub/b.safetensors") == before
    assert Variant.objects.count() == 1


@pytest.mark.parametrize("source_first", [True, False])
def test_a_move_to_another_library_keeps_the_ids(tmp_path: Path, *, source_first: bool) -> None:
    source, target = add(tmp_path / "one"), add(tmp_path / "two")
    put(tmp_path / "one", "a.safetensors", model(1))
    catalogue(source, target)
    before = variant_at(source, "a.safetensors")

    shutil.copy2(tmp_path / "one" / "a.safetensors", tmp_path / "two" / "b.safetensors")
    (tmp_path / "one" / "a.safetensors").unlink()
    catalogue(*([source, target] if source_first else [target, source]))

    after = variant_at(target, "b.safetensors")
    assert after == before
    assert after.model == before.model
    assert Variant.objects.filter(merged_into=None).count() == 1
    assert ModelRecord.objects.filter(merged_into=None).count() == 1


def test_a_file_deleted_and_downloaded_again_keeps_the_ids(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    put(tmp_path, "other.safetensors", model(2))
    library = add(tmp_path)
    catalogue(library)
    before = variant_at(library, "a.safetensors")

    (tmp_path / "a.safetensors").unlink()
    catalogue(library)
    assert at(library, "a.safetensors").state == LocationState.MISSING
    put(tmp_path, "again.safetensors", model(1))
    catalogue(library)

    after = variant_at(library, "again.safetensors")
    assert after == before
    assert after.model == before.model


def test_a_header_edit_makes_a_new_variant_of_the_same_model(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    library = add(tmp_path)
    catalogue(library)
    before = variant_at(library, "a.safetensors")

    put(tmp_path, "a.safetensors", model(1, {"note": "a header of another length"}))
    catalogue(library)

    after = variant_at(library, "a.safetensors")
    assert after != before
    assert after.model == answering_model(before.model)
    assert before.model == after.model
    assert answers(before) == before
    assert at(library, "a.safetensors").state == LocationState.PRESENT


def test_an_edit_in_place_moves_on_and_remembers(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    library = add(tmp_path)
    catalogue(library)
    before = variant_at(library, "a.safetensors")

    put(tmp_path, "a.safetensors", model(2))
    scan(library)
    assert at(library, "a.safetensors").state == LocationState.CHANGED
    probe_all()
    assert variant_at(library, "a.safetensors") == before
    report = hash_all()

    after = variant_at(library, "a.safetensors")
    assert report.moved_on == 1
    assert after != before
    assert after.model != before.model
    assert answers(before) == before
    assert not before.locations.exists()
    assert before.former_names.filter(stem="a").exists()


def test_bytes_that_come_back_bring_their_ids_back(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    library = add(tmp_path)
    catalogue(library)
    before = variant_at(library, "a.safetensors")
    put(tmp_path, "a.safetensors", model(2))
    catalogue(library)
    put(tmp_path, "a.safetensors", model(1))
    catalogue(library)

    assert variant_at(library, "a.safetensors") == before


def test_a_touched_file_is_restored(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    library = add(tmp_path)
    catalogue(library)
    before = variant_at(library, "a.safetensors")

    put(tmp_path, "a.safetensors", model(1))
    scan(library)
    probe_all()
    assert at(library, "a.safetensors").state == LocationState.CHANGED
    report = hash_all()

    assert report.restored == 1
    assert at(library, "a.safetensors").state == LocationState.PRESENT
    assert variant_at(library, "a.safetensors") == before
    assert Variant.objects.count() == 1


def test_copies_are_one_variant_in_whatever_order_they_are_hashed(tmp_path: Path) -> None:
    for number in range(4):
        put(tmp_path, f"{number}.safetensors", model(1))
    library = add(tmp_path)
    scan(library)
    probe_all()
    born = list(Variant.objects.order_by("number"))
    assert len(born) == 4
    report = hash_all(at_once=1)

    assert report.absorbed == 3
    assert {answers(variant) for variant in born} == {born[0]}
    assert born[0].locations.count() == 4
    assert ModelRecord.objects.filter(merged_into=None).count() == 1
