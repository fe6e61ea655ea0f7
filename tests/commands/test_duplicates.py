"""What lies here twice, on the command line: groups by gain, for people and for programs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from catalog.models import Variant
from catalog.vocabulary import Certainty, Relation
from tests.builders import write_tree
from tests.commands.running import run
from tests.identity.catalogue import add, catalogue, model, put, variant_at
from tests.identity.known import pipeline
from tests.identity.relations import related

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.django_db


def test_a_file_at_two_places(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    put(tmp_path, "copy/b.safetensors", model(1))
    put(tmp_path, "other.safetensors", model(2))
    library = add(tmp_path)
    catalogue(library)
    size = len(model(1))

    ran = run("duplicates", "--json")

    assert (ran.code, len(ran.rows)) == (0, 1)
    group = dict(ran.rows[0])
    variant = str(variant_at(library, "a.safetensors").pk)
    assert group.pop("group")
    assert group.pop("members") == [
        {
            "variant": variant,
            "library": str(tmp_path),
            "path": path,
            "set": "",
            "file": path.rpartition("/")[2],
            "size": size,
            "relation": "identical",
            "kept": path == "a.safetensors",
            "role": "weights",
        }
        for path in ("a.safetensors", "copy/b.safetensors")
    ]
    assert group == {
        "sort": "identical",
        "relation": "identical",
        "certainty": "proven",
        "bytes": 2 * size,
        "reclaimable": size,
    }


def test_hard_links_are_none(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    os.link(tmp_path / "a.safetensors", tmp_path / "b.safetensors")
    catalogue(add(tmp_path))
    ran = run("duplicates", "--json")
    assert (ran.code, ran.rows) == (1, [])


def test_variants_of_one_model_and_the_relation_that_is_asked_for(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    put(tmp_path, "noted.safetensors", model(1, {"note": "another header"}))
    put(tmp_path, "large.safetensors", model(2, size=16))
    put(tmp_path, "large too.safetensors", model(2, size=16))
    library = add(tmp_path)
    catalogue(library)

    ran = run("duplicates", "--json")
    only = run("duplicates", "--json", "--relation", "same_tensors")

    assert [row["relation"] for row in ran.rows] == ["identical", "same_tensors"]
    (group,) = only.rows
    assert (group["certainty"], group["reclaimable"]) == ("proven", len(model(1, {"note": "another header"})))
    members = group["members"]
    assert isinstance(members, list)
    assert [(one["path"], one["relation"], one["kept"]) for one in members] == [
        ("a.safetensors", "identical", True),
        ("noted.safetensors", "same_tensors", False),
    ]
    assert run("duplicates", "--json", "--relation", "quantised").code == 1


def test_for_people(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    put(tmp_path, "b.safetensors", model(1))
    put(tmp_path, "c.safetensors", model(2))
    put(tmp_path, "d.safetensors", model(3))
    library = add(tmp_path)
    catalogue(library)
    Variant.objects.filter(pk=variant_at(library, "c.safetensors").pk).update(bits=32)
    related(
        variant_at(library, "c.safetensors"),
        variant_at(library, "d.safetensors"),
        Relation.OTHER_PRECISION,
        Certainty.ALL_VALUES,
    )

    ran = run("duplicates")

    assert ran.code == 0
    assert "2 identical files: " in ran.out
    assert "2 variants of one model, same weights, other precision, every value compared: " in ran.out
    lines = [line.split() for line in ran.out.splitlines() if ".safetensors" in line]
    assert [line[0] for line in lines].count("keep") == 2
    assert f"{tmp_path}/d.safetensors" in ran.out
    assert "2 groups; " in ran.out
    assert "to gain. Nothing was changed." in ran.out


def test_nothing_twice(tmp_path: Path) -> None:
    put(tmp_path, "a.safetensors", model(1))
    catalogue(add(tmp_path))
    ran = run("duplicates")
    assert ran.code == 1
    assert ran.out == ""
    assert "No duplicates" in ran.err
    assert "of this kind (identical)" in run("duplicates", "--relation", "identical").err


def test_files_beside_weights_are_counted_and_not_listed_to_people(tmp_path: Path) -> None:
    for seed in (1, 2):
        write_tree(tmp_path, {f"pipe{seed}/{name}": content for name, content in pipeline(seed).items()})
    catalogue(add(tmp_path))

    ran = run("duplicates")

    assert ran.code == 0
    assert "model_index.json" not in ran.out
    assert "1 of them is of files beside weights" in ran.out
    (group,) = run("duplicates", "--json").rows
    members = group["members"]
    assert isinstance(members, list)
    assert sorted((one["path"], one["file"]) for one in members) == [
        ("pipe1", "model_index.json"),
        ("pipe2", "model_index.json"),
    ]
