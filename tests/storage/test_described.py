"""Names of models in several files of which one describes."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from catalog.storage.described import is_wanted, program_of
from catalog.storage.root import Root
from catalog.storage.walk import walk

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("path", "word"),
    [
        (b"a/saved_model.pb", "tensorflow"),
        (b"a/model.ckpt-100.index", "tensorflow"),
        (b"model.json", "tfjs"),
        (b"x/openvino_model.xml", "openvino"),
        (b"yolo.param", "ncnn"),
        (b"inference.pdmodel", "paddle"),
        (b"A.mlpackage/Data/com.apple.CoreML/model.mlmodel", "coreml"),
        (b"a/frozen.pb", None),
        (b"a/model.mlmodel", None),
        (b"a/config.json", None),
        (b"a/model.safetensors", None),
    ],
)
def test_a_description_is_known_by_its_name(path: bytes, word: str | None) -> None:
    program = program_of(path)
    assert (program.word if program else None) == word


@pytest.mark.parametrize(
    ("name", "here", "folder", "wanted"),
    [
        ("group1-shard1of2", [], b"", True),
        ("model.ckpt.data-00000-of-00002", [], b"", True),
        ("model.json", ["group1-shard1of2.bin"], b"", True),
        ("model.json", ["model.safetensors"], b"", False),
        ("a.xml", ["a.bin"], b"", True),
        ("a.xml", ["b.bin"], b"", False),
        ("a.param", ["a.bin"], b"", True),
        ("faiss.index", ["a.bin"], b"", False),
        ("model.ckpt.index", ["model.ckpt.data-00000-of-00001"], b"", True),
        ("Manifest.json", [], b"x/A.mlpackage/", True),
        ("Manifest.json", [], b"x/", False),
        ("a.txt", ["a.bin"], b"", False),
    ],
)
def test_what_belongs_to_one_is_wanted(name: str, here: list[str], folder: bytes, *, wanted: bool) -> None:
    assert is_wanted(name, here, folder) is wanted


def test_a_walk_takes_what_belongs_to_one_and_no_other_texts(tmp_path: Path) -> None:
    taken = ["v/a.bin", "v/a.xml", "t/model.json", "t/group1-shard1of1", "n/m.param", "n/m.bin"]
    for name in [*taken, "v/b.xml", "w/c.xml", "t/other.json", "n/x.param"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    with Root(os.fsencode(tmp_path)) as root:
        found = walk(root)
    assert [os.fsdecode(entry.path) for entry in found.entries] == sorted(taken)
    assert sum(found.skipped.values()) == 4


def test_patterns_speak_of_descriptions_too(tmp_path: Path) -> None:
    for name in ("a.bin", "a.xml"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / ".isotopeignore").write_text("*.xml\n")
    with Root(os.fsencode(tmp_path)) as root:
        assert [entry.path for entry in walk(root).entries] == [b"a.bin"]
