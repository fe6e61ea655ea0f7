"""Models in several files of which one describes: each is one set, and named."""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING

import pytest

from catalog.formats import READERS
from catalog.formats.sets import group
from catalog.storage.root import Root
from catalog.storage.walk import walk
from catalog.vocabulary import FileRole, FindingCode, Format, Outcome
from tests.builders import write_tree
from tests.builders.folders import probe_tree
from tests.builders.onnx_files import number, part
from tests.builders.real import real

if TYPE_CHECKING:
    from pathlib import Path

    from catalog.formats.sets import FileSet

NODE = part(1, part(1, "x") + part(2, "Placeholder"))
SAVED = number(1, 1) + part(2, part(1, part(4, "serve")) + part(2, NODE))
TABLE = bytes(40) + bytes.fromhex("57fb808b247547db")
WEIGHTS = b"\x9a\x99\xff" * 300
NET = b'<?xml version="1.0"?>\n<net name="m" version="11"></net>'
SCRIPT = b'{"format": "graph-model", "modelTopology": {}, "weightsManifest": []}'
PADDLE = part(1, number(1, 0) + number(2, -1))
PADDLE_NUMBERS = bytes(16) + (4).to_bytes(4, "little") + number(1, 5) + number(2, 3) + bytes(12)
CTRANSLATE = struct.pack("<IH", 6, 12) + b"WhisperSpec\0" + struct.pack("<II", 3, 9) + bytes(99)
COREML = number(1, 8) + part(2, part(1, "x")) + part(502, bytes(90))
BLOBS = struct.pack("<II", 2, 2).ljust(64, b"\0") + struct.pack("<II", 0xDEADBEEF, 1) + bytes(99)

CASES: list[tuple[str, Format, dict[str, bytes]]] = [
    (
        "saved#tensorflow",
        Format.TENSORFLOW,
        {
            "saved/saved_model.pb": SAVED,
            "saved/keras_metadata.pb": b"\x0a\x01\xff",
            "saved/variables/variables.index": TABLE,
            "saved/variables/variables.data-00000-of-00001": WEIGHTS,
        },
    ),
    (
        "run/model.ckpt-9.index#tensorflow",
        Format.TENSORFLOW,
        {
            "run/model.ckpt-9.index": TABLE,
            "run/model.ckpt-9.data-00000-of-00002": WEIGHTS,
            "run/model.ckpt-9.data-00001-of-00002": WEIGHTS,
        },
    ),
    (
        "web#tfjs",
        Format.TFJS,
        {"web/model.json": SCRIPT, "web/group1-shard1of2.bin": WEIGHTS, "web/group1-shard2of2.bin": WEIGHTS},
    ),
    ("web#tfjs", Format.TFJS, {"web/model.json": SCRIPT, "web/group1-shard1of1": WEIGHTS}),
    ("web#tfjs", Format.TFJS, {"web/model.json": SCRIPT, "web/model.weights.bin": WEIGHTS}),
    (
        "ov/openvino_model.xml#openvino",
        Format.OPENVINO,
        {"ov/openvino_model.xml": NET, "ov/openvino_model.bin": WEIGHTS},
    ),
    ("ov/model.xml#openvino", Format.OPENVINO, {"ov/model.xml": NET, "ov/model.bin": WEIGHTS}),
    ("m.param#ncnn", Format.NCNN, {"m.param": b"7767517\n1 1\n", "m.bin": WEIGHTS}),
    ("i.pdmodel#paddle", Format.PADDLE, {"i.pdmodel": PADDLE, "i.pdiparams": PADDLE_NUMBERS}),
    (
        "A.mlpackage#coreml",
        Format.COREML,
        {
            "A.mlpackage/Manifest.json": b"{}",
            "A.mlpackage/Data/com.apple.CoreML/model.mlmodel": COREML,
            "A.mlpackage/Data/com.apple.CoreML/weights/weight.bin": BLOBS,
        },
    ),
]


def sets(folder: Path) -> list[FileSet]:
    with Root(os.fsencode(folder)) as root:
        found = walk(root)
    return group(found.entries, found.twins)


@pytest.mark.parametrize(("printed", "kind", "files"), CASES, ids=[f"{kind}-{len(f)}" for _, kind, f in CASES])
def test_it_is_one_model_that_is_named_and_read_where_it_can_be(
    printed: str, kind: Format, files: dict[str, bytes], tmp_path: Path
) -> None:
    found = probe_tree(write_tree(tmp_path, files))
    assert list(found) == [printed]
    probed = found[printed]
    read = kind in READERS
    assert (probed.probe.format, probed.probe.outcome) == (kind, Outcome.OK if read else Outcome.UNSUPPORTED)
    assert [problem.code for problem in probed.probe.problems] == [FindingCode.UNSUPPORTED] * (not read)
    assert len(probed.files) == len(files), "every file belongs to it"
    (one,) = sets(tmp_path)
    assert one.format_hint is kind
    assert [file.role for file in one.files].count(FileRole.WEIGHTS) == 1
    assert {os.fsdecode(os.path.join(one.folder, file.name)) for file in one.files} == set(files)


@pytest.mark.parametrize(
    ("printed", "lost"),
    [
        ("run/model.ckpt-9.index#tensorflow", "model.ckpt-9.data-00001-of-00002"),
        ("run/model.ckpt-9.index#tensorflow", "model.ckpt-9.data-00000-of-00002"),
        ("web#tfjs", "group1-shard1of2.bin"),
    ],
)
def test_a_missing_piece_is_named(printed: str, lost: str, tmp_path: Path) -> None:
    files = next(files for name, _, files in CASES if name == printed)
    found = probe_tree(write_tree(tmp_path, {name: body for name, body in files.items() if not name.endswith(lost)}))
    probe = found[printed].probe
    assert probe.outcome is Outcome.INVALID
    assert [problem.params["shard"] for problem in probe.problems if problem.code is FindingCode.MISSING_SHARD] == [
        lost
    ]
    assert sets(tmp_path)[0].missing == (lost.encode(),)


def test_a_false_number_of_pieces_is_not_followed(tmp_path: Path) -> None:
    files = {"a/m.index": TABLE, "a/m.data-00000-of-99999": WEIGHTS}
    (one,) = sets(write_tree(tmp_path, files))
    assert 100 <= len(one.missing) < 110


def test_a_description_without_its_data_is_a_file_by_itself(tmp_path: Path) -> None:
    files = {"a/saved_model.pb": SAVED, "b/i.pdmodel": PADDLE, "c/model.mlmodel": COREML, "d/m.bin": WEIGHTS}
    assert sorted(probe_tree(write_tree(tmp_path, files))) == sorted(files)


def test_models_side_by_side_are_kept_apart(tmp_path: Path) -> None:
    files = {f"{name}.{end}": body for name in "ab" for end, body in (("xml", NET), ("bin", WEIGHTS))}
    found = probe_tree(write_tree(tmp_path, {**files, "c.bin": WEIGHTS}))
    assert sorted(found) == ["a.xml#openvino", "b.xml#openvino", "c.bin"]


def test_a_model_of_ctranslate2_is_not_taken_for_one_of_transformers(tmp_path: Path) -> None:
    files = {"w/model.bin": CTRANSLATE, "w/config.json": b"{}", "w/vocabulary.json": b"[]", "w/tokenizer.json": b"{}"}
    found = probe_tree(write_tree(tmp_path, files))
    assert [(name, one.probe.format, one.probe.outcome) for name, one in found.items()] == [
        ("w#bin", Format.CTRANSLATE2, Outcome.UNSUPPORTED)
    ]


def test_a_real_package_is_four_models() -> None:
    found = probe_tree(real("basic-pitch", "nmp.onnx").parent)
    assert {name: one.probe.format for name, one in found.items()} == {
        "nmp#tensorflow": Format.TENSORFLOW,
        "nmp.mlpackage#coreml": Format.COREML,
        "nmp.onnx": Format.ONNX,
        "nmp.tflite": Format.TFLITE,
    }
