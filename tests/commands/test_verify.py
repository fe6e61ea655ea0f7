"""`verify` reads what was hashed again and says what is no longer as it was."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from blake3 import blake3

from catalog.models import Finding, Library, ModelHash
from catalog.services import library_settings
from tests.builders import safetensors, weights, write_tree
from tests.commands.running import run

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

pytestmark = pytest.mark.django_db(transaction=True)
CONTENT = {f"{name}.safetensors": safetensors(weights({"a": (8, 8)}, at)) for at, name in enumerate("abc")}


@pytest.fixture
def library(tmp_path: Path) -> Path:
    folder = write_tree(tmp_path / "models", CONTENT)
    run("scan", "--wait", folder)
    return folder


def rot(path: Path) -> None:
    """One bit of the last byte turns over; size and times stay."""
    before = path.stat()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def states(rows: list[Mapping[str, object]]) -> dict[object, object]:
    return {row["path"]: row["state"] for row in rows}


def test_everything_is_as_it_was(library: Path) -> None:
    ran = run("verify", "--json")

    assert ran.code == 0
    assert states(ran.rows) == {str(library / name): "ok" for name in CONTENT}
    digest = blake3(CONTENT["a.safetensors"]).hexdigest()
    assert {row["expected"] for row in ran.rows if row["path"] == str(library / "a.safetensors")} == {digest}
    assert all(row["expected"] == row["found"] for row in ran.rows)


def test_a_bit_that_turned_over_is_found_and_nothing_is_overwritten(library: Path) -> None:
    before = set(ModelHash.objects.values_list("variant", "algorithm", "digest"))
    rot(library / "b.safetensors")

    ran = run("verify", "--json", library)

    assert ran.code == 1
    assert states(ran.rows)[str(library / "b.safetensors")] == "corrupt"
    (row,) = [row for row in ran.rows if row["state"] == "corrupt"]
    assert row["expected"] == blake3(CONTENT["b.safetensors"]).hexdigest()
    assert row["found"] == blake3((library / "b.safetensors").read_bytes()).hexdigest()
    assert set(ModelHash.objects.values_list("variant", "algorithm", "digest")) == before
    assert Finding.objects.filter(code="corrupt", cleared_at=None).count() == 1


def test_a_person_is_told_what_to_do(library: Path) -> None:
    rot(library / "b.safetensors")

    ran = run("verify", library)

    assert "b.safetensors is corrupt" in ran.out
    assert "Restore it from a good copy" in ran.out


def test_a_part_of_a_library_can_be_asked_for(library: Path) -> None:
    assert states(run("verify", "--json", library / "c.safetensors").rows) == {str(library / "c.safetensors"): "ok"}


def test_what_was_written_to_is_no_longer_as_it_was(library: Path) -> None:
    (library / "a.safetensors").write_bytes(CONTENT["b.safetensors"])

    ran = run("verify", "--json", library / "a.safetensors")

    assert ran.code == 1
    assert states(ran.rows) == {str(library / "a.safetensors"): "changed"}


def test_what_is_gone_is_missing(library: Path) -> None:
    (library / "a.safetensors").unlink()

    ran = run("verify", "--json", library)

    assert ran.code == 1
    assert states(ran.rows)[str(library / "a.safetensors")] == "missing"


def test_a_path_outside_all_libraries_is_refused(library: Path) -> None:
    assert run("verify", library.parent / "elsewhere").code == 2


def test_without_a_library_there_is_nothing_to_verify() -> None:
    ran = run("verify")

    assert ran.code == 2
    assert "manage.py scan" in ran.err


def test_nobody_waits_for_a_paused_library(library: Path) -> None:
    library_settings.set_paused(library_id=Library.objects.get().pk, paused=True)

    ran = run("verify")

    assert ran.code == 2
    assert "is paused" in ran.err
